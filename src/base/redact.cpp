#include "base/redact.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <vector>

namespace opsh::redact {
namespace {

/// Every spelling of every secret; the longest come first, so that none is cut by one that is a part of it.
std::vector<std::string>& spellings() {
  static std::vector<std::string> all;
  return all;
}

std::mutex guard;  ///< of spellings()

std::string percent_encoded(std::string_view text, std::string_view digits) {
  std::string made;
  for (unsigned char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view{"-._~"}.find(static_cast<char>(c)) != std::string_view::npos;
    if (plain)
      made += static_cast<char>(c);
    else
      made.append(1, '%').append(1, digits[c >> 4]).append(1, digits[c & 0xf]);
  }
  return made;
}

/// The text with `mark` before each of these characters; with the character itself when there is no mark.
std::string escaped(std::string_view text, std::string_view characters, char mark = 0) {
  std::string made;
  for (char c : text) {
    if (characters.find(c) != std::string_view::npos) made += mark ? mark : c;
    made += c;
  }
  return made;
}

}  // namespace

bool hide(std::string_view secret) {
  if (secret.size() < shortest) return false;
  const std::lock_guard lock{guard};
  auto& all = spellings();
  for (std::string spelled :
       {std::string{secret}, percent_encoded(secret, "0123456789ABCDEF"), percent_encoded(secret, "0123456789abcdef"),
        escaped(secret, "'"), escaped(secret, "'\\", '\\'), escaped(secret, "\"\\", '\\')})
    if (std::ranges::find(all, spelled) == all.end()) all.push_back(std::move(spelled));
  std::ranges::sort(all, std::greater{}, &std::string::size);
  return true;
}

bool holds(std::string_view text) {
  const std::lock_guard lock{guard};
  return std::ranges::any_of(spellings(),
                             [&](const std::string& each) { return text.find(each) != std::string_view::npos; });
}

std::string redacted(std::string_view text) {
  const std::lock_guard lock{guard};
  std::string made{text};
  for (const std::string& each : spellings())
    for (std::size_t at = 0; (at = made.find(each, at)) != std::string::npos; at += mask.size())
      made.replace(at, each.size(), mask);
  return made;
}

}  // namespace opsh::redact
