#include "text/nearest.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "text/utf8.hpp"

namespace opsh::text {
namespace {

using Letters = std::vector<std::int32_t>;

Letters lower_letters(std::string_view word) {
  Letters letters;
  while (!word.empty()) {
    auto [value, bytes] = first_code_point(word);
    letters.push_back(value < 0 ? value : utf8proc_tolower(value));
    word.remove_prefix(bytes);
  }
  return letters;
}

// Damerau's distance in the variant that changes no letter twice ("optimal string alignment").
std::size_t distance(const Letters& from, const Letters& to) {
  std::vector<std::size_t> before_last(to.size() + 1), last(to.size() + 1), row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      std::size_t changed = from[i - 1] == to[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + changed});
      bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[to.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  const auto letters = lower_letters(word);
  const std::string* best = nullptr;
  std::size_t best_distance = letters.size() / 3;
  for (const auto& candidate : candidates) {
    auto other = lower_letters(candidate);
    auto difference = std::max(letters.size(), other.size()) - std::min(letters.size(), other.size());
    if (difference > best_distance) continue;
    auto away = distance(letters, other);
    if (away < best_distance || (away == best_distance && best == nullptr)) {
      best = &candidate;
      best_distance = away;
    }
  }
  return best == nullptr ? std::nullopt : std::optional{*best};
}

}  // namespace opsh::text
