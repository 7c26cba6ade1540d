#pragma once

#include <span>
#include <string>

namespace opsh::digest {

/// Two lower-case hexadecimal digits a byte.
std::string hex(std::span<const unsigned char> bytes);

}  // namespace opsh::digest
