#include "digest/libraries.hpp"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

namespace opsh::digest {

Libraries libraries() {
  return {{"OpenSSL", OPENSSL_FULL_VERSION_STR, OpenSSL_version(OPENSSL_FULL_VERSION_STRING)}};
}

}  // namespace opsh::digest
