#include "ccrypto.h"

#if !__has_include(<CNIOBoringSSL.h>)
// The low-level SHA1_* and MD5 are marked deprecated in favour of EVP; they stay supported through OpenSSL 3.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

int ss_crypto_is_boringssl(void) { return 0; }

enum { nonce_length = 12, tag_length = 16, longest_key = 32 };

struct ss_aead {
    ss_aead_algorithm algorithm;
    EVP_CIPHER_CTX *sealing;
    EVP_CIPHER_CTX *opening;
    /// XChaCha's own key, from which each nonce makes the cipher's.
    uint8_t key[longest_key];
};

static const EVP_CIPHER *implementation(ss_aead_algorithm algorithm) {
    switch (algorithm) {
    case SS_AES_128_GCM: return EVP_aes_128_gcm();
    case SS_AES_192_GCM: return EVP_aes_192_gcm();
    case SS_AES_256_GCM: return EVP_aes_256_gcm();
    case SS_CHACHA20_POLY1305:
    case SS_XCHACHA20_POLY1305: return EVP_chacha20_poly1305();
    }
    return NULL;
}

ss_aead *ss_aead_new(ss_aead_algorithm algorithm, const uint8_t *key) {
    ss_aead *aead = OPENSSL_zalloc(sizeof(ss_aead));
    if (aead == NULL) return NULL;
    aead->algorithm = algorithm;
    aead->sealing = EVP_CIPHER_CTX_new();
    aead->opening = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = implementation(algorithm);
    if (aead->sealing != NULL && aead->opening != NULL &&
        EVP_CipherInit_ex(aead->sealing, cipher, NULL, NULL, NULL, 1) == 1 &&
        EVP_CipherInit_ex(aead->opening, cipher, NULL, NULL, NULL, 0) == 1 && ss_aead_rekey(aead, key) == 1) {
        return aead;
    }
    ss_aead_free(aead);
    return NULL;
}

int ss_aead_rekey(ss_aead *aead, const uint8_t *key) {
    if (aead->algorithm == SS_XCHACHA20_POLY1305) {
        memcpy(aead->key, key, longest_key);
        return 1;
    }
    return EVP_CipherInit_ex(aead->sealing, NULL, NULL, key, NULL, -1) == 1 &&
           EVP_CipherInit_ex(aead->opening, NULL, NULL, key, NULL, -1) == 1;
}

void ss_aead_free(ss_aead *aead) {
    EVP_CIPHER_CTX_free(aead->sealing);
    EVP_CIPHER_CTX_free(aead->opening);
    OPENSSL_clear_free(aead, sizeof(ss_aead));
}

static int begin(const ss_aead *aead, EVP_CIPHER_CTX *context, const uint8_t *nonce) {
    if (aead->algorithm != SS_XCHACHA20_POLY1305) return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, -1);
    // Key of this nonce, then RFC 8439's nonce: four zero bytes and the last eight given ones.
    uint8_t key[longest_key], rest[nonce_length] = {0};
    crypto_core_hchacha20(key, nonce, aead->key, NULL);
    memcpy(rest + 4, nonce + 16, 8);
    int ok = EVP_CipherInit_ex(context, NULL, NULL, key, rest, -1);
    OPENSSL_cleanse(key, sizeof key);
    return ok;
}

int ss_aead_seal(
    ss_aead *aead, uint8_t *target, uint8_t *tag, const uint8_t *nonce, const uint8_t *source, size_t count) {
    int written = 0;
    uint8_t nothing[tag_length];
    return begin(aead, aead->sealing, nonce) == 1 &&
           EVP_CipherUpdate(aead->sealing, target, &written, source, (int)count) == 1 &&
           EVP_CipherFinal_ex(aead->sealing, nothing, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(aead->sealing, EVP_CTRL_AEAD_GET_TAG, tag_length, tag) == 1;
}

int ss_aead_open(
    ss_aead *aead, uint8_t *target, const uint8_t *tag, const uint8_t *nonce, const uint8_t *source, size_t count) {
    int written = 0;
    uint8_t nothing[tag_length];
    // EVP takes the expected tag through a mutable pointer but only reads it.
    return begin(aead, aead->opening, nonce) == 1 &&
           EVP_CIPHER_CTX_ctrl(aead->opening, EVP_CTRL_AEAD_SET_TAG, tag_length, (void *)tag) == 1 &&
           EVP_CipherUpdate(aead->opening, target, &written, source, (int)count) == 1 &&
           EVP_CipherFinal_ex(aead->opening, nothing, &written) == 1;
}

ss_aes *ss_aes_new(const uint8_t *key, size_t count, int encrypts) {
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = count == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb();
    if (context != NULL && EVP_CipherInit_ex(context, cipher, NULL, key, NULL, encrypts) == 1) {
        EVP_CIPHER_CTX_set_padding(context, 0);
        return (ss_aes *)context;
    }
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

void ss_aes_free(ss_aes *aes) { EVP_CIPHER_CTX_free((EVP_CIPHER_CTX *)aes); }

void ss_aes_apply(ss_aes *aes, uint8_t *target, const uint8_t *source) {
    int written = 0;
    EVP_CipherUpdate((EVP_CIPHER_CTX *)aes, target, &written, source, 16);
}

_Static_assert(sizeof(SHA_CTX) <= sizeof(ss_sha1), "ss_sha1 has room for libcrypto's");

void ss_sha1_init(ss_sha1 *state) { SHA1_Init((SHA_CTX *)state); }
void ss_sha1_update(ss_sha1 *state, const void *bytes, size_t count) { SHA1_Update((SHA_CTX *)state, bytes, count); }
void ss_sha1_final(ss_sha1 *state, uint8_t *digest) { SHA1_Final(digest, (SHA_CTX *)state); }
void ss_md5(const void *bytes, size_t count, uint8_t *digest) { MD5(bytes, count, digest); }

#endif
