#include "digest/random.hpp"

#include <openssl/rand.h>

#include <climits>
#include <vector>

#include "base/error.hpp"
#include "digest/hex.hpp"

namespace opsh::digest {

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> buffer(bytes);
  if (bytes > INT_MAX || RAND_bytes(buffer.data(), static_cast<int>(bytes)) != 1) {
    throw Error{"digest.random", "OpenSSL has no random bytes to give"};
  }
  return hex(buffer);
}

}  // namespace opsh::digest
