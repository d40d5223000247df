// The version of both programs, said in this one place.

package enum ProductVersion {
    /// By Semantic Versioning 2.0.0; CHANGELOG.md says what is in it.
    package static let current = "0.1.0"
}
