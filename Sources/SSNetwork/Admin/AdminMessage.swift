// What the admin API is asked and what it answers, apart from the sockets.
package import SSCommon

/// The methods the API knows (RFC 9110 section 9, RFC 5789).
package enum AdminMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
}

/// A request whose route is known.
package struct AdminRequest: Sendable {
    /// What stood in the place of the route's `:name` parts, percent-decoded.
    package let parameters: [String: String]
    /// Of the query, percent-decoded; the first of a repeated name counts.
    package let query: [String: String]
    package let body: [UInt8]

    package init(parameters: [String: String] = [:], query: [String: String] = [:], body: [UInt8] = []) {
        self.parameters = parameters
        self.query = query
        self.body = body
    }

    /// The body as a JSON object. Throws an answer that says what is wrong with it.
    package func json() throws(AdminFailure) -> JSONValue {
        let document = JSONDocument(body, path: "body")
        guard let root = document.root, document.faults.isEmpty else {
            // What stands there is not repeated: it may be a key.
            let place = document.faults.first?.span.start ?? 0
            throw AdminFailure(400, "the body is no JSON: it goes wrong at byte \(place)")
        }
        guard case .object = root.kind else { throw AdminFailure(400, "the body is no JSON object") }
        return root
    }
}

/// An answer.
package struct AdminResponse: Sendable {
    package let status: Int
    package let contentType: String
    package let body: [UInt8]

    package init(_ status: Int, _ contentType: String, _ body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// JSON, with a line feed behind it for those who read it in a terminal.
    package init(_ status: Int = 200, _ json: JSONNode) {
        self.init(status, "application/json; charset=utf-8", Array((json.text + "\n").utf8))
    }

    /// 204.
    package static let done = AdminResponse(204, "", [])
}

/// Why a request was refused: a status of RFC 9110 section 15 and words for a person.
package struct AdminFailure: Error, Sendable {
    package let status: Int
    package let message: String

    package init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    package var response: AdminResponse { AdminResponse(status, .members(["error": .string(message)])) }
}
