// libcrypto, for tests alone.
#include <openssl/evp.h>
