// Punycode (RFC 3492), the encoding only: a label outside ASCII travels in the DNS as "xn--" and this.

package enum Punycode {
    private static let base = 36
    private static let tMin = 1
    private static let tMax = 26

    /// The encoding of a label, without "xn--". For at most 255 scalars, as a host name cannot hold more.
    package static func encode(_ label: [Unicode.Scalar]) -> [UInt8] {
        precondition(label.count <= 255, "a host name has at most 255 characters")
        var output = label.compactMap { $0.isASCII ? UInt8($0.value) : nil }
        let basic = output.count
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        // Bounds: delta <= 0x10ffff * 256, far inside Int.
        var (point, delta, bias, handled) = (0x80, 0, 72, basic)
        while handled < label.count {
            let next = label.lazy.map { Int($0.value) }.filter { $0 >= point }.min() ?? point
            delta += (next - point) * (handled + 1)
            point = next
            for scalar in label {
                if Int(scalar.value) < point { delta += 1 }
                if Int(scalar.value) == point {
                    append(delta, bias: bias, to: &output)
                    bias = adapt(delta, count: handled + 1, first: handled == basic)
                    delta = 0
                    handled += 1
                }
            }
            delta += 1
            point += 1
        }
        return output
    }

    /// A generalised variable-length integer, RFC 3492 3.3.
    private static func append(_ delta: Int, bias: Int, to output: inout [UInt8]) {
        var rest = delta
        var position = base
        while true {
            let threshold = min(max(position - bias, tMin), tMax)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (base - threshold)))
            rest = (rest - threshold) / (base - threshold)
            position += base
        }
        output.append(digit(rest))
    }

    /// RFC 3492 6.1.
    private static func adapt(_ delta: Int, count: Int, first: Bool) -> Int {
        var delta = first ? delta / 700 : delta / 2
        delta += delta / count
        var steps = 0
        while delta > (base - tMin) * tMax / 2 {
            delta /= base - tMin
            steps += base
        }
        return steps + (base - tMin + 1) * delta / (delta + 38)
    }

    private static func digit(_ value: Int) -> UInt8 {
        UInt8(value < 26 ? Int(UInt8(ascii: "a")) + value : Int(UInt8(ascii: "0")) + value - 26)
    }
}
