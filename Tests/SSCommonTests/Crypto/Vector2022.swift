// The published vectors of SIP022 and SIP023: keys and salts count up, the time is 1700000000.

import Testing

@testable import SSCommon

struct Vector2022: Sendable, CustomTestStringConvertible {
    let method: String
    let key: String
    let salt: String
    let subkey: String
    /// To example.com:80 with "GET / HTTP/1.1" and no padding, and a second chunk "hello".
    let request: String
    let requestChunk: String
    /// The same without payload, with seven bytes of padding.
    let paddedRequest: String
    let responseSalt: String
    /// A second later.
    let response: String
    let responseChunk: String
    /// "hello" to example.com:53, the first of session 0102030405060708.
    let clientDatagram: String
    /// "world" from 127.0.0.1:53.
    let serverDatagram: String
    /// The same requests of a user: the key of the port, the stream's header, the request, the datagram.
    var identity: (key: String, header: String, request: String, datagram: String)?

    var testDescription: String { method }

    var cipher: CipherMethod { CipherMethod(rawValue: method)! }
    var requestSalt: Salt { Salt(hex(salt).span.bytes) }

    func credential() -> Credential {
        do { return try Credential(method: cipher, secret: key) } catch { fatalError("\(error)") }
    }

    static let time: UInt64 = 1_700_000_000

    static let all = [
        Vector2022(
            method: "2022-blake3-aes-128-gcm",
            key: "QEFCQ0RFRkdISUpLTE1OTw==",
            salt: "000102030405060708090a0b0c0d0e0f",
            subkey: "c8485d04c5f0c20c2511c7f4f7310b7e",
            request: "000102030405060708090a0b0c0d0e0f523744048cb0b05a5212b7d373c693bc7106a9f1bc9b78986acca176e7e20a56"
                + "5b8c08fafdba3a24a997c9126eb2822a24127d58ae6a727ff3259ea4c505acf8d7ae82dc77528962129cf1ef",
            requestChunk: "c56db10c0aa2893cf93b3dd9562b0b7e7ff29cb201f8de1cbd23afccb47f92f23cc6af3ed33313",
            paddedRequest:
                "000102030405060708090a0b0c0d0e0f523744048cb0b05a52128e0a3beb0301cfad5ea700b80f40adce1c76e7e20a56"
                + "5b8c08fafdba3a24a997c91529f7d60a0b3235a6e3a415e4f55122d57f464a926d8df2",
            responseSalt: "808182838485868788898a8b8c8d8e8f",
            response: "808182838485868788898a8b8c8d8e8fefd8da35251fdc7707a9dec879305d5c30a3eb13d0776ea9e488e451aba724a6"
                + "93da492ef86578be6a7f358f2d0b4851d2351b2c5b420b423eefa644df8531bc2a3ea167cbc4ab09956b2ca9",
            responseChunk: "8f9dd6b8c7427ae7744e1d5a0690f64c33245e992a90349d480c3e8762803975e034ba3f8c82c5",
            clientDatagram:
                "6d8ebcb8c1884e27c50c9e018c6f9a1f0c1ef6b0661ce745f8d004ccdf1f05ba5f2c75972faf483700e590740a33bc61"
                + "1d2e668bb142f541126e2c2b389109",
            serverDatagram:
                "51df1f6a7d5e637b746a2abbcb0996eff14a5350c8d1c738123c526eaa59f90c159caf97640d1d4424b8dd5593cf2d0d"
                + "2ad632320aafd495350963c52bc308",
            identity: (
                key: "oKGio6SlpqeoqaqrrK2urw==",
                header: "8c14a2cacfce82167445b12edc29087c",
                request:
                    "000102030405060708090a0b0c0d0e0f8c14a2cacfce82167445b12edc29087c523744048cb0b05a5212b7d373c693bc"
                    + "7106a9f1bc9b78986acca176e7e20a565b8c08fafdba3a24a997c9126eb2822a24127d58ae6a727ff3259ea4c505acf8"
                    + "d7ae82dc77528962129cf1ef",
                datagram:
                    "daffb7becec7076e815740974240e12f54f23b9353f25b969214dad51920be8a0c1ef6b0661ce745f8d004ccdf1f05ba"
                    + "5f2c75972faf483700e590740a33bc611d2e668bb142f541126e2c2b389109"
            )),
        Vector2022(
            method: "2022-blake3-aes-256-gcm",
            key: "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
            salt: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            subkey: "5568b9c32eb57d42d53985bbee7f9fa18b81f160267827f853330d7540659ae6",
            request: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fe4099a8013d2cfdf19b8d0dc3c6b66b3"
                + "d0d6274c14460e53eca6a3a8a7b8464eb0ed5224cb20ea49cd49d203e22fa2ffff16f9d0bb7a2303baaf7714e9891687"
                + "0c2f9aa405050f7bd1a9fa42",
            requestChunk: "f2f82641d692f9fd66760ccafb9782f00994fd2de1efeee21dd748a67a5c151d82bb4c35b66e23",
            paddedRequest:
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fe4099a8013d2cfdf19b8e98daa183b84"
                + "f883660dcefd3c9705b385a8a7b8464eb0ed5224cb20ea49cd49d204a56af6dfd036b12168ba4d7d0e503c93ee3a5871"
                + "76a079",
            responseSalt: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
            response: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f5ddacbf5e1cee47b04f9634c5b22f83b"
                + "2b871f3921047da85dac3b3a7b6d0f37e920c78ad545e22558b2d977c8b7ea4ae7d3cce6a657dee5b932e558d2ce404d"
                + "d21913be919a00b1d0c7d8def2793cf83193b376e108e8d311b6d1b6",
            responseChunk: "96516475d006468c0bb67cf3df1f74cbcafb1d4e9248b4d216704ffe34ab5b66e0f94577c97d5d",
            clientDatagram:
                "a3ddbc47d65028b154ce0bde74e581686c3d43905fe6957132b247c1f4292c3f4ecce72e060a34592ad14caa7e0801aa"
                + "1ac3cfa4295bf0a52851cbaf6d88ca",
            serverDatagram:
                "85413815d92fa3d7e2bff0ef74143cfd57962c955a4e82af14ddd416c89c0116905b6403dac23c88ebe43419dd8c543b"
                + "af757afb7ae53a5b49c09c4a342583",
            identity: (
                key: "oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8=",
                header: "2c925385ae7ca201d939d7541f01bf57",
                request:
                    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2c925385ae7ca201d939d7541f01bf57"
                    + "e4099a8013d2cfdf19b8d0dc3c6b66b3d0d6274c14460e53eca6a3a8a7b8464eb0ed5224cb20ea49cd49d203e22fa2ff"
                    + "ff16f9d0bb7a2303baaf7714e98916870c2f9aa405050f7bd1a9fa42",
                datagram:
                    "c9ff6de729ba7a0df514f1a58a92b1924e527e5f84ef9036c75a474666a7441b6c3d43905fe6957132b247c1f4292c3f"
                    + "4ecce72e060a34592ad14caa7e0801aa1ac3cfa4295bf0a52851cbaf6d88ca"
            )),
        Vector2022(
            method: "2022-blake3-chacha20-poly1305",
            key: "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
            salt: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            subkey: "5568b9c32eb57d42d53985bbee7f9fa18b81f160267827f853330d7540659ae6",
            request: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0231716bab02d1647741e140ffa97e63"
                + "34b24835b60644af883f1a57af2679c6a5514fb25dd8e9a18690cf764915c041bf0197b713dae452c8d98b256565cc53"
                + "008feda77b4467274440c0ef",
            requestChunk: "6b5ffedbdc02de93de83c2225cd88379eea2843d1794cecb385a28a2e886d05363432b1fd38952",
            paddedRequest:
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0231716bab02d1647741d87d693ca0a4"
                + "4a9cb414fa4494263fd66d57af2679c6a5514fb25dd8e9a18690cf710e5094619021dfca9a3a8313c2e8a9aa3e8adeb1"
                + "c35b69",
            responseSalt: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
            response: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f6c5dd8da9f5893a8468f7c2def1a8b69"
                + "836c736c56b28ac56c450a385459b1da40f56614f2a8a8b7045f2a2d50decade4a1e90f9ae3663bde7b93886206f2f12"
                + "0b7ea28ada45e886544c3ca4333557d1f97d26b6ad03d0054dd68e1d",
            responseChunk: "b4a373b37476ed668da431a3f3d03e7fc4149cd2f89bc8603428015fbce456472e01320b597b40",
            clientDatagram:
                "000102030405060708090a0b0c0d0e0f101112131415161798feca044dcb5c2b25aa93dac62c2d20932512f2820ba857"
                + "c071296704410d3dae81e7fe532b4cc12bc11dc9a259a3d6e1953cc135296d17f2aafcd14203b3",
            serverDatagram:
                "000102030405060708090a0b0c0d0e0f101112131415161788eeda145ddb4c3b25aa93dac62c2d20922512f2820ba857"
                + "c1702b670b21735bcbf18b9a024823ad2bc102c3bc59a8fa7761c2047753890bd357b990fce7cb"),
    ]
}
