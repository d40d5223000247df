#include "boring_aead.h"

#if __has_include(<CNIOBoringSSL.h>)
#include <CNIOBoringSSL.h>

struct ss_aead {
    EVP_AEAD_CTX context;
};

static const EVP_AEAD *implementation(ss_aead_algorithm algorithm) {
    switch (algorithm) {
    case SS_AES_128_GCM: return EVP_aead_aes_128_gcm();
    case SS_AES_192_GCM: return EVP_aead_aes_192_gcm();
    case SS_AES_256_GCM: return EVP_aead_aes_256_gcm();
    case SS_CHACHA20_POLY1305: return EVP_aead_chacha20_poly1305();
    case SS_XCHACHA20_POLY1305: return EVP_aead_xchacha20_poly1305();
    }
    return NULL;
}

int ss_aead_is_linked(void) { return 1; }

ss_aead *ss_aead_new(ss_aead_algorithm algorithm, const uint8_t *key) {
    const EVP_AEAD *chosen = implementation(algorithm);
    return (ss_aead *)EVP_AEAD_CTX_new(chosen, key, EVP_AEAD_key_length(chosen), 16);
}

int ss_aead_rekey(ss_aead *aead, const uint8_t *key) {
    const EVP_AEAD *same = EVP_AEAD_CTX_aead(&aead->context);
    EVP_AEAD_CTX_cleanup(&aead->context);
    return EVP_AEAD_CTX_init(&aead->context, same, key, EVP_AEAD_key_length(same), 16, NULL);
}

// BoringSSL wipes all memory that it frees.
void ss_aead_free(ss_aead *aead) { EVP_AEAD_CTX_free(&aead->context); }

int ss_aead_seal(
    const ss_aead *aead, uint8_t *target, uint8_t *tag, const uint8_t *nonce, const uint8_t *source, size_t count) {
    size_t written = 0;
    return EVP_AEAD_CTX_seal_scatter(
        &aead->context, target, tag, &written, 16, nonce, EVP_AEAD_nonce_length(EVP_AEAD_CTX_aead(&aead->context)),
        source, count, NULL, 0, NULL, 0);
}

int ss_aead_open(
    const ss_aead *aead, uint8_t *target, const uint8_t *tag, const uint8_t *nonce, const uint8_t *source, size_t count) {
    if (EVP_AEAD_CTX_open_gather(
            &aead->context, target, nonce, EVP_AEAD_nonce_length(EVP_AEAD_CTX_aead(&aead->context)), source, count, tag,
            16, NULL, 0)) {
        return 1;
    }
    // What strangers send is no error that a TLS connection of this thread should find.
    ERR_clear_error();
    return 0;
}

#else

int ss_aead_is_linked(void) { return 0; }
ss_aead *ss_aead_new(ss_aead_algorithm algorithm, const uint8_t *key) { return NULL; }
int ss_aead_rekey(ss_aead *aead, const uint8_t *key) { return 0; }
void ss_aead_free(ss_aead *aead) {}
int ss_aead_seal(
    const ss_aead *aead, uint8_t *target, uint8_t *tag, const uint8_t *nonce, const uint8_t *source, size_t count) {
    return 0;
}
int ss_aead_open(
    const ss_aead *aead, uint8_t *target, const uint8_t *tag, const uint8_t *nonce, const uint8_t *source, size_t count) {
    return 0;
}

#endif
