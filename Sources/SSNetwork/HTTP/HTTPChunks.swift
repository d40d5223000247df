// A piece of a body on its way to a channel, as the message's framing has it (RFC 9112 7.1).
package import NIOCore

package enum HTTPChunks {
    package static func write(_ bytes: ByteBuffer, isChunked: Bool, to channel: any Channel) {
        if isChunked {
            channel.write(ByteBuffer(string: String(bytes.readableBytes, radix: 16) + "\r\n"), promise: nil)
            channel.write(bytes, promise: nil)
            channel.write(ByteBuffer(staticString: "\r\n"), promise: nil)
        } else {
            channel.write(bytes, promise: nil)
        }
    }
}
