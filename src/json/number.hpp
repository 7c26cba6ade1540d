#pragma once

#include <cstddef>
#include <string_view>

namespace opsh::json {

/// The length of the JSON number (RFC 8259, section 6) that `text` starts with; 0 when it starts with none, or with one
/// that goes on as if it were a number ("01", "1.", "1e+").
std::size_t number_length(std::string_view text);

}  // namespace opsh::json
