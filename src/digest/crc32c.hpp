#pragma once

#include <cstdint>
#include <string_view>

namespace opsh::digest {

/// The CRC-32C (Castagnoli, RFC 3720) of `bytes`: finds damage, not forgery. With the CRC of what comes before them as
/// `before`, that of both together.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace opsh::digest
