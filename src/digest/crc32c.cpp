#include "digest/crc32c.hpp"

#include <array>
#include <cstddef>

namespace opsh::digest {
namespace {

constexpr std::uint32_t reversed_polynomial = 0x82f63b78;

// tables[n][b] is the CRC of byte b with n zero bytes after it, so that eight bytes can be folded in one step.
constexpr auto tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> made{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? reversed_polynomial : 0);
    made[0][byte] = crc;
  }
  for (std::size_t n = 1; n < made.size(); ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      auto before = made[n - 1][byte];
      made[n][byte] = (before >> 8) ^ made[0][before & 0xff];
    }
  }
  return made;
}();

std::uint32_t little_endian(const unsigned char* bytes) {
  return bytes[0] | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 | std::uint32_t{bytes[3]} << 24;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  auto crc = ~before;
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  auto left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    auto low = crc ^ little_endian(at);
    auto high = little_endian(at + 4);
    crc = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^ tables[4][low >> 24] ^
          tables[3][high & 0xff] ^ tables[2][(high >> 8) & 0xff] ^ tables[1][(high >> 16) & 0xff] ^
          tables[0][high >> 24];
  }
  for (; left > 0; ++at, --left) crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xff];
  return ~crc;
}

}  // namespace opsh::digest
