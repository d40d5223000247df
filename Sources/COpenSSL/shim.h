// libcrypto only. The low-level SHA1_* and MD5 calls are marked deprecated in favour of EVP, whose
// set-up costs more than the hash of a 64-byte block; they stay supported through OpenSSL 3.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
