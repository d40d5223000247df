// What a route is for, beside its action, so that the API's description (OpenAPI 3.1) says what is really there.
internal import SSCommon

package struct AdminDescription: Sendable, ExpressibleByStringLiteral {
    /// A name of the query, or a member of a body.
    package struct Field: Sendable {
        package enum Kind: Sendable {
            case text
            case number
            case flag
            case texts
            /// Text such as "100GiB", or a number of bytes.
            case size
            case object

            fileprivate var types: [JSONNode] {
                switch self {
                case .text: ["string"]
                case .number: ["integer"]
                case .flag: ["boolean"]
                case .texts: ["array"]
                case .size: ["string", "integer"]
                case .object: ["object"]
                }
            }
        }

        fileprivate let name: String
        fileprivate let kind: Kind
        fileprivate let words: String
        fileprivate let isNeeded: Bool
        fileprivate let mayBeNull: Bool

        package init(
            _ name: String, _ words: String, _ kind: Kind = .text, isNeeded: Bool = false, mayBeNull: Bool = false
        ) {
            self.name = name
            self.kind = kind
            self.words = words
            self.isNeeded = isNeeded
            self.mayBeNull = mayBeNull
        }

        fileprivate var schema: JSONNode {
            let types = kind.types + (mayBeNull ? ["null"] : [])
            var members = [JSONNode.Member(key: "type", value: types.count == 1 ? types[0] : .array(types))]
            if case .texts = kind { members.append(.init(key: "items", value: .members(["type": "string"]))) }
            members.append(.init(key: "description", value: .string(words)))
            return .object(members)
        }
    }

    private let summary: String
    private let query: [Field]
    private let body: [Field]
    private let success: Int

    /// `success` is the status of an answer that is no refusal.
    package init(_ summary: String, query: [Field] = [], body: [Field] = [], success: Int = 200) {
        self.summary = summary
        self.query = query
        self.body = body
        self.success = success
    }

    package init(stringLiteral summary: String) { self.init(summary) }

    /// An Operation Object (OpenAPI 3.1.0 section 4.8.10).
    func operation(pathParameters: [String]) -> JSONNode {
        var members = [JSONNode.Member(key: "summary", value: .string(summary))]
        let parameters =
            pathParameters.map { Self.parameter($0, "path", isNeeded: true, .members(["type": "string"])) }
            + query.map { Self.parameter($0.name, "query", isNeeded: $0.isNeeded, $0.schema) }
        if !parameters.isEmpty { members.append(.init(key: "parameters", value: .array(parameters))) }
        if !body.isEmpty {
            let schema = JSONNode.members([
                "type": "object", "required": .array(body.filter(\.isNeeded).map { .string($0.name) }),
                "properties": .object(body.map { .init(key: $0.name, value: $0.schema) }),
            ])
            members.append(
                .init(
                    key: "requestBody",
                    value: .members([
                        "required": .bool(true),
                        "content": .members(["application/json": .members(["schema": schema])]),
                    ])))
        }
        let failure = JSONNode.members(["schema": .members(["$ref": "#/components/schemas/Error"])])
        members.append(
            .init(
                key: "responses",
                value: .members([
                    "\(success)": .members(["description": success == 204 ? "Done." : "What was asked for, in JSON."]),
                    "default": .members([
                        "description": "Why not.", "content": .members(["application/json": failure]),
                    ]),
                ])))
        return .object(members)
    }

    private static func parameter(_ name: String, _ place: String, isNeeded: Bool, _ schema: JSONNode) -> JSONNode {
        .members([
            "name": .string(name), "in": .string(place), "required": .bool(isNeeded), "schema": schema,
        ])
    }

    /// The description of all `operations`, in their order.
    static func document(
        title: String, version: String, _ operations: [(path: String, method: AdminMethod, operation: JSONNode)]
    ) -> JSONNode {
        var paths: [JSONNode.Member] = []
        for (path, _, _) in operations where !paths.contains(where: { $0.key == path }) {
            let methods = operations.filter { $0.path == path }.map {
                JSONNode.Member(key: $0.method.rawValue.lowercased(), value: $0.operation)
            }
            paths.append(.init(key: path, value: .object(methods)))
        }
        let error = JSONNode.members([
            "type": "object", "required": .array(["error"]),
            "properties": .members(["error": .members(["type": "string", "description": "What is wrong, in words."])]),
        ])
        return .members([
            "openapi": "3.1.0", "info": .members(["title": .string(title), "version": .string(version)]),
            "paths": .object(paths),
            "components": .members(["schemas": .members(["Error": error])]),
        ])
    }
}
