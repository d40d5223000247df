import Foundation
import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

@Suite("Users by the admin API")
struct UserRoutesTests {
    private struct Rig {
        let rig: RegistryRig
        let routes: AdminRoutes

        init(_ setting: PortSetting = PortSetting()) async throws {
            rig = try await RegistryRig.running([setting], Scratch())
            routes = UserRoutes.routes(rig.registry)
        }

        func ask(_ method: String, _ target: String, _ body: String = "") async throws -> Answer {
            let response = await routes.answer(method, target, body: Array(body.utf8))
            return try Answer(response)
        }
    }

    private struct Answer {
        let status: Int
        let text: String
        let members: [String: Any]

        init(_ response: AdminResponse) throws {
            status = response.status
            text = String(decoding: response.body, as: UTF8.self)
            let object = response.body.isEmpty ? nil : try JSONSerialization.jsonObject(with: Data(response.body))
            members = object as? [String: Any] ?? [:]
        }

        var error: String? { members["error"] as? String }
        var password: String { members["password"] as? String ?? "" }
    }

    /// A request and what it is refused with.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let method: String
        let target: String
        let body: String
        let status: Int
        let error: String

        init(_ method: String, _ target: String, _ body: String, _ status: Int, _ error: String) {
            (self.method, self.target, self.body, self.status, self.error) = (method, target, body, status, error)
        }

        var testDescription: String { "\(method) \(target) \(body)" }
    }

    private static let users = "/api/v1/users"
    private static let alice = "/api/v1/users/alice"
    private static let size = "must be a size such as \"100GiB\" or a number of bytes, or null"
    private static let streams = "\"streams\" must be a number from 1 to 1000000, or null"
    private static let day = "\"expires\" must be a day such as \"2027-01-31\", or null"
    private static let port = "\"port\" is no number from 1 to 65535"

    private static let refusals: [Refusal] = [
        Refusal("POST", users, "", 400, "the body is no JSON: it goes wrong at byte 0"),
        Refusal("POST", users, "{", 400, "the body is no JSON: it goes wrong at byte 0"),
        Refusal("POST", users, "[]", 400, "the body is no JSON object"),
        Refusal("POST", users, "{}", 400, "\"name\" is missing"),
        Refusal("POST", users, #"{"name":7}"#, 400, "\"name\" is missing"),
        Refusal("POST", users, #"{"name":null}"#, 400, "\"name\" is missing"),
        Refusal(
            "POST", users, #"{"name":"b","pasword":"x"}"#, 400, "unknown key \"pasword\"; did you mean \"password\"?"),
        Refusal("POST", users, #"{"name":"b","x\u001b":1}"#, 400, "unknown key \"x\\x1b\""),
        Refusal("POST", users, #"{"name":"b","password":7}"#, 400, "\"password\" must be text"),
        Refusal("POST", users, #"{"name":"b","password":null}"#, 400, "\"password\" must be text"),
        Refusal("POST", users, #"{"name":"b","port":0}"#, 400, port),
        Refusal("POST", users, #"{"name":"b","port":65536}"#, 400, port),
        Refusal("POST", users, #"{"name":"b","port":-1}"#, 400, port),
        Refusal("POST", users, #"{"name":"b","port":"8388"}"#, 400, port),
        Refusal("POST", users, #"{"name":"b","port":1}"#, 404, "port 1 is not served"),
        Refusal("POST", users, #"{"name":"b","quota":"much"}"#, 400, "\"quota\" \(size)"),
        Refusal("POST", users, #"{"name":"b","quota":-1}"#, 400, "\"quota\" \(size)"),
        Refusal("POST", users, #"{"name":"b","quota":1.5}"#, 400, "\"quota\" \(size)"),
        Refusal("POST", users, #"{"name":"b","quota":99999999999999999999}"#, 400, "\"quota\" \(size)"),
        Refusal("POST", users, #"{"name":"b","rate":true}"#, 400, "\"rate\" \(size)"),
        Refusal("POST", users, #"{"name":"b","rate":[]}"#, 400, "\"rate\" \(size)"),
        Refusal("POST", users, #"{"name":"b","streams":0}"#, 400, streams),
        Refusal("POST", users, #"{"name":"b","streams":1000001}"#, 400, streams),
        Refusal("POST", users, #"{"name":"b","streams":"5"}"#, 400, streams),
        Refusal("POST", users, #"{"name":"b","streams":1.5}"#, 400, streams),
        Refusal("POST", users, #"{"name":"b","expires":"2027-02-29"}"#, 400, day),
        Refusal("POST", users, #"{"name":"b","expires":"2027-+1-01"}"#, 400, day),
        Refusal("POST", users, #"{"name":"b","expires":7}"#, 400, day),
        Refusal(
            "POST", users, #"{"name":""}"#, 400,
            "\"\" is no name for a user: 1 to 64 bytes, no control characters, no slash"),
        Refusal(
            "POST", users, #"{"name":"a\/b"}"#, 400,
            "\"a/b\" is no name for a user: 1 to 64 bytes, no control characters, no slash"),
        Refusal("POST", users, #"{"name":"alice"}"#, 409, "there is a user \"alice\" already"),
        Refusal(
            "POST", users, #"{"name":"b","password":"c2VjcmV0c2VjcmV0c2VjcmV0"}"#, 400,
            "the key is none: 2022-blake3-aes-256-gcm takes 32 bytes in Base64"),
        Refusal("PATCH", "\(users)/eve", "{}", 404, "there is no user \"eve\""),
        Refusal("PATCH", alice, "{", 400, "the body is no JSON: it goes wrong at byte 0"),
        Refusal("PATCH", alice, #"{"name":"b"}"#, 400, "unknown key \"name\""),
        Refusal("PATCH", alice, #"{"qouta":1}"#, 400, "unknown key \"qouta\"; did you mean \"quota\"?"),
        Refusal("PATCH", alice, #"{"quota":"-1"}"#, 400, "\"quota\" \(size)"),
        Refusal("PATCH", alice, #"{"streams":0}"#, 400, streams),
        Refusal("PATCH", alice, #"{"expires":"tomorrow"}"#, 400, day),
        Refusal("PATCH", "\(alice)?port=x", "{}", 400, port),
        Refusal("PATCH", "\(alice)?port=0", "{}", 400, port),
        Refusal("PATCH", "\(alice)?port=1", "{}", 404, "there is no user \"alice\""),
        Refusal("DELETE", "\(users)/eve", "", 404, "there is no user \"eve\""),
        Refusal("DELETE", "\(alice)?port=65536", "", 400, port),
        Refusal("DELETE", users, "", 405, "this path takes GET, POST"),
        Refusal("PUT", alice, "{}", 405, "this path takes GET, PATCH, DELETE"),
        Refusal("GET", "\(users)/eve", "", 404, "there is no user \"eve\""),
        Refusal("GET", "\(users)/eve/key", "", 404, "there is no user \"eve\""),
        Refusal("GET", "\(users)/%1b%5b2J", "", 404, "there is no user \"\\x1b[2J\""),
        Refusal("GET", "\(users)/%zz", "", 400, "the path is not well percent-encoded"),
        Refusal("GET", "\(users)/alice/quota", "", 404, "there is nothing at this path"),
    ]

    @Test("Every refusal says what is wrong, and changes nothing", arguments: refusals)
    func refused(refusal: Refusal) async throws {
        let rig = try await Rig()
        #expect(try await rig.ask("POST", Self.users, #"{"name":"alice"}"#).status == 201)
        let before = try await rig.ask("GET", Self.users).text
        let answer = try await rig.ask(refusal.method, refusal.target, refusal.body)
        #expect(answer.status == refusal.status)
        #expect(answer.error == refusal.error)
        #expect(answer.members.count == 1)
        #expect(try await rig.ask("GET", Self.users).text == before)
    }

    @Test("Nothing of a key is in a refusal, whatever is wrong with it")
    func secrets() async throws {
        let rig = try await Rig()
        let key = PortSetting.freshKey(.blake3AES256GCM)
        #expect(try await rig.ask("POST", Self.users, #"{"name":"alice","password":"\#(key)"}"#).status == 201)
        for body in [
            #"{"name":"eve","password":"\#(key)"}"#, #"{"name":"eve","password":"\#(key)A"}"#,
            #"{"name":"eve","password":["\#(key)"]}"#, #"{"name":"alice","password":"\#(key)"}"#,
            #"{"name":"eve","password":"\#(key):\#(key)"}"#, #"{"name":"","password":"\#(key)"}"#,
            #"{"name":"eve","password":"\#(key)","quota":"x"}"#, #"{"name":"eve","password":"\#(key)""#,
            #"{"name":"eve","password":\#(key)}"#, #"{"name":"eve","password":"x" \#(key)}"#,
            #"{"name":"eve","password":"x"}\#(key)"#, #"{"name":"eve","password":"\#(key)\x"}"#,
        ] {
            let answer = try await rig.ask("POST", Self.users, body)
            #expect(answer.status >= 400)
            #expect(answer.error?.isEmpty == false)
            #expect(!answer.text.contains(key.prefix(8)), "\(answer.text) for \(body)")
        }
    }

    @Test("A user is added, shown, limited and removed")
    func life() async throws {
        let rig = try await Rig()
        let added = try await rig.ask(
            "POST", Self.users,
            #"{"name":"Zoë M","quota":"1GiB","rate":1000,"streams":7,"expires":"2030-01-31","port":8388}"#)
        #expect(added.status == 201)
        #expect(Set(added.members.keys) == ["name", "port", "method", "password"])
        #expect(added.members["name"] as? String == "Zoë M")
        #expect(added.members["method"] as? String == "2022-blake3-aes-256-gcm")
        #expect(try rig.rig.owner(added.password)?.user == "Zoë M")
        let path = "\(Self.users)/Zo%C3%AB%20M"
        let shown = try await rig.ask("GET", path).members
        #expect(shown["origin"] as? String == "added" && shown["state"] as? String == "ok")
        #expect(shown["quota"] as? Int == 1 << 30 && shown["rate"] as? Int == 1_000 && shown["streams"] as? Int == 7)
        #expect(shown["expires"] as? String == "2030-01-31" && shown["month"] as? String == "2027-03")
        #expect(shown["last_seen"] is NSNull && shown["streams_open"] as? Int == 0)
        #expect(try await rig.ask("GET", "\(path)/key").password == added.password)

        let limited = try await rig.ask("PATCH", "\(path)?port=8388", #"{"quota":null,"streams":"# + "8}")
        #expect(limited.status == 200)
        #expect(limited.members["quota"] is NSNull && limited.members["streams"] as? Int == 8)
        #expect(limited.members["rate"] as? Int == 1_000)
        let all = try await rig.ask("GET", Self.users).members["users"] as? [[String: Any]]
        #expect(all?.count == 1)

        let removed = try await rig.ask("DELETE", path)
        #expect(removed.status == 204 && removed.text.isEmpty)
        #expect(try await rig.ask("DELETE", path).status == 404)
        #expect(try await rig.ask("GET", path).status == 404)
        #expect(try await rig.ask("GET", "\(path)/key").status == 404)
        #expect(try rig.rig.owner(added.password) == nil)
    }

    @Test("Neither the list nor a user's page shows a key")
    func listed() async throws {
        let rig = try await Rig()
        let password = try await rig.ask("POST", Self.users, #"{"name":"alice"}"#).password
        for key in password.split(separator: ":") {
            for target in [Self.users, Self.alice] {
                #expect(try await !rig.ask("GET", target).text.contains(key.prefix(8)))
            }
        }
    }

    @Test("What was moved and is open is shown, and the state in a word")
    func numbers() async throws {
        let rig = try await Rig()
        let password = try await rig.ask("POST", Self.users, #"{"name":"alice","quota":100}"#).password
        let account = try #require(try rig.rig.owner(password)?.account)
        #expect(account.openStream(at: 1_805_112_000) == nil && account.openAssociation(at: 0) == nil)
        _ = account.moved(up: 30, now: 0)
        _ = account.moved(down: 70, now: 0)
        var shown = try await rig.ask("GET", Self.alice).members
        for (key, value) in [
            ("month_bytes_up", 30), ("month_bytes_down", 70), ("bytes_up", 30), ("bytes_down", 70), ("streams_open", 1),
            ("associations_open", 1), ("last_seen", 1_805_112_000),
        ] {
            #expect(shown[key] as? Int == value, "\(key)")
        }
        #expect(shown["state"] as? String == "quota used up")
        shown = try await rig.ask("PATCH", Self.alice, #"{"quota":null,"expires":"2020-01-01"}"#).members
        #expect(shown["state"] as? String == "expired")
    }

    @Test("A user of the configuration who was removed is shown as that, and has no key to show")
    func configured() async throws {
        let setting = PortSetting(users: [UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM))])
        let rig = try await Rig(setting)
        #expect(try await rig.ask("GET", "\(Self.users)/ann").members["origin"] as? String == "configured")
        #expect(try await rig.ask("DELETE", "\(Self.users)/ann").status == 204)
        #expect(try await rig.ask("GET", "\(Self.users)/ann").members["state"] as? String == "removed")
        #expect(try await rig.ask("GET", "\(Self.users)/ann/key").status == 404)
        #expect(try await rig.ask("PATCH", "\(Self.users)/ann", #"{"quota":1}"#).status == 404)
        #expect(try await rig.ask("POST", Self.users, #"{"name":"ann"}"#).status == 201)
        #expect(try await rig.ask("GET", "\(Self.users)/ann").members["origin"] as? String == "added")
    }
}
