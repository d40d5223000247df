// swift-tools-version: 6.2
import PackageDescription

#if canImport(Glibc)
    import Glibc

    /// The dynamic linkers of glibc 2.36 and later read them.
    let shortRelocations: [String] = {
        var name = [UInt8](repeating: 0, count: 64)
        let count = confstr(Int32(_CS_GNU_LIBC_VERSION), &name, name.count)
        let version = String(decoding: name.prefix(max(1, count) - 1), as: UTF8.self).dropFirst("glibc ".count)
            .split(separator: ".").compactMap { Int($0) }
        return version.lexicographicallyPrecedes([2, 36]) ? [] : ["-z", "pack-relative-relocs"]
    }()
#else
    let shortRelocations: [String] = []
#endif

/// Every target is held to the same rules: Swift 6 mode, explicit imports, no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

/// Release programs carry the Swift runtime in themselves: one file to copy to a server, and reference counting and
/// thread-local look-ups become direct calls, a tenth of the work of a short connection.
///
/// No other program links to these, so their symbols are nobody's to look up: without that table, which the dynamic linker
/// reads from end to end, each process holds four megabytes less. Relocations in their short form are another three.
let selfContained: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib", "-use-ld=lld", "-l_FoundationCollections", "-l_FoundationCShims"]
            + (["--no-export-dynamic"] + shortRelocations).flatMap { ["-Xlinker", $0] },
        .when(platforms: [.linux], configuration: .release))
]
let selfContainedSwift: [SwiftSetting] = [
    .unsafeFlags(["-static-stdlib"], .when(platforms: [.linux], configuration: .release))
]

// Not on Linux. That would link libqrencode, which is opened when it is wanted (QREncoder), and would ask for libcrypto where
// nobody tests; both are where the compiler looks anyway.
#if os(Linux)
    let qrencodeConfig: String? = nil
    let libcryptoConfig: String? = nil
#else
    let qrencodeConfig: String? = "libqrencode"
    let libcryptoConfig: String? = "libcrypto"
#endif

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let database: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

let package = Package(
    name: "swift-shadowsocks",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "sslocal", targets: ["sslocal"]),
        .executable(name: "ssserver", targets: ["ssserver"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
        // For the tests alone, which hold BoringSSL's ciphers against it.
        .systemLibrary(
            name: "COpenSSL", pkgConfig: libcryptoConfig,
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(
            name: "CQREncode", pkgConfig: qrencodeConfig,
            providers: [.apt(["libqrencode-dev"]), .brew(["qrencode"])]),

        .target(name: "CLinux"),
        // Of the BoringSSL in swift-nio-ssl.
        .target(name: "CCrypto", dependencies: [tls]),

        // Arrows: SSCommon <- SSNetwork <- SSCommandLine <- {sslocal, ssserver}; SSCommon <- SSServerCore <- ssserver.
        .target(name: "SSCommon", dependencies: ["CSodium", "CCrypto"], swiftSettings: strict),
        .target(
            name: "SSNetwork", dependencies: ["SSCommon", "CLinux", nio, nioLocks, nioPosix, nioHTTP, logging],
            swiftSettings: strict),
        .target(
            name: "SSCommandLine",
            dependencies: ["SSCommon", "SSNetwork", "CQREncode", nio, logging, arguments, lifecycle, signals],
            swiftSettings: strict),
        .target(name: "SSServerCore", dependencies: ["SSCommon"], swiftSettings: strict),
        .executableTarget(
            name: "sslocal",
            dependencies: [
                "SSCommon", "SSNetwork", "SSCommandLine", nio, nioPosix, nioLocks, nioHTTP, tls, logging, arguments,
            ],
            swiftSettings: strict + selfContainedSwift, linkerSettings: selfContained),
        .executableTarget(
            name: "ssserver",
            dependencies: [
                "CLinux", "SSCommon", "SSNetwork", "SSServerCore", "SSCommandLine", nio, nioPosix, nioLocks, logging,
                arguments, database,
            ],
            swiftSettings: strict + selfContainedSwift, linkerSettings: selfContained),

        .testTarget(
            name: "SSCommonTests", dependencies: ["SSCommon", "CSodium", "CCrypto", "COpenSSL"], swiftSettings: strict),
        .testTarget(
            name: "SSNetworkTests",
            dependencies: ["SSNetwork", "SSCommon", nio, nioPosix, nioLocks, nioEmbedded, logging],
            swiftSettings: strict),
        .testTarget(name: "SSServerCoreTests", dependencies: ["SSServerCore", "SSCommon"], swiftSettings: strict),
        .testTarget(
            name: "SSLocalTests",
            dependencies: ["sslocal", "SSCommon", "SSNetwork", nio, nioPosix, nioHTTP, nioEmbedded, tls, logging],
            swiftSettings: strict),
        .testTarget(
            name: "SSServerTests",
            dependencies: [
                "ssserver", "SSCommon", "SSNetwork", "SSServerCore", nio, nioPosix, nioEmbedded, nioLocks, logging,
                database,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SSCommandLineTests", dependencies: ["SSCommandLine", "SSCommon", arguments], swiftSettings: strict),
        .testTarget(name: "EndToEndTests", dependencies: ["COpenSSL"], swiftSettings: strict),
    ]
)
