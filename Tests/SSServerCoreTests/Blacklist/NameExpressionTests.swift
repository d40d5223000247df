import SSCommon
import Testing

@testable import SSServerCore

@Suite("Expressions over names")
struct NameExpressionTests {
    private func matches(_ expression: String, _ name: String) -> Bool? {
        NameExpression(expression.utf8).map { expression in
            Array(name.utf8).withUnsafeBytes { expression.matches($0) }
        }
    }

    @Test(
        "They mean what they mean elsewhere",
        arguments: [
            "ads", "^ads", "ads$", "^ads$", "a.s", "a\\.s", "ad+s", "ad*s", "ad?s", "(ads|track)er",
            "^(.*\\.)?ads\\.com$",
            "[a-c]x", "[^a-c]x", "[a-]x", "\\d+", "\\w-\\w", "a{2}", "a{2,}", "^a{1,3}$", "a*?b", "(a|b)*c", "(a*)*b",
            "()", "|", "a|", "^$", "x*", "(?:ab)+", "[\\d_]x", "[\\w.]+\\.com$", "a|^b|c$", "((a)|(b(c|d)))e",
        ])
    func oracle(expression: String) throws {
        let regex = try Regex(expression)
        let names = [
            "", "a", "b", "ads", "adds", "as", "xads", "adsx", "ads.com", "x.ads.com", "xads.com", "aaa", "aaaa", "aab",
            "a-b",
            "cx", "dx", "-x", "]", "tracker", "adser", "1x", "_x", "ab", "ababc", "bce", "ae", "bde", "a.b.com",
            "x-1.com",
        ]
        for name in names {
            #expect(matches(expression, name) == name.contains(regex), "\(expression) on \(name)")
        }
    }

    @Test("Letters of either case are the same")
    func letters() {
        #expect(matches("ADS\\.COM", "ads.com") == true)
        #expect(matches("[A-C]x", "bx") == true)
        #expect(matches("(?i)Ads", "ads") == true)
    }

    @Test(
        "What cannot be matched in linear time, or is none, is refused",
        arguments: [
            "", "(a)\\1", "(?=a)", "(?!a)", "(?<=a)", "(?P<n>a)", "a++", "a**", "a{2}{3}", "(", ")", "[", "[b-a]",
            "a{3,2}",
            "a{", "*a", "\\b", "[[:alpha:]]", "a\u{e9}", "a{1000}", String(repeating: "(", count: 100),
            "((a{999}){999}){999}", "((){999}){999}{9}", "(((((){999}){999}){999}){999}){999}",
        ])
    func refused(expression: String) {
        #expect(NameExpression(expression.utf8) == nil)
    }

    @Test("The worst of them take no time")
    func hostile() {
        let name = String(repeating: "a", count: 253)
        for expression in ["(a*)*b", "(a|a)*b", "(a+)+$b", "^(([a-z])+.)+[A-Z]([a-z])+$1", "(.*)(.*)(.*)(.*)(.*)x"] {
            #expect(matches(expression, name) == false)
        }
    }

    @Test("Those that fit everything are told")
    func sweeping() throws {
        for expression in [".*", "", "^", "a?", ".", "[a-z]"] where !expression.isEmpty {
            #expect(try #require(NameExpression(expression.utf8)).isSweeping)
        }
        #expect(try !#require(NameExpression("ads".utf8)).isSweeping)
    }
}
