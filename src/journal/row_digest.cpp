#include "journal/row_digest.hpp"

#include <cstdint>

#include "digest/sha256.hpp"

namespace opsh::journal {

std::string row_digest(std::span<const std::optional<std::string_view>> values) {
  std::string bytes;
  for (const auto& value : values) {
    // No value is that long.
    const std::uint64_t size = value ? value->size() : ~std::uint64_t{0};
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>((size >> shift) & 0xff);
    if (value) bytes += *value;
  }
  return digest::sha256_hex(bytes).substr(0, 16);
}

}  // namespace opsh::journal
