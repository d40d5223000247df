// A certificate for lists.example and other.example that nobody trusts but these tests, with its key, which is worth nothing.
import NIOSSL

enum TestCertificate {
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBsDCCAVagAwIBAgIUJIYf0B5rgRPbB4LXQm5IvVR3jEIwCgYIKoZIzj0EAwIw
        GDEWMBQGA1UEAwwNbGlzdHMuZXhhbXBsZTAgFw0yNjExMjExNTI1MTFaGA8yMTI2
        MTAyODE1MjUxMVowGDEWMBQGA1UEAwwNbGlzdHMuZXhhbXBsZTBZMBMGByqGSM49
        AgEGCCqGSM49AwEHA0IABPa25hN29MwxyjqcV/p5g+Hekc7AWX9y9mD4rKiBkIAm
        UvGEm0Q3UjAXTVE99HwUN2iqYRJB40cQHoavoKqdCDqjfDB6MB0GA1UdDgQWBBR6
        qhD+S/vcb8j5RjfHvfFXFw+zRTAfBgNVHSMEGDAWgBR6qhD+S/vcb8j5RjfHvfFX
        Fw+zRTAnBgNVHREEIDAegg1saXN0cy5leGFtcGxlgg1vdGhlci5leGFtcGxlMA8G
        A1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgGYcQaGHxM9//zhgi+sqX
        GqEvMZITmynIgmh+kuJ0u4sCIQCdD0Flc3uGrULG9PNwdsZB4XeoId710Z3IwlR5
        aqwA2A==
        -----END CERTIFICATE-----
        """

    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYs2GRxPMAcc2Tf2m
        pPhwJz/u8X43NpaE/VLjDMJg0lyhRANCAAT2tuYTdvTMMco6nFf6eYPh3pHOwFl/
        cvZg+KyogZCAJlLxhJtEN1IwF01RPfR8FDdoqmESQeNHEB6Gr6CqnQg6
        -----END PRIVATE KEY-----
        """

    static func serverContext() throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let key = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
    }

    static func roots() throws -> NIOSSLTrustRoots {
        .certificates(try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)))
    }
}
