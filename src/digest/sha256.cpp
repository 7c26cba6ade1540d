#include "digest/sha256.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "digest/hex.hpp"

namespace opsh::digest {
namespace {

void require(bool done) {
  if (!done) throw Error{"digest.failed", "OpenSSL could not compute a SHA-256", "does its configuration forbid it?"};
}

[[noreturn]] void fail_to_read(const std::filesystem::path& path) {
  throw Error{"file.read", "cannot read " + path.string() + ": " + std::strerror(errno)};
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

Sha256& Sha256::add(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

std::string Sha256::hex() const {
  // Finishing ends a context, so a copy is finished.
  Sha256 copy;
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  require(EVP_MD_CTX_copy_ex(copy.context_.get(), context_.get()) == 1 &&
          EVP_DigestFinal_ex(copy.context_.get(), bytes, &size) == 1);
  return digest::hex({bytes, size});
}

std::array<std::uint8_t, 32> Sha256::take() {
  std::array<std::uint8_t, 32> bytes{};
  require(EVP_DigestFinal_ex(context_.get(), bytes.data(), nullptr) == 1 &&
          EVP_DigestInit_ex(context_.get(), nullptr, nullptr) == 1);
  return bytes;
}

std::string sha256_hex(std::string_view bytes) {
  return Sha256{}.add(bytes).hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) fail_to_read(path);
  Sha256 digest;
  std::vector<char> buffer(std::size_t{1} << 18);
  for (;;) {
    auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_to_read(path);
    if (count == 0) return digest.hex();
    digest.add({buffer.data(), static_cast<std::size_t>(count)});
  }
}

}  // namespace opsh::digest
