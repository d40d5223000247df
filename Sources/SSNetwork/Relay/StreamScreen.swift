// Something that looks at what goes up a relay before it does. It changes nothing; it lets bytes go, keeps them back until more
// have come, or ends the stream.
package import NIOCore

package protocol StreamScreen: AnyObject {
    /// What to do with `bytes`, which begin with the first that has not passed. On the relay's loop.
    func look(at bytes: RawSpan) -> ScreenVerdict
    /// Nothing more will come: whether what was kept back may pass.
    func mayPassAtEnd() -> Bool
}

package enum ScreenVerdict {
    /// So many may go on; the rest is kept, and shown again with what follows.
    case pass(Int)
    /// All may, and what follows need not be shown.
    case passAll
    /// So many may go on, nothing else ever; whoever sent it is answered so, if at all, and sees the stream's end.
    case refuse(behind: Int, answer: ByteBuffer?)
}
