// swift-tools-version: 6.2
// Benchmarks of the pure core, without sockets: swift run -c release --package-path Benchmarks
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
]

// SS_WITHOUT_BORINGSSL: with libcrypto's AEADs in its place, which are slower and need no six minutes to be built.
let hasBoringSSL = Context.environment["SS_WITHOUT_BORINGSSL"] == nil
let boringSSL: [Target.Dependency] = hasBoringSSL ? [.product(name: "NIOSSL", package: "swift-nio-ssl")] : []

let package = Package(
    name: "swift-shadowsocks-benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: hasBoringSSL ? [.package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0")] : [],
    targets: [
        // The same sources as the programs', through links: they are no product that another package could name.
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
        .target(name: "CCrypto", dependencies: hasBoringSSL ? boringSSL : ["COpenSSL", "CSodium"]),
        .target(name: "SSCommon", dependencies: ["CSodium", "CCrypto"], swiftSettings: settings),
        .target(name: "SSServerCore", dependencies: ["SSCommon"], swiftSettings: settings),
        // Its Front/ links to the parsers of the client's front, which belongs to a program: the files without sockets.
        .executableTarget(name: "Benchmarks", dependencies: ["SSCommon", "SSServerCore"], swiftSettings: settings),
    ]
)
