// The root of all suites of this target. They share two cores, ports and descriptors, so one runs at a time.
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
enum EndToEnd {}
