// GET /metrics: counters as Prometheus reads them (its text format 0.0.4). No name of a host or a user is in it.
internal import SSCommon
internal import SSNetwork

enum MetricsRoutes {
    static func routes(_ cache: HTTPCache?, _ traffic: @escaping @Sendable () -> TrafficSnapshot) -> AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/metrics", "Counters, as Prometheus reads them.") { _ in
            AdminResponse(200, "text/plain; version=0.0.4; charset=utf-8", Array(text(cache, traffic()).utf8))
        }
        return routes
    }

    private static func text(_ cache: HTTPCache?, _ traffic: TrafficSnapshot) -> String {
        var page = MetricsPage()
        page.add("ssserver_streams_open", "gauge", "Streams that are open.", traffic.streamsOpen)
        page.add("ssserver_streams_total", "counter", "Streams that were opened.", traffic.streamsOpened)
        page.add("ssserver_associations_open", "gauge", "UDP associations that are open.", traffic.associationsOpen)
        page.add("ssserver_bytes_up_total", "counter", "Payload bytes from clients.", traffic.bytesUp)
        page.add("ssserver_bytes_down_total", "counter", "Payload bytes to clients.", traffic.bytesDown)
        page.add(
            "ssserver_finished_total", "counter", "Streams and datagrams by how they ended.", label: "status",
            ConnectionStatus.allCases.map { ("\($0)", traffic.count(of: $0)) })
        guard let cache else { return page.text }
        let (overview, reading) = (cache.overview, cache.counters.reading)
        page.add(
            "ssserver_cache_events_total", "counter", "What the cache did.", label: "event",
            CacheCounters.Event.allCases.map { ($0.word, reading[$0]) })
        page.add("ssserver_cache_objects", "gauge", "Answers that are kept.", UInt64(overview.objects))
        page.add("ssserver_cache_bytes", "gauge", "Bytes of memory that they take.", UInt64(overview.bytes))
        page.add("ssserver_cache_capacity_bytes", "gauge", "Bytes that they may take.", UInt64(overview.capacity))
        page.add("ssserver_cache_evictions_total", "counter", "Answers that had to make room.", overview.evictions)
        page.add("ssserver_cache_saved_bytes_total", "counter", "Bytes that origins did not send.", reading.bytesSaved)
        page.add("ssserver_cache_fetched_bytes_total", "counter", "Bytes that origins sent.", reading.bytesFetched)
        page.add(
            "ssserver_cache_saved_milliseconds_total", "counter", "Time that clients did not wait for origins.",
            reading.millisecondsSaved)
        return page.text
    }
}
