// The root of all suites of this target. They share two cores, ports and descriptors, so one runs at a time.
//
// SS_BIN_DIR    where sslocal and ssserver are (default: .build/release, then .build/debug)
// SING_BOX      the sing-box program (default: .build-tools/sing-box, then PATH)
// CI=true       whatever cannot run fails
// SS_E2E_CLIENT, SS_E2E_SERVER = ours|libev|singbox: the pair most tests are about, to prove the tests with
// SS_E2E_KEEP   leaves the programs' directories behind
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
enum EndToEnd {}
