// Configurations, files and flags together: whatever is in them, there is a configuration or there are faults, and what
// is said about it is short, harmless on a terminal, JSON for an editor, and silent about the password.
// words: config
import SSCommon

private let secret = "Zq7-kY3rJ0n8w2vQ5t"

/// What every finding must be, whatever it is about.
private func checkDiagnostic(_ diagnostic: Diagnostic) {
    check(diagnostic.message.utf8.count <= 2048 && diagnostic.label.utf8.count <= 2048, "a message without bound")
    check((diagnostic.line ?? 1) >= 1 && (diagnostic.column ?? 1) >= 1, "a place before the beginning")
    if let excerpt = diagnostic.excerpt {
        check(excerpt.text.utf8.count <= 1024, "an excerpt without bound")
        check(excerpt.indent <= 120 && (1...120).contains(excerpt.width), "carets beside the line")
    }
    let rendered = DiagnosticRenderer().render(diagnostic)
    check(rendered.utf8.count <= 8192, "a finding without bound")
    check(rendered.split(separator: "\n").allSatisfy { isHarmless($0) }, "foreign control characters in a finding")
    check(rendered.utf8.count(where: { $0 == UInt8(ascii: "\n") }) <= 5, "foreign line ends in a finding")
    let json = Array(diagnostic.jsonLine.utf8)
    check(!json.contains(UInt8(ascii: "\n")) && strictJSON(json)?.count == 7, "no JSON for the editor")
}

/// Whether the password of the document is our secret, and stands nowhere else.
private func isSecretOnly(in document: JSONDocument) -> Bool {
    guard case .object(let members)? = document.root?.kind else { return false }
    let holders = members.filter { $0.key == "password" && $0.value.kind == .string(secret) }
    let bytes = document.source.bytes
    let starts = bytes.indices.count { bytes[$0...].starts(with: secret.utf8) }
    return holders.count == 1 && starts == 1
}

private func checkFindings(_ diagnostics: [Diagnostic], isUsable: Bool, hidesSecret: Bool) {
    check(diagnostics.count <= 201, "more findings than anyone will read")
    check(isUsable == !diagnostics.hasErrors, "a configuration with errors, or none without")
    for diagnostic in diagnostics { checkDiagnostic(diagnostic) }
    let all = DiagnosticRenderer().render(diagnostics) + diagnostics.map(\.jsonLine).joined()
    if hidesSecret { check(!all.contains(secret), "shows the password") }
}

/// The flags that take a text and are no secret.
private var fields: [WritableKeyPath<CommandLineOverrides, String?>] {
    [
        \.server, \.serverPort, \.localAddress, \.localPort, \.method, \.passwordFile, \.timeout, \.acl, \.logFormat,
        \.nofile,
    ]
}

private func overrides(_ input: inout FuzzInput) -> CommandLineOverrides {
    var overrides = CommandLineOverrides()
    let given = UInt16(input.byte()) << 8 | UInt16(input.byte())
    for (index, field) in fields.enumerated() where given >> index & 1 == 1 {
        overrides[keyPath: field] = input.shortText()
    }
    overrides.udpOnly = given >> 10 & 1 == 1
    overrides.tcpAndUDP = given >> 11 & 1 == 1
    overrides.verbosity = Int(given >> 12 & 3)
    if given >> 14 & 1 == 1 { overrides.password = secret }
    return overrides
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let overrides = mode & 1 == 1 ? overrides(&input) : CommandLineOverrides()
    var bytes = input.rest()
    if mode & 2 == 2 {
        // Behind what every configuration needs, so that the rest is looked at too.
        let needed = """
            {"server": "192.0.2.1", "server_port": 8388, "method": "aes-256-gcm", "password": "\(secret)",

            """
        bytes = Array(needed.utf8) + bytes + (mode & 4 == 4 ? Array("}".utf8) : [])
    }
    let document = JSONDocument(bytes, path: "c.json")
    check(document.root != nil || !document.faults.isEmpty, "no document and no fault")
    let file = mode & 9 == 9 ? nil : (bytes: bytes, path: "c.json")
    // A secret that somebody gave as something else too cannot be told from that.
    let isGivenElsewhere = fields.contains { overrides[keyPath: $0]?.contains(secret) == true }
    let hidesSecret = !isGivenElsewhere && (file == nil || isSecretOnly(in: document))
    let environment: (String) -> String? = { $0.utf8.count & 1 == 0 ? nil : secret }
    if mode & 16 == 16 {
        let loaded = ServerConfiguration.load(file, overrides: overrides, environment: environment)
        checkFindings(
            loaded.diagnostics, isUsable: loaded.configuration != nil, hidesSecret: hidesSecret)
        if let configuration = loaded.configuration { check(!configuration.listeners.isEmpty, "nothing to serve") }
    } else {
        let loaded = LocalConfiguration.load(file, overrides: overrides, environment: environment)
        checkFindings(
            loaded.diagnostics, isUsable: loaded.configuration != nil, hidesSecret: hidesSecret)
        if let configuration = loaded.configuration {
            check(!configuration.servers.isEmpty && !configuration.locals.isEmpty, "nothing to do")
        }
    }
    return 0
}
