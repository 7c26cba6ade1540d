#pragma once

#include <cstddef>
#include <string>

namespace opsh::digest {

/// `bytes` unpredictable bytes as twice as many hexadecimal digits. Throws Error "digest.random" when the system has no
/// randomness to give.
std::string random_hex(std::size_t bytes);

}  // namespace opsh::digest
