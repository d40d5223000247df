// The vectors of SIP004 with password "barfoo!" and fixed salts. They were accepted by ss-server 3.3.5, TCP and UDP.

import Testing

struct ClassicVector: Sendable, CustomTestStringConvertible {
    let method: String
    let key: String
    let salt: String
    /// The first chunk's plaintext: example.com:80 and 15 bytes of payload.
    let plain: String
    /// Salt and first chunk.
    let stream: String
    /// The second chunk, "hello".
    let second: String
    /// A datagram to example.com:53, "hello".
    let datagram: String

    var testDescription: String { method }

    static let all = [
        ClassicVector(
            method: "aes-128-gcm",
            key: "b3adc47839e047eb228870526dc8fc30",
            salt: "000102030405060708090a0b0c0d0e0f",
            plain: "030b6578616d706c652e636f6d0050474554202f20485454502f312e310d0a",
            stream: "000102030405060708090a0b0c0d0e0f6f4b066762b783b5686f990397bef92003e083cb3671df0e3535facc"
                + "60e35e9eb81f70ee6c6d1b3adebc7d62dd602af548ffd492e5eeadde18471e963f71244100",
            second: "27e92ec69375a1334ffb5881d3b0afa701893a076e19b7d21c08053bc0ce661fcb9ad66e4017b7",
            datagram: "000102030405060708090a0b0c0d0e0f6c5fe3c21c41fd0f5cd11099e2135dc0c625ad374807e502d9995e87"
                + "6ee1b7aa5eeae05d"
        ),
        ClassicVector(
            method: "aes-256-gcm",
            key: "b3adc47839e047eb228870526dc8fc30b347287ffca3045dcea06b3fdf090acb",
            salt: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            plain: "030b6578616d706c652e636f6d0050474554202f20485454502f312e310d0a",
            stream: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ffe285b19533d0ab993414370"
                + "dddcb9b216bedd9bc51b0d8a83b231613d79afc6f71ad0f73193d418f2c5c3e3fa273e24aec58ead19c2955c"
                + "c6866bdb34972df14d",
            second: "e4cb83912b0f3cb7704ad7f9002ca02cef05fcce5426fdabb6f865410f0f516854eb8b81c5c883",
            datagram: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ffd3cc7c65937c4d14a75934a"
                + "82d81c04cb16926112b994ab46c9772014f0087b328a1507"
        ),
        ClassicVector(
            method: "chacha20-ietf-poly1305",
            key: "b3adc47839e047eb228870526dc8fc30b347287ffca3045dcea06b3fdf090acb",
            salt: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            plain: "030b6578616d706c652e636f6d0050474554202f20485454502f312e310d0a",
            stream: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa030305d1b52c7f14032b192"
                + "65e3ac1f431f4db967f534f21b56fa73a5ec1204edfae3fc3e41bad0cad9f6c900487ed933202e1126ed5610"
                + "b1d66c7088fa40170c",
            second: "ed4af8f46108674e93e32cd112ae4d7db5587bacef2f523ae4dac8f735283d4bd3c37b15027593",
            datagram: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa324c1853be2d794757da31a"
                + "66b149f6337366b4e9426f8dc8a69211fc3f2ef311cd698b"
        ),
        ClassicVector(
            method: "xchacha20-ietf-poly1305",
            key: "b3adc47839e047eb228870526dc8fc30b347287ffca3045dcea06b3fdf090acb",
            salt: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            plain: "030b6578616d706c652e636f6d0050474554202f20485454502f312e310d0a",
            stream: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f19af6eba1a5601adcd674cca"
                + "8e3f47f3dc71a0728be44b66a3526e8a17142c7c3b07fe1315c6bb1ae0f9e3ff3ba9ab32a797d852fe2cd715"
                + "bcdfdc9c9a21c312b6",
            second: "87f6e25b1ccb63c5ce582247b5279bd46e66073c4e35f0b49ba725c8e56e91be287fb71d1cfd66",
            datagram: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f1abbf484308bf0bdf466b46d"
                + "c562bac866fd958e51d8d92c3f3d182f16e207e7dabbdf2c"
        ),
    ]
}
