// swift-tools-version: 6.2
// Benchmarks of the pure core, without sockets: swift run -c release --package-path Benchmarks
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "swift-shadowsocks-benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [.package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0")],
    targets: [
        // The same sources as the programs', through links: they are no product that another package could name.
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
        .target(name: "CBoringSSL", dependencies: [.product(name: "NIOSSL", package: "swift-nio-ssl")]),
        .target(name: "SSCommon", dependencies: ["CSodium", "COpenSSL", "CBoringSSL"], swiftSettings: settings),
        .target(name: "SSServerCore", dependencies: ["SSCommon"], swiftSettings: settings),
        // Its Front/ links to the parsers of the client's front, which belongs to a program: the files without sockets.
        .executableTarget(name: "Benchmarks", dependencies: ["SSCommon", "SSServerCore"], swiftSettings: settings),
    ]
)
