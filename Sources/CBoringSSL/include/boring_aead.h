// AEADs of the BoringSSL that swift-nio-ssl carries, which sslocal needs for HTTPS anyway. Its AES-GCM is two to three times as
// fast as that of libcrypto 3.0, which servers will have for years. In a header of its own without BoringSSL's, whose names
// are libcrypto's.
#ifndef SS_BORING_AEAD_H
#define SS_BORING_AEAD_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    SS_AES_128_GCM,
    SS_AES_192_GCM,
    SS_AES_256_GCM,
    SS_CHACHA20_POLY1305,
    SS_XCHACHA20_POLY1305,
} ss_aead_algorithm;

/// A keyed AEAD with tags of 16 bytes; it seals and opens.
typedef struct ss_aead ss_aead;

/// 1 where BoringSSL is linked. Everything else here must be called only then.
int ss_aead_is_linked(void);

/// One for a key of the algorithm's own length; NULL where there is no memory.
ss_aead *_Nullable ss_aead_new(ss_aead_algorithm algorithm, const uint8_t *_Nonnull key);

/// Takes another key of the same length. 1, or 0 where there is no memory.
int ss_aead_rekey(ss_aead *_Nonnull aead, const uint8_t *_Nonnull key);

/// Wipes the key and frees.
void ss_aead_free(ss_aead *_Nonnull aead);

/// Seals `count` bytes from `source` to `target`, which may be the same place, and writes 16 bytes to `tag`.
/// 1, or 0 where the piece is longer than the cipher allows.
int ss_aead_seal(
    const ss_aead *_Nonnull aead, uint8_t *_Nonnull target, uint8_t *_Nonnull tag, const uint8_t *_Nonnull nonce,
    const uint8_t *_Nonnull source, size_t count);

/// 1, or 0 where the tag does not fit; `target` is undefined then.
int ss_aead_open(
    const ss_aead *_Nonnull aead, uint8_t *_Nonnull target, const uint8_t *_Nonnull tag, const uint8_t *_Nonnull nonce,
    const uint8_t *_Nonnull source, size_t count);

#endif
