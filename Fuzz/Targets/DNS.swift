// What comes back from a name server: arbitrary bytes, answers to our question with arbitrary records, and several of
// them in a lookup, which must end once and only once.
import SSCommon

private let query = DNSQuery(id: 0x1234, DNSQuestion(DomainName("www.example.com")!, .a))

/// The owner of a record or the name in one: the question's, or arbitrary bytes that may be one, or a pointer to
/// anywhere, itself included.
private func name(_ input: inout FuzzInput, at offset: Int) -> [UInt8] {
    let choice = input.byte()
    switch choice & 3 {
    case 0: return input.take(Int(choice >> 2 & 15))
    case 1: return [0xc0, input.byte()]
    case 2: return [1, input.byte(), 0xc0, UInt8(truncatingIfNeeded: offset + Int(choice >> 2 & 3))]
    default: return [0xc0, 12]
    }
}

/// An answer to `query` whose counts and records `input` chooses.
private func answer(_ input: inout FuzzInput, to query: DNSQuery) -> [UInt8] {
    var message = query.bytes
    message[2] = 0x81
    message[3] = 0x80 | input.byte() & 3
    message[7] = input.byte() & 15
    message[9] = input.byte() & 3
    let records = Int(input.byte() & 7)
    for _ in 0..<records {
        let kind = input.byte()
        message += kind & 1 == 1 ? [0xc0, 12] : name(&input, at: message.count)
        let types: [UInt8] = [1, 28, 5, 6]
        message += [0, types[Int(kind >> 1 & 3)], 0, 1, input.byte(), 0, 1, input.byte()]
        let data = kind & 8 == 8 ? name(&input, at: message.count + 2) : input.take(Int(input.byte()))
        message += [0, UInt8(data.count)] + data
    }
    return message + input.take(Int(input.byte()))
}

private func checkReply(_ message: [UInt8], to query: DNSQuery) {
    guard let reply = try? DNSReply(message, to: query) else { return }
    switch reply {
    case .addresses(let addresses, let ttl):
        check((1...DNSReply.addressLimit).contains(addresses.count), "too many addresses, or none")
        check(Set(addresses).count == addresses.count, "an address twice")
        check(ttl <= UInt32(Int32.max), "a TTL that is negative")
        for address in addresses {
            switch (address, query.question.kind) {
            case (.v4, .a), (.v6, .aaaa): break
            case (.v4, .aaaa), (.v6, .a): fatalError("an address of the other family")
            }
        }
    case .absent(_, let ttl): check(ttl ?? 0 <= UInt32(Int32.max), "a TTL that is negative")
    case .failed(let code): check(code <= 15, "a code of more than four bits")
    case .truncated: break
    }
}

/// A lookup that gets arbitrary answers at arbitrary times.
private func checkLookup(_ input: inout FuzzInput) {
    let choice = input.byte()
    let transports: [Nameserver.Transport] = [.udp, choice & 1 == 1 ? .tcp : .udp]
    var lookup = StubLookup(query.question.name, transports: transports, ids: (a: 1, aaaa: choice & 2 == 2 ? 1 : 2))
    var finished = 0
    var asked: [DNSQuery] = []
    var timers = 0
    func take(_ actions: [StubLookup.Action]) {
        check(actions.count <= 3, "too much to do at once")
        for action in actions {
            check(finished == 0, "goes on after its end")
            switch action {
            case .ask(let query, let server, _):
                check(transports.indices.contains(server), "asks nobody")
                asked.append(query)
            case .timer: timers += 1
            case .finish: finished += 1
            }
        }
    }
    take(lookup.start())
    while !input.bytes.isEmpty {
        let event = input.byte()
        let server = Int(event >> 2 & 1)
        let transport: Nameserver.Transport = event & 8 == 8 ? .tcp : .udp
        let query = asked[Int(input.byte()) % asked.count]
        switch event & 3 {
        case 0: take(lookup.timerFired())
        case 1: take(lookup.lost(event & 16 == 16 ? nil : query, server: server, transport))
        default:
            let message = answer(&input, to: query)
            checkReply(message, to: query)
            take(lookup.received(message, server: server, transport))
        }
    }
    // A round is ended by its timer, or by the one that waits for the other family.
    for _ in 0...StubLookup.rounds.count { take(lookup.timerFired()) }
    check(finished == 1, "no end, or more than one")
    check(asked.count <= StubLookup.rounds.count * 4 && timers <= StubLookup.rounds.count + 1, "asks without end")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    switch input.byte() & 3 {
    case 0: checkReply(input.rest(), to: query)
    case 1: checkReply([0x12, 0x34, 0x81, 0x80, 0, 1] + input.rest(), to: query)
    case 2: checkReply(answer(&input, to: query), to: query)
    default: checkLookup(&input)
    }
    return 0
}
