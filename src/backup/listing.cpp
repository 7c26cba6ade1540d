#include "backup/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>

#include "base/error.hpp"

namespace opsh::backup {
namespace {

void each_line(std::string_view text, const std::function<void(std::string_view)>& visit) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    visit(text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

/// "215; 1259 16384 TABLE public a owner" without its numbers; empty for what is no entry.
std::string_view entry_of(std::string_view line) {
  if (line.empty() || line.front() == ';') return {};
  for (int number = 0; number < 3; ++number) {
    const auto blank = line.find(' ');
    if (blank == line.npos) return {};
    line.remove_prefix(blank + 1);
  }
  return line;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto blank = text.find(' ');
    words.push_back(text.substr(0, blank));
    if (blank == text.npos) return words;
    text.remove_prefix(blank + 1);
  }
}

/// "2026-11-21 18:32:51 UTC"
std::optional<std::int64_t> seconds_of(std::string_view text) {
  std::vector<int> parts;
  while (!text.empty() && parts.size() < 6) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    parts.push_back(number);
    text.remove_prefix(std::min<std::size_t>(static_cast<std::size_t>(end - text.data()) + 1, text.size()));
  }
  if (parts.size() < 6) return std::nullopt;
  using namespace std::chrono;
  const year_month_day day{year{parts[0]}, month{static_cast<unsigned>(parts[1])},
                           std::chrono::day{static_cast<unsigned>(parts[2])}};
  if (!day.ok()) return std::nullopt;
  return (sys_days{day}.time_since_epoch() + hours{parts[3]} + minutes{parts[4]} + seconds{parts[5]}) / seconds{1};
}

bool is_table(const std::vector<std::string_view>& words) {
  return words.size() == 4 && words[0] == "TABLE" && words[1] != "DATA" && words[1] != "ATTACH";
}

/// "15.18 (Debian 15.18-0+deb12u1)" without the package.
std::string version_of(std::string_view text) {
  return std::string{text.substr(0, text.find(' '))};
}

}  // namespace

Listing read_listing(std::string_view printed) {
  Listing listing;
  each_line(printed, [&](std::string_view line) {
    const auto value = [&](std::string_view title) -> std::optional<std::string_view> {
      const auto begin = line.find_first_not_of("; ");
      if (!line.starts_with(';') || begin == line.npos || !line.substr(begin).starts_with(title)) return std::nullopt;
      return line.substr(begin + title.size());
    };
    if (auto created = value("Archive created at ")) listing.created = seconds_of(*created);
    if (auto name = value("dbname: ")) listing.database = *name;
    if (auto version = value("Dumped from database version: ")) listing.server_version = version_of(*version);
    if (auto version = value("Dumped by pg_dump version: ")) listing.pg_dump_version = version_of(*version);
    if (auto compression = value("Compression: ")) listing.compression = *compression;
    const std::string_view entry = entry_of(line);
    if (entry.empty()) return;
    ++listing.entries;
    const auto words = words_of(entry);
    if (!words.back().empty()) listing.owners.emplace(words.back());
    if (is_table(words)) listing.tables.insert(sql::QualifiedName{std::string{words[1]}, std::string{words[2]}}.text());
  });
  return listing;
}

std::string choose_tables(std::string_view before_data, std::string_view data, std::string_view after_data,
                          const std::vector<sql::QualifiedName>& tables) {
  std::vector<bool> found(tables.size());
  const auto names_one = [&](std::string_view entry, std::string_view kind, bool with_data) {
    for (std::size_t at = 0; at < tables.size(); ++at) {
      if (!entry.starts_with(fmt::format("{} {} {} ", kind, tables[at].schema(), tables[at].name()))) continue;
      if (with_data) found[at] = true;
      return true;
    }
    return false;
  };
  std::string list;
  const auto keep = [&](std::string_view line) {
    list += line;
    list += '\n';
  };
  each_line(before_data, keep);
  each_line(data, [&](std::string_view line) {
    if (names_one(entry_of(line), "TABLE DATA", true)) keep(line);
  });
  each_line(after_data, [&](std::string_view line) {
    if (names_one(entry_of(line), "CONSTRAINT", false)) keep(line);
  });
  for (std::size_t at = 0; at < tables.size(); ++at)
    if (!found[at])
      throw Error{"backup.tables", fmt::format("the dump has no rows of a table {}", tables[at].text()),
                  "name tables as schema.name; a partitioned table has its rows in its partitions"};
  return list;
}

}  // namespace opsh::backup
