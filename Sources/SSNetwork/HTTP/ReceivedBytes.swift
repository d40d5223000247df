// How the front keeps bytes it has read and not used yet.
package import NIOCore

extension ByteBuffer {
    /// Appends what a read brought. Room that was read out of is given back first: a client that always leaves a
    /// few bytes over would otherwise make the buffer grow for as long as it is connected.
    package mutating func receive(_ bytes: ByteBuffer) {
        if readableBytes == 0 {
            self = bytes
        } else {
            discardReadBytes()
            var bytes = bytes
            writeBuffer(&bytes)
        }
    }
}
