// Whether an answer may be kept (RFC 9111 3), and if not, why, in words that name the clause.
package import SSCommon

/// Why an answer is not kept.
package enum NotStored: String, Hashable, Sendable, CaseIterable {
    case method = "only answers to GET are kept (RFC 9111 section 3)"
    case interim = "its status is not final (RFC 9111 section 3)"
    case status = "its status is not one that may be kept without being told for how long (RFC 9110 section 15.1)"
    case notModified = "304 says that something else is still good (RFC 9111 section 4.3.3)"
    case requestNoStore = "the request says no-store (RFC 9111 section 5.2.1.5)"
    case noStore = "the answer says no-store (RFC 9111 section 5.2.2.5)"
    case isPrivate = "the answer says private (RFC 9111 section 5.2.2.7)"
    case authorization = "the request has Authorization, and the answer does not allow sharing (RFC 9111 section 3.5)"
    case nothingToGoBy = "it says neither how long it is good nor how to ask again (RFC 9111 sections 4.2 and 4.3)"
    case variesInAll = "it varies in more than the request (Vary: *, RFC 9111 section 4.1)"
    case cookie = "it sets a cookie (cache.set_cookie, RFC 9111 section 7.3)"
    case coded = "its transfer coding is not understood (RFC 9112 section 6.1)"
    case tooLarge = "it is larger than cache.max_object"
    case noRoom = "too much is being fetched at once to keep all of it"
    case incomplete = "it broke off (RFC 9111 section 3.3)"
    case part = "it is a part that fits nothing that is kept (RFC 9111 section 3.4)"
    case conditional = "the request had a condition that its origin had to judge (RFC 9110 section 13)"
    case varies = "the request has too many fields for what the answer varies in"
    case peculiar =
        "the request has fields that may change the answer and are in no key (X-Forwarded-Host and its like)"

    /// Whether the next answer to the same URL will not be kept either, as far as this one tells.
    package var isAboutAnswer: Bool {
        switch self {
        case .noStore, .isPrivate, .nothingToGoBy, .variesInAll, .cookie, .coded, .tooLarge, .status: true
        case .method, .interim, .notModified, .requestNoStore, .authorization, .noRoom, .incomplete, .part,
            .conditional, .varies, .peculiar:
            false
        }
    }
}

package enum Storability {
    /// On what terms the answer to `request` may be kept, or why it may not.
    package static func judge(
        _ response: HTTPResponse, to request: CacheRequest, host: String, asked: UnixSeconds, received: UnixSeconds,
        _ settings: CacheSettings
    ) -> Result<StoredTerms, Refusal> {
        let head = response.head
        let (control, _) = StoredTerms.control(head, settings)
        if let reason = refusal(response, control, request, settings) { return .failure(Refusal(reason)) }
        let terms = StoredTerms(
            head, request, status: response.status, host: host, asked: asked, received: received, settings)
        let isExplicit =
            switch terms.source {
            case .targeted, .sharedMaxAge, .maxAge, .expires, .ttlHeader: true
            case .heuristic, .configured, .none: false
            }
        guard isExplicit || control.isPublic || StoredTerms.isHeuristic(response.status) else {
            return .failure(Refusal(.status))
        }
        let canAsk =
            head.value(named: "etag").flatMap { EntityTag($0) } != nil
            || head.value(named: "last-modified").flatMap { HTTPDate.seconds($0, now: Int64(clamping: received)) }
                != nil
        guard canAsk || (terms.lifetime > 0 && !terms.mustAsk) else { return .failure(Refusal(.nothingToGoBy)) }
        return .success(terms)
    }

    package struct Refusal: Error {
        package let reason: NotStored

        package init(_ reason: NotStored) { self.reason = reason }
    }

    private static func refusal(
        _ response: HTTPResponse, _ control: CacheDirectives, _ request: CacheRequest, _ settings: CacheSettings
    ) -> NotStored? {
        let head = response.head
        if request.method != .get || request.hasBody { return .method }
        if response.status < 200 { return .interim }
        if request.isPeculiar { return .peculiar }
        // What a range is refused with is no answer to who asks for the whole.
        if request.hasRange, response.status != 200, response.status != 206 { return .part }
        if response.status == 304 { return .notModified }
        if response.isForeignCoded { return .coded }
        if request.directives.noStore { return .requestNoStore }
        // RFC 9111 5.2.2.3: whoever understands the status may pass over no-store.
        if control.noStore, !(control.mustUnderstand && isUnderstood(response.status)) { return .noStore }
        if control.mustUnderstand, !isUnderstood(response.status) { return .status }
        if control.isPrivate.isAll { return .isPrivate }
        if request.hasAuthorization, !control.isPublic, !control.mustRevalidate, control.sharedMaxAge == nil {
            return .authorization
        }
        if settings.cookies == .bypass, head.has("set-cookie") { return .cookie }
        if head.members(named: "vary").contains(where: { $0.elementsEqual("*".utf8) }) { return .variesInAll }
        if request.hasOriginCondition { return .conditional }
        return nil
    }

    /// Statuses whose meaning for a cache is known here (RFC 9110 15).
    private static func isUnderstood(_ status: Int) -> Bool {
        switch status {
        case 200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500...504: true
        default: false
        }
    }

    /// Fields that are not kept with the answer, in lower case.
    package static func dropped(_ head: HTTPHead, _ settings: CacheSettings) -> [[UInt8]] {
        let (control, _) = StoredTerms.control(head, settings)
        var names: [[UInt8]] = []
        for scope in [control.noCache, control.isPrivate] {
            if case .fields(let fields) = scope { names += fields }
        }
        if settings.cookies == .strip { names.append(Array("set-cookie".utf8)) }
        return names
    }
}
