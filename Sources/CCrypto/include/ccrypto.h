// The primitives of Shadowsocks that libsodium lacks, from the BoringSSL that swift-nio-ssl carries, which sslocal needs for
// HTTPS anyway. Its AES-GCM is two to three times as fast as that of libcrypto 3.0, which servers will have for years. In a
// header of its own without BoringSSL's, whose names are libcrypto's; where BoringSSL is not there, as for a fuzzer, the
// system's libcrypto does the same.
#ifndef SS_CCRYPTO_H
#define SS_CCRYPTO_H

#include <stddef.h>
#include <stdint.h>

/// 1 where BoringSSL does the work, 0 where the system's libcrypto does.
int ss_crypto_is_boringssl(void);

// AEADs

typedef enum {
    SS_AES_128_GCM,
    SS_AES_192_GCM,
    SS_AES_256_GCM,
    SS_CHACHA20_POLY1305,
    SS_XCHACHA20_POLY1305,
} ss_aead_algorithm;

/// A keyed AEAD with tags of 16 bytes; it seals and opens.
typedef struct ss_aead ss_aead;

/// One for a key of the algorithm's own length; NULL where there is no memory.
ss_aead *_Nullable ss_aead_new(ss_aead_algorithm algorithm, const uint8_t *_Nonnull key);

/// Takes another key of the same length. 1, or 0 where there is no memory.
int ss_aead_rekey(ss_aead *_Nonnull aead, const uint8_t *_Nonnull key);

/// Wipes the key and frees.
void ss_aead_free(ss_aead *_Nonnull aead);

/// Seals `count` bytes from `source` to `target`, which may be the same place, and writes 16 bytes to `tag`.
/// 1, or 0 where the piece is longer than the cipher allows.
int ss_aead_seal(
    ss_aead *_Nonnull aead, uint8_t *_Nonnull target, uint8_t *_Nonnull tag, const uint8_t *_Nonnull nonce,
    const uint8_t *_Nonnull source, size_t count);

/// 1, or 0 where the tag does not fit; `target` is undefined then.
int ss_aead_open(
    ss_aead *_Nonnull aead, uint8_t *_Nonnull target, const uint8_t *_Nonnull tag, const uint8_t *_Nonnull nonce,
    const uint8_t *_Nonnull source, size_t count);

// Single blocks

/// A keyed AES that does one block of 16 bytes at a time.
typedef struct ss_aes ss_aes;

/// For a key of 16 or 32 bytes; NULL where there is no memory.
ss_aes *_Nullable ss_aes_new(const uint8_t *_Nonnull key, size_t count, int encrypts);

/// Wipes the key and frees.
void ss_aes_free(ss_aes *_Nonnull aes);

/// One block from `source` to `target`, which may be the same place.
void ss_aes_apply(ss_aes *_Nonnull aes, uint8_t *_Nonnull target, const uint8_t *_Nonnull source);

// Hashes

/// Hashes so far; copied as its bytes are. No pointer of anybody's is in it.
typedef struct {
    uint64_t words[14];
} ss_sha1;

void ss_sha1_init(ss_sha1 *_Nonnull state);
void ss_sha1_update(ss_sha1 *_Nonnull state, const void *_Nullable bytes, size_t count);

/// 20 bytes to `digest`; the state must be begun anew.
void ss_sha1_final(ss_sha1 *_Nonnull state, uint8_t *_Nonnull digest);

/// 16 bytes to `digest`.
void ss_md5(const void *_Nullable bytes, size_t count, uint8_t *_Nonnull digest);

#endif
