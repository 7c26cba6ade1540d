#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace opsh::journal {

/// Eight bytes of the SHA-256 over a row's values, as hex: tells whether an inserted row is still as it was. Each value
/// goes in with its length, NULL as something that no value is.
std::string row_digest(std::span<const std::optional<std::string_view>> values);

}  // namespace opsh::journal
