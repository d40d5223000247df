import SSCommon
import Testing

@Suite("What the first bytes of an answer say")
struct ProbedAnswerTests {
    private func answer(_ text: String) -> ProbedAnswer { ProbedAnswer(Array(text.utf8)) }

    @Test("Who answers")
    func kinds() {
        #expect(answer("HTTP/1.1 204 No Content\r\n\r\n").kind == "HTTP 204")
        #expect(answer("HTTP/1.0 200").kind == "HTTP 200")
        #expect(ProbedAnswer([0x16, 3, 3, 0, 90]).kind == "TLS")
        #expect(ProbedAnswer([0x15, 3, 1, 0, 2]).kind == "TLS")
        #expect(answer("SSH-2.0-OpenSSH_9.2\r\n").kind == "SSH")
        for text in ["", "HTTP/1.1 20", "HTTP/1.1 2x0 OK", "HTTP/2.0 200 OK", "hello"] {
            #expect(answer(text).kind == nil, "\(text)")
        }
    }

    @Test("A proxy's own refusal is told from a target's")
    func refusals() {
        let own = "HTTP/1.1 502 Bad Gateway\r\nProxy-Status: sslocal; error=destination_unavailable\r\n\r\n"
        #expect(answer(own).isProxyRefusal)
        #expect(!answer("HTTP/1.1 502 Bad Gateway\r\nServer: x\r\n\r\n").isProxyRefusal)
        #expect(!answer("HTTP/1.1 200 OK\r\nProxy-Status: far; received-status=200\r\n\r\n").isProxyRefusal)
    }

    @Test(
        "The time of an answer",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2028 23:59:59 GMT", 1_835_481_599), ("Fri, 31 Dec 2100 00:00:00 GMT", 4_133_894_400),
        ] as [(String, Int64)])
    func dates(_ text: String, _ seconds: Int64) {
        #expect(answer("HTTP/1.1 200 OK\r\nServer: x\r\nDATE: \(text)\r\n\r\n").date == seconds)
    }

    @Test(
        "What is no time, or not of now, is none",
        arguments: [
            "Date: Sunday, 06-Nov-94 08:49:37 GMT\r\n", "Date: Sun, 06 Nov 1994 08:49:37 CET\r\n",
            "Date: Sun, 06 Nov 1994 08:49 GMT\r\n", "Date: Sun, 99 Nov 1994 08:49:37 GMT\r\n",
            "Date: Sun, 06 Nov 99999999999999999999 08:49:37 GMT\r\n", "Date:\r\n", "Server: x\r\n",
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nAge: 100\r\n",
        ])
    func noDates(_ field: String) {
        #expect(answer("HTTP/1.1 200 OK\r\n\(field)\r\n").date == nil)
    }
}

@Suite("The clocks that are tried")
struct ClockSearchTests {
    @Test("Every time zone and the first minutes, each once, and never a time to come")
    func offsets() {
        let offsets = ClockSearch.offsets
        #expect(Set(offsets).count == offsets.count && offsets.count <= 40)
        #expect(offsets.allSatisfy { $0 < 0 })
        #expect(offsets.first == -60)
        for hours in 1...14 { #expect(offsets.contains(-Int64(hours) * 3600)) }
        // Tehran, Delhi, Kathmandu.
        for seconds in [12_600, 19_800, 20_700] as [Int64] { #expect(offsets.contains(-seconds)) }
    }

    @Test(
        "Spans of time for a person",
        arguments: [
            (0, "0 s"), (-95, "95 s"), (300, "5 min"), (3600, "1 h"), (3610, "1 h"), (-12_600, "3 h 30 min"),
            (5400, "90 min"), (1_000_000, "11 days"), (.min, "106751991167300 days"),
        ] as [(Int64, String)])
    func spans(_ seconds: Int64, _ text: String) {
        #expect(ClockSearch.span(seconds) == text)
    }
}

@Suite("Findings")
struct FindingTests {
    @Test("A person reads a word beside each sign, and what to do below")
    func text() {
        let finding = Finding("udp", .broken, "no answer", time: .milliseconds(12), cure: ["open it", "or not"])
        #expect(
            finding.text(.plain) == """
                  ✗ broken  udp       no answer (12 ms)
                                      → open it
                                      → or not

                """)
        #expect(
            Finding("tcp", .ok, "well", time: .microseconds(380)).text(.plain)
                == "  ✓ ok      tcp       well (0.4 ms)\n")
        #expect(Finding("handshake", .skipped, "not tried").text(.plain) == "  - skipped handshake not tried\n")
    }

    @Test("A script reads the same")
    func json() {
        #expect(
            Finding("tcp", .note, "slow", time: .milliseconds(1500), cure: ["wait"]).json.text
                == #"{"leg":"tcp","verdict":"note","text":"slow","ms":1500.0,"cure":["wait"]}"#)
        #expect(Finding("a", .ok, "b").json.text == #"{"leg":"a","verdict":"ok","text":"b","ms":null,"cure":[]}"#)
    }
}
