// usage: Benchmarks [PART OF A NAME]
import SSCommon

let watch = Stopwatch(filter: CommandLine.arguments.dropFirst().first)
benchmarkAEAD(watch)
benchmarkStreams(watch)
benchmarkParsing(watch)
benchmarkSOCKS(watch)
benchmarkHTTP(watch)
benchmarkUsers(watch)
