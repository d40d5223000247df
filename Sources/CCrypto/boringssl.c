#include "ccrypto.h"

#if __has_include(<CNIOBoringSSL.h>)
#include <CNIOBoringSSL.h>

int ss_crypto_is_boringssl(void) { return 1; }

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

ss_aead *ss_aead_new(ss_aead_algorithm algorithm, const uint8_t *key) {
    const EVP_AEAD *chosen = implementation(algorithm);
    return (ss_aead *)EVP_AEAD_CTX_new(chosen, key, EVP_AEAD_key_length(chosen), 16);
}

int ss_aead_rekey(ss_aead *aead, const uint8_t *key) {
    const EVP_AEAD *same = EVP_AEAD_CTX_aead(&aead->context);
    EVP_AEAD_CTX_cleanup(&aead->context);
    return EVP_AEAD_CTX_init(&aead->context, same, key, EVP_AEAD_key_length(same), 16, NULL);
}

// BoringSSL wipes all memory that it frees, here and below.
void ss_aead_free(ss_aead *aead) { EVP_AEAD_CTX_free(&aead->context); }

int ss_aead_seal(
    ss_aead *aead, uint8_t *target, uint8_t *tag, const uint8_t *nonce, const uint8_t *source, size_t count) {
    size_t written = 0;
    return EVP_AEAD_CTX_seal_scatter(
        &aead->context, target, tag, &written, 16, nonce, EVP_AEAD_nonce_length(EVP_AEAD_CTX_aead(&aead->context)),
        source, count, NULL, 0, NULL, 0);
}

int ss_aead_open(
    ss_aead *aead, uint8_t *target, const uint8_t *tag, const uint8_t *nonce, const uint8_t *source, size_t count) {
    if (EVP_AEAD_CTX_open_gather(
            &aead->context, target, nonce, EVP_AEAD_nonce_length(EVP_AEAD_CTX_aead(&aead->context)), source, count, tag,
            16, NULL, 0)) {
        return 1;
    }
    // What strangers send is no error that a TLS connection of this thread should find.
    ERR_clear_error();
    return 0;
}

struct ss_aes {
    AES_KEY key;
    int encrypts;
};

ss_aes *ss_aes_new(const uint8_t *key, size_t count, int encrypts) {
    ss_aes *aes = OPENSSL_malloc(sizeof(ss_aes));
    if (aes == NULL) return NULL;
    aes->encrypts = encrypts;
    int failed = encrypts ? AES_set_encrypt_key(key, (unsigned)count * 8, &aes->key)
                          : AES_set_decrypt_key(key, (unsigned)count * 8, &aes->key);
    if (failed == 0) return aes;
    OPENSSL_free(aes);
    return NULL;
}

void ss_aes_free(ss_aes *aes) { OPENSSL_free(aes); }

void ss_aes_apply(ss_aes *aes, uint8_t *target, const uint8_t *source) {
    if (aes->encrypts) {
        AES_encrypt(source, target, &aes->key);
    } else {
        AES_decrypt(source, target, &aes->key);
    }
}

_Static_assert(sizeof(SHA_CTX) <= sizeof(ss_sha1), "ss_sha1 has room for BoringSSL's");

void ss_sha1_init(ss_sha1 *state) { SHA1_Init((SHA_CTX *)state); }
void ss_sha1_update(ss_sha1 *state, const void *bytes, size_t count) { SHA1_Update((SHA_CTX *)state, bytes, count); }
void ss_sha1_final(ss_sha1 *state, uint8_t *digest) { SHA1_Final(digest, (SHA_CTX *)state); }
void ss_md5(const void *bytes, size_t count, uint8_t *digest) { MD5(bytes, count, digest); }

#endif
