import SSServerCore
import Synchronization
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension FirewallTests {
    @Suite("Which firewall is taken")
    struct Choices {}
}

extension FirewallTests.Choices {
    private func choose(_ choice: FirewallChoice, _ tools: FirewallTools) throws(FirewallFailure) -> String {
        try choice.backend(tools: tools) { _ in }.name
    }

    @Test("The best of those whose tools are there, or the one that is named")
    func best() throws {
        let rig = try FirewallRig()
        #expect(try choose(.auto, rig.tools()) == "nftables")
        for choice in [FirewallChoice.nftables, .ipset, .iptables, .dryRun] {
            #expect(try choose(choice, rig.tools()) == choice.rawValue)
        }
        let iptables = ["iptables", "iptables-restore", "ip6tables", "ip6tables-restore"]
        #expect(try choose(.auto, rig.tools(only: iptables + ["ipset"])) == "ipset")
        #expect(try choose(.auto, rig.tools(only: iptables)) == "iptables")
        // Nothing was changed by looking.
        #expect(try rig.run(.nftables, ["nft", "list", "ruleset"]).contains("AUTOBAN") == false)
    }

    @Test("No tool, and what to install")
    func noTool() throws {
        let rig = try FirewallRig()
        let auto = #expect(throws: FirewallFailure.self) { try choose(.auto, try rig.tools(only: [])) }
        #expect(
            auto?.text
                == "no firewall can be used: nft is not installed; ipset is not installed; iptables is not installed")
        #expect(auto?.help == "install it: apt-get install nftables")
        let named = #expect(throws: FirewallFailure.self) { try choose(.ipset, try rig.tools(only: ["ipset"])) }
        #expect(named?.text == "iptables is not installed")
        #expect(named?.help == "install it: apt-get install iptables")
    }

    @Test("No leave, and what to give", arguments: [FirewallChoice.auto, .nftables, .ipset, .iptables])
    func noLeave(choice: FirewallChoice) throws {
        let rig = try FirewallRig()
        let failure = #expect(throws: FirewallFailure.self) { try choose(choice, try rig.toolsWithoutLeave()) }
        #expect(failure?.isPermission == true && failure?.help?.contains("CAP_NET_ADMIN") == true)
        #expect(failure?.text.contains("ermi") == true)
    }

    @Test("A dry run says what it would do, and remembers it")
    func dryRun() throws {
        let lines = Mutex<[String]>([])
        var backend = try FirewallChoice.dryRun.backend { line in lines.withLock { $0.append(line) } }
        try backend.prepare()
        try backend.apply(.ban("203.0.113.9"))
        try backend.apply(.ban("2001:db8::1"))
        #expect(try backend.held().bans.count == 2)
        try backend.apply(.unban("203.0.113.9"))
        try backend.apply(.unban("203.0.113.9"))
        #expect(
            lines.withLock { $0 } == [
                "would ban 203.0.113.9 for 600 s", "would ban 2001:db8::/64 for 600 s", "would unban 203.0.113.9",
            ])
    }
}

extension FirewallRig {
    /// As somebody who may do nothing.
    func toolsWithoutLeave() throws -> FirewallTools {
        let setpriv = try #require(ChildOutput.find("setpriv"), "setpriv is not installed")
        var tools = try tools()
        tools.prefix += [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
        return tools
    }
}

@Suite("A program of the system")
struct ChildOutputTests {
    private func run(_ words: [String], input: [UInt8] = [], sizeLimit: Int = 1 << 20, seconds: Int = 10)
        -> ChildOutput.Outcome?
    {
        guard let file = ChildOutput.find(words[0]) else { return nil }
        return ChildOutput.run([file] + words.dropFirst(), input: input, sizeLimit: sizeLimit, seconds: seconds)
    }

    @Test("It reads all that it is given, and all that it says is read")
    func through() throws {
        let input = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let outcome = try #require(run(["cat"], input: input, sizeLimit: 4 << 20))
        #expect(outcome.status == 0 && outcome.output.count == input.count && !outcome.wasStopped)
        let isSame = outcome.output == input
        #expect(isSame)
        // One that does not read kills nobody.
        #expect(run(["true"], input: input)?.status == 0)
    }

    @Test("It finds a fixed environment, and none of our descriptors")
    func surroundings() throws {
        let mine = open("/dev/null", O_RDONLY)
        defer { close(mine) }
        let environment = try #require(run(["env"]))
        #expect(
            String(decoding: environment.output, as: UTF8.self) == "PATH=/usr/sbin:/sbin:/usr/bin:/bin\nLC_ALL=C\n")
        // The fourth is that of the folder itself.
        let descriptors = try #require(run(["ls", "/proc/self/fd"]))
        #expect(String(decoding: descriptors.output, as: UTF8.self) == "0\n1\n2\n3\n")
    }

    @Test("One that does not end, or says too much, is stopped")
    func stopped() throws {
        let slow = try #require(run(["sleep", "30"], seconds: 1))
        #expect(slow.wasStopped && slow.status == nil)
        let loud = try #require(run(["cat", "/dev/zero"], sizeLimit: 1000))
        #expect(loud.wasStopped && loud.output.count == 1000)
        #expect(run(["ls", "/nowhere"])?.status == 2)
        #expect(ChildOutput.run(["/nowhere"], input: [], sizeLimit: 1, seconds: 1) == nil)
    }
}
