#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace opsh::digest {

/// A SHA-256 over what is added, piece by piece.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  Sha256& add(std::string_view bytes);

  /// The digest of everything added so far, 64 lower-case hexadecimal digits. More may be added afterwards.
  std::string hex() const;

  /// The digest's bytes; what is added afterwards begins a new one. For many short texts in turn.
  std::array<std::uint8_t, 32> take();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string sha256_hex(std::string_view bytes);

/// The digest of a file's content, read in pieces. Throws Error "file.read" when it cannot be read to its end.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace opsh::digest
