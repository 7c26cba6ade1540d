#include "sandbox/cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "digest/random.hpp"
#include "digest/sha256.hpp"
#include "proc/run.hpp"
#include "sandbox/binaries.hpp"

namespace opsh::sandbox {
namespace {

namespace fs = std::filesystem;

/// Begins the name of every template. Another opsh may lay them out in another way: it says so by another number.
constexpr std::string_view layout = "2-";
constexpr std::string_view making = "making-";
constexpr std::size_t loaded_kept = 8;
// Data made with now() would grow old.
constexpr std::time_t loaded_seconds = 24 * 3600;
constexpr std::time_t unused_seconds = 30 * 24 * 3600;
constexpr std::time_t leftover_seconds = 3600;

fs::path cache_directory() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache && *cache == '/') return fs::path{cache} / "opsh" / "sandbox";
  if (home && *home == '/') return fs::path{home} / ".cache" / "opsh" / "sandbox";
  return {};
}

std::string prefix_of(Kind kind) {
  return std::string{layout} + (kind == Kind::cluster ? "cluster-" : "loaded-");
}

bool is_loaded(const std::string& name) {
  return name.starts_with(prefix_of(Kind::loaded));
}

/// How many entries a data directory has and how long they are together: cheap, and enough to see a template that lost
/// or gained something. What this does not see and the server does, is seen when it does not start.
struct Manifest {
  std::uintmax_t entries = 0;
  std::uintmax_t bytes = 0;
  std::time_t made = 0;

  bool same_extent(const Manifest& other) const { return entries == other.entries && bytes == other.bytes; }
};

Manifest measure(const fs::path& data) {
  Manifest manifest;
  for (const auto& entry : fs::recursive_directory_iterator{data}) {
    ++manifest.entries;
    if (entry.is_regular_file()) manifest.bytes += entry.file_size();
  }
  return manifest;
}

fs::path manifest_of(const fs::path& kept) {
  return kept / "manifest";
}

std::optional<Manifest> read_manifest(const fs::path& kept) {
  Manifest manifest;
  std::ifstream file{manifest_of(kept)};
  if (!(file >> manifest.entries >> manifest.bytes >> manifest.made)) return std::nullopt;
  return manifest;
}

bool write_manifest(const fs::path& kept, const fs::path& data) {
  Manifest manifest = measure(data);
  std::ofstream file{manifest_of(kept)};
  file << manifest.entries << " " << manifest.bytes << " " << std::time(nullptr) << "\n";
  return static_cast<bool>(file.flush());
}

/// A clock that was set back makes a template of the future: it may be of any age.
bool past_its_time(const std::string& name, const Manifest& manifest) {
  std::time_t age = std::time(nullptr) - manifest.made;
  return is_loaded(name) && (age < 0 || age > loaded_seconds);
}

bool intact(const fs::path& kept) {
  try {
    auto manifest = read_manifest(kept);
    return manifest && !past_its_time(kept.filename().string(), *manifest) &&
           measure(kept / "data").same_extent(*manifest);
  } catch (const fs::filesystem_error&) {
    return false;
  }
}

/// cp keeps owners, also those that root gave to the server's user, clones blocks where the file system can, and leaves
/// holes where the template has them.
bool copy(const fs::path& from, const fs::path& to, const char* sparse) {
  auto outcome = proc::run({.argv = {"cp", "-a", "--reflink=auto", sparse, "--", from.string(), to.string()},
                            .environment = server_environment(),
                            .directory = "/",
                            .death_signal = SIGKILL});
  if (outcome.stopped == proc::Stopped::interrupt)
    throw Error{"interrupted", "interrupted while a sandbox was being prepared"};
  return outcome.success();
}

/// When it was last written or, for a template, used.
std::time_t last_used(const fs::path& entry) {
  struct stat status {};
  if (::stat(manifest_of(entry).c_str(), &status) == 0 || ::lstat(entry.c_str(), &status) == 0) return status.st_mtime;
  return 0;
}

/// By rename first: a start that copies it just now sees all of it or an error, never a quiet half.
void remove_aside(const fs::path& entry) {
  std::error_code ignored;
  fs::path aside = entry.parent_path() / (std::string{making} + "dropped-" + digest::random_hex(8));
  fs::rename(entry, aside, ignored);
  fs::remove_all(aside, ignored);
}

std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> entries;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{directory, ignored}) entries.push_back(entry.path());
  return entries;
}

}  // namespace

Cache::Cache() : directory_(cache_directory()) {}

std::string Cache::name(Kind kind, const std::string& content) {
  return prefix_of(kind) + digest::sha256_hex(content);
}

Cache::Found Cache::copy_to(const std::string& name, const fs::path& data) const {
  const fs::path kept = directory_ / name;
  std::error_code failed;
  if (directory_.empty() || !fs::exists(fs::symlink_status(kept, failed))) return Found::nothing;
  auto manifest = read_manifest(kept);
  if (manifest && past_its_time(name, *manifest)) return Found::nothing;
  try {
    if (manifest && copy(kept / "data", data, "--sparse=auto") && measure(data).same_extent(*manifest)) {
      fs::last_write_time(manifest_of(kept), fs::file_time_type::clock::now(), failed);
      return Found::copied;
    }
  } catch (const fs::filesystem_error&) {
    // It vanished or cannot be read: the same as damaged.
  }
  fs::remove_all(data, failed);
  // Somebody may have dropped or replaced it during the copy; then nothing is wrong with what is there.
  bool replaced = !fs::exists(fs::symlink_status(kept, failed)) || intact(kept);
  return replaced ? Found::nothing : Found::damaged;
}

std::optional<fs::path> Cache::reserve() const noexcept {
  try {
    if (directory_.empty()) return std::nullopt;
    fs::create_directories(directory_);
    std::string reserved = (directory_ / (std::string{making} + "XXXXXX")).string();
    if (!::mkdtemp(reserved.data())) return std::nullopt;
    return reserved;
  } catch (...) {
    return std::nullopt;
  }
}

bool Cache::keep(const fs::path& reserved, const std::string& name, const fs::path& data) const noexcept {
  try {
    reap();
    std::error_code failed;
    const fs::path kept = directory_ / name;
    if (copy(data, reserved / "data", "--sparse=always") && write_manifest(reserved, data)) {
      fs::rename(reserved, kept, failed);
      if (!failed) return true;
      // What stands there is damaged or old, or somebody was faster.
      if (!intact(kept)) {
        remove_aside(kept);
        fs::rename(reserved, kept, failed);
      }
    }
    fs::remove_all(reserved, failed);
    return intact(kept);
  } catch (...) {
    // The sandbox has its data; that the next one has to be made again is no reason to fail.
    std::error_code ignored;
    fs::remove_all(reserved, ignored);
    return false;
  }
}

void Cache::drop(const std::string& name) const noexcept {
  try {
    if (!directory_.empty()) remove_aside(directory_ / name);
  } catch (...) {
    // It stays, and the next start finds out again.
  }
}

void Cache::reap() const {
  const std::time_t now = std::time(nullptr);
  std::vector<fs::path> loaded;
  for (const auto& entry : entries_of(directory_)) {
    const std::string name = entry.filename().string();
    const std::time_t unused = now - last_used(entry);
    if (name.starts_with(making)) {
      if (unused > leftover_seconds) remove_aside(entry);
    } else if (!name.starts_with(layout) || unused > unused_seconds) {
      remove_aside(entry);
    } else if (is_loaded(name)) {
      auto manifest = read_manifest(entry);
      if (!manifest || past_its_time(name, *manifest))
        remove_aside(entry);
      else
        loaded.push_back(entry);
    }
  }
  std::ranges::sort(loaded, std::ranges::greater{}, last_used);
  // One more is about to be kept.
  for (std::size_t at = loaded_kept - 1; at < loaded.size(); ++at) remove_aside(loaded[at]);
}

Cache::Freed Cache::clear() const noexcept {
  Freed freed;
  try {
    for (const auto& entry : directory_.empty() ? std::vector<fs::path>{} : entries_of(directory_)) {
      // What another start is making right now is left to it.
      if (entry.filename().string().starts_with(making) && std::time(nullptr) - last_used(entry) < leftover_seconds)
        continue;
      std::uintmax_t bytes = size_on_disk(entry);
      remove_aside(entry);
      std::error_code ignored;
      if (fs::exists(fs::symlink_status(entry, ignored))) continue;
      freed.bytes += bytes;
      ++freed.templates;
    }
  } catch (...) {
    // Whatever went is counted; calling again goes on.
  }
  return freed;
}

std::uintmax_t size_on_disk(const fs::path& directory) noexcept {
  constexpr std::uintmax_t block = 512;
  std::uintmax_t blocks = 0;
  try {
    std::error_code failed;
    for (fs::recursive_directory_iterator entry{directory, fs::directory_options::skip_permission_denied, failed}, end;
         !failed && entry != end; entry.increment(failed)) {
      struct stat status {};
      if (::lstat(entry->path().c_str(), &status) == 0) blocks += static_cast<std::uintmax_t>(status.st_blocks);
    }
  } catch (...) {
    // A server that works at the same time removes files under our eyes.
  }
  return blocks * block;
}

}  // namespace opsh::sandbox
