// The flags of `doctor` that both programs have: whom to ask, and in what form to answer.
internal import ArgumentParser
package import SSCommon

package struct DoctorFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("What to ask for over TCP: 80 speaks HTTP, 443 TLS.", valueName: "host:port"))
    package var target = "example.com:80"

    @Option(
        help: ArgumentHelp("The name server to ask over UDP.", valueName: "host:port"))
    package var udpTarget = "1.1.1.1:53"

    @Flag(help: "Print JSON.")
    package var json = false

    package init() {}

    package mutating func validate() throws {
        streamTarget = try Self.read(target, "--target")
        datagramTarget = try Self.read(udpTarget, "--udp-target")
    }

    package private(set) var streamTarget = TargetAddress(.ip(.v4(IPv4Address(0))), port: 0)
    package private(set) var datagramTarget = TargetAddress(.ip(.v4(IPv4Address(0))), port: 0)

    private enum CodingKeys: CodingKey { case target, udpTarget, json }

    private static func read(_ text: String, _ flag: String) throws -> TargetAddress {
        let place: HostPort
        do throws(HostPort.Fault) {
            place = try HostPort(text)
        } catch {
            throw ValidationError("\(flag): \(error.message)" + (error.help.map { "; \($0)" } ?? ""))
        }
        guard let port = place.port else {
            throw ValidationError("\(flag) takes a host and a port: \(place.hostText):443")
        }
        return TargetAddress(place.host, port: port)
    }

    /// What to say to `streamTarget`.
    package var question: CheckQuestion {
        switch streamTarget.port {
        case 443: .tls
        case 22: .wait
        default: .http
        }
    }
}
