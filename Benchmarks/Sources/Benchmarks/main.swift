// usage: Benchmarks [PART OF A NAME]; or Benchmarks lists [NAMES [HOSTS [RANGES]]], files with one a line: a list of names, hosts
// to look up in it, a list of address ranges; or Benchmarks eviction
import SSCommon

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

if CommandLine.arguments.dropFirst().first == "lists" {
    benchmarkLists(Array(CommandLine.arguments.dropFirst(2)))
    exit(0)
}
if CommandLine.arguments.dropFirst().first == "eviction" {
    benchmarkEviction()
    exit(0)
}
let watch = Stopwatch(filter: CommandLine.arguments.dropFirst().first)
benchmarkAEAD(watch)
benchmarkStreams(watch)
benchmarkParsing(watch)
benchmarkSOCKS(watch)
benchmarkHTTP(watch)
benchmarkUsers(watch)
