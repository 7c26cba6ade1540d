#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "digest/crc32c.hpp"

namespace opsh::plan::spool_format {

// A spool, numbers in the byte order of the machine (it is never carried to another one):
//
//   magic (16 bytes)
//   per row: length of the body (4), checksum (4), body; the body is per field its length (4, null_length for NULL)
//     and its bytes
//   footer: number of columns (4), per column name, type (4), array type (4), type name; texts have their length (4)
//     before them; number of entries in the index (8), the entries (8 each)
//   trailer (48 bytes)
constexpr std::string_view magic{"opsh spool 1\r\n\x1a\n", 16};
constexpr std::uint32_t null_length = 0xFFFFFFFF;
constexpr std::uint64_t rows_per_index_entry = 1024;
constexpr std::size_t record_head = 8;

/// The last bytes of a file; a file without them was cut.
struct Trailer {
  std::uint64_t footer_begin = 0;
  std::uint64_t footer_length = 0;
  std::uint64_t rows = 0;
  std::uint32_t footer_checksum = 0;
  std::uint32_t checksum = 0;  // of the fields above
  char magic[16] = {};
};
static_assert(sizeof(Trailer) == 48);

inline std::uint32_t trailer_checksum(const Trailer& trailer) {
  return digest::crc32c({reinterpret_cast<const char*>(&trailer), offsetof(Trailer, checksum)});
}

/// With the row's number in it, so that a row in the wrong place is damage as well.
inline std::uint32_t record_checksum(std::string_view body, std::uint64_t row) {
  return digest::crc32c(body, static_cast<std::uint32_t>(row * 2654435761U + 1));
}

template <class Number>
void put(std::string& out, Number number) {
  const auto size = out.size();
  out.resize(size + sizeof number);
  std::memcpy(out.data() + size, &number, sizeof number);
}

template <class Number>
Number get(const char* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

}  // namespace opsh::plan::spool_format
