#include "sandbox/script.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <system_error>

#include "digest/sha256.hpp"
#include "sandbox/script_reader.hpp"

namespace opsh::sandbox {
namespace {

namespace fs = std::filesystem;

// psql includes without a limit; a script that includes itself would be read for ever.
constexpr int deepest = 16;
// Reading costs memory; what is larger takes long to copy as well.
constexpr std::uintmax_t largest = std::uintmax_t{1} << 30;

std::optional<std::string> text_of(const fs::path& file) {
  std::error_code failed;
  if (!fs::is_regular_file(file, failed) || fs::file_size(file, failed) > largest || failed) return std::nullopt;
  std::ifstream stream{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  return stream.bad() || !stream.is_open() ? std::nullopt : std::optional{std::move(text)};
}

class Collector {
 public:
  void collect(const fs::path& file, const std::string& asked_by, int depth = 0) {
    auto text = text_of(file);
    if (!text || depth > deepest) {
      unknown_ = fmt::format("{}{} cannot be read", asked_by, file.string());
      return;
    }
    add(*text);
    Reading reading = read_script(*text);
    if (!reading.unknown.empty())
      unknown_ = fmt::format("{}:{}: {}", file.string(), reading.unknown_line, reading.unknown);
    for (const auto& named : reading.files) {
      if (!unknown_.empty()) return;
      std::string place = fmt::format("{}:{}: ", file.string(), named.line);
      // For a path that begins at the root, the folder before it does not count.
      fs::path folder = named.how == Named::How::include_beside ? file.parent_path() : fs::path{};
      if (named.how == Named::How::data)
        collect_data(named.path, place);
      else
        collect(folder / named.path, place, depth + 1);
    }
  }

  void add(std::string_view part) { sum_.add(std::to_string(part.size())).add("\n").add(part); }

  Dependencies finish() {
    if (!unknown_.empty()) return {{}, unknown_};
    return {sum_.hex(), {}};
  }

 private:
  void collect_data(const fs::path& file, const std::string& asked_by) {
    if (auto text = text_of(file))
      add(*text);
    else
      unknown_ = fmt::format("{}{} cannot be read", asked_by, file.string());
  }

  digest::Sha256 sum_;
  std::string unknown_;
};

}  // namespace

Dependencies dependencies_of(const Content& content) {
  Collector collector;
  for (const auto& [name, value] : content.variables) {
    collector.add(name);
    collector.add(value);
  }
  collector.add("");
  collector.collect(content.file, "");
  return collector.finish();
}

}  // namespace opsh::sandbox
