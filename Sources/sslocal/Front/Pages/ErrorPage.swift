// A page for a request that did not work: who failed, what to do, and an id to find the log lines by.
import SSCommon

/// Who a failure is to be blamed on.
enum FailedParty: String, Sendable {
    /// The program that sent the request.
    case client = "the program that sent the request"
    /// This program.
    case laptop = "sslocal on this computer"
    /// The Shadowsocks server, or the way to it.
    case server = "the Shadowsocks server"
    /// The web site, or the way from the server to it.
    case target = "the web site"
}

struct ErrorPage: Equatable, Sendable {
    var status: Int
    var title: String
    var party: FailedParty
    var what: String
    var advice: String

    func html(requestID: String) -> String {
        var page = Page(title: "\(status) \(title)")
        page.heading(title)
        page.paragraph(what)
        page.paragraph(advice)
        page.small("\(status) · failed: \(party.rawValue) · request \(requestID)")
        return page.html
    }
}

extension ErrorPage {
    init(_ fault: HTTPFault) {
        let titles = [
            400: "Bad request", 414: "Address too long", 431: "Request head too large", 501: "Not supported",
            505: "HTTP version not supported",
        ]
        self.init(
            status: fault.status, title: titles[fault.status] ?? "Bad request", party: .client,
            what: "The request was not passed on: \(fault.rawValue).",
            advice: fault == .schemeUnsupported
                ? "Set this proxy for HTTPS too: programs then use CONNECT for https:// addresses."
                : "Reload the page. If that does not help, the program that sent the request has a fault.")
    }

    static let notFound = ErrorPage(
        status: 404, title: "Nothing here", party: .client,
        what: "This is the port of a proxy; it has no pages but its help page.",
        advice: "Open / on this port for how to use it.")

    static let notAProxyRequest = ErrorPage(
        status: 400, title: "Not a proxy request", party: .client,
        what: "The request is meant for a web server, but this is a proxy.",
        advice: "Set this address as the HTTP proxy of the program, not as the address it opens.")

    static let authenticate = ErrorPage(
        status: 407, title: "Name and password wanted", party: .client,
        what: "This proxy has users, and the request carried no name and password that fit one.",
        advice: "Put them into the proxy settings, for curl: -x http://NAME:PASSWORD@HOST:PORT.")

    static let traceRefused = ErrorPage(
        status: 405, title: "TRACE is not passed on", party: .laptop,
        what: "TRACE sends a request's cookies and passwords back to whoever asks.",
        advice: "Use another method.")

    static let loop = ErrorPage(
        status: 508, title: "Loop", party: .laptop,
        what: "The request has been through this proxy already.",
        advice: "Some proxy on the way is configured to send requests back here.")

    static let tooSlow = ErrorPage(
        status: 408, title: "Too slow", party: .client,
        what: "The request did not arrive in time.", advice: "Try again.")

    static let noAnswer = ErrorPage(
        status: 502, title: "No answer", party: .target,
        what: "The connection ended before an answer came.",
        advice: "The web site may be down, or the server may not be allowed or able to reach it; its log says which.")

    static let answerTooSlow = ErrorPage(
        status: 504, title: "No answer in time", party: .target,
        what: "The web site took the request but did not answer in time.", advice: "Try again later.")

    static let badAnswer = ErrorPage(
        status: 502, title: "Broken answer", party: .target,
        what: "What the web site sent is not valid HTTP.",
        advice: "If the site uses HTTPS, open it with https://.")
}

extension HTTPLocalResponse {
    init(_ page: ErrorPage, requestID: String, fields: [(name: String, value: String)] = []) {
        self.init(.local, status: page.status, html: page.html(requestID: requestID), fields: fields)
    }
}
