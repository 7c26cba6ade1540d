#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace opsh::text {

/// The candidate that `word` was most likely meant to be, for "did you mean": at most a third of its letters away
/// (insertions, deletions, changes and swaps of neighbours), case ignored. Nothing when none is near.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace opsh::text
