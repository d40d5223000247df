// Whether somebody keeps the machine's clock right.
#if canImport(Glibc)
    internal import CLinux
#endif

package enum ClockDiscipline {
    /// Whether the kernel was told lately how far the clock is from the right time, as NTP clients do (adjtimex(2)); nil where
    /// the system does not say.
    package static var isSynchronised: Bool? {
        #if canImport(Glibc)
            switch linux_clock_is_synchronised() {
            case 0: false
            case 1: true
            default: nil
            }
        #else
            nil
        #endif
    }
}
