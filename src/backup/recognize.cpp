#include "backup/recognize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace opsh::backup {
namespace {

using namespace std::string_view_literals;

constexpr const char* make_another = "make one with opsh backup, or pg_dump --format=custom";

struct Compression {
  std::string_view magic;
  const char* program;
};

constexpr Compression compressions[] = {{"\x1f\x8b"sv, "gzip"},
                                        {"\x28\xb5\x2f\xfd"sv, "zstd"},
                                        {"\x04\x22\x4d\x18"sv, "lz4"},
                                        {"\xfd"
                                         "7zXZ\0"sv,
                                         "xz"},
                                        {"BZh"sv, "bzip2"}};

bool is_text(std::string_view bytes) {
  return std::ranges::none_of(bytes, [](unsigned char c) { return c < 9 || (c > 13 && c < 32); });
}

bool looks_like_sql(std::string_view bytes) {
  if (!is_text(bytes)) return false;
  if (bytes.find("PostgreSQL database") != bytes.npos) return true;
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n\xef\xbb\xbf"), bytes.size()));
  std::string word{bytes.substr(0, 8)};
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (std::string_view begins : {"--", "/*", "\\", "SET ", "BEGIN", "CREATE ", "COPY ", "INSERT ", "SELECT ", "DROP "})
    if (word.starts_with(begins)) return true;
  return false;
}

}  // namespace

std::optional<NotADump> not_a_dump(std::string_view first, bool of_directory) {
  if (first.empty()) return NotADump{"is empty", make_another};
  if (first.starts_with("PGDMP")) {
    // After three bytes of version and the widths of two kinds of numbers: 1 is custom, and directories say 3 (tar).
    const bool custom = first.size() > 10 && first[10] == 1;
    if (of_directory || custom) return std::nullopt;
    if (first.size() <= 10) return NotADump{"is cut off after its first bytes", make_another};
    return NotADump{"is the table of contents of a dump in directory format", "name the directory that it is in"};
  }
  for (const auto& [magic, program] : compressions)
    if (first.starts_with(magic))
      return NotADump{fmt::format("is compressed with {}", program),
                      fmt::format("unpack it with {} -d; a dump in custom format is compressed in itself", program)};
  if (first.size() > 262 && first.substr(257, 5) == "ustar")
    return NotADump{"is a tar file", fmt::format("{}: tar cannot be restored from a stream", make_another)};
  if (looks_like_sql(first))
    return NotADump{
        "is SQL text: nothing in it shows whether it is whole, and psql would run whatever it says, "
        "commands of the shell included",
        make_another};
  return NotADump{"is not a dump of pg_dump", make_another};
}

}  // namespace opsh::backup
