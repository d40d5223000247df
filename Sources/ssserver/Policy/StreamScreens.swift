// The screens of a server's streams: one that judges what a stream shows of where it goes, and one that waits for a
// request to answer it with the page.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

/// Shows the judge what goes up.
final class JudgingScreen: StreamScreen {
    private let judge: RequestJudge
    private let isStrict: Bool
    private let onRefusal: (DecidingRule, ShownTarget?, HTTPRequest?) -> ByteBuffer?
    private var screen = RequestScreen()

    /// `isStrict` if what cannot be judged must not pass. `onRefusal` is told once, and says what a request is answered, if it
    /// was one that can be.
    init(
        _ judge: RequestJudge, isStrict: Bool,
        onRefusal: @escaping (DecidingRule, ShownTarget?, HTTPRequest?) -> ByteBuffer?
    ) {
        self.judge = judge
        self.isStrict = isStrict
        self.onRefusal = onRefusal
    }

    func look(at bytes: RawSpan) -> ScreenVerdict {
        var shown: ShownTarget?
        let outcome = screen.look(bytes) { target in
            shown = target
            return judge.refusal(of: target)
        }
        switch outcome {
        case .pass(let count): return .pass(count)
        case .passAll: return .passAll
        case .malformed: return isStrict ? .refuse(behind: 0, answer: nil) : .passAll
        case .refused(let rule, let count, let request):
            return .refuse(behind: count, answer: onRefusal(rule, shown, request))
        }
    }

    func mayPassAtEnd() -> Bool { screen.isUndecided || !isStrict }
}

/// Waits for the head of a request, and answers that.
final class AnsweringScreen: StreamScreen {
    private var parser = HTTPHeadParser(.request)
    private let answer: (_ path: String?, HTTPRequest) -> ByteBuffer

    init(answer: @escaping (_ path: String?, HTTPRequest) -> ByteBuffer) { self.answer = answer }

    func look(at bytes: RawSpan) -> ScreenVerdict {
        switch RequestScreen.isRequest(bytes) {
        case nil: return .pass(0)
        case false?: return .passAll
        case true?: break
        }
        do throws(HTTPFault) {
            guard let (head, _) = try parser.parse(bytes) else { return .pass(0) }
            let line = try HTTPRequestLine(head.bytes[head.startLine])
            let path = line.target.first == UInt8(ascii: "/") ? String(decoding: line.target, as: UTF8.self) : nil
            return .refuse(behind: 0, answer: answer(path, try HTTPRequest(head)))
        } catch {
            return .passAll
        }
    }

    func mayPassAtEnd() -> Bool { true }
}
