#include "sandbox/data.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "proc/run.hpp"

namespace opsh::sandbox {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> initdb_flags{"--no-sync", "--locale=C.UTF-8", "-E", "UTF8", "--auth=trust", "-U",
                                            "opsh"};

/// How many entries a data directory has and how long they are together: cheap, and enough to see a template that lost
/// or gained something. What this does not see and the server does, is seen when it does not start.
struct Extent {
  std::uintmax_t entries = 0;
  std::uintmax_t bytes = 0;
  bool operator==(const Extent&) const = default;
};

Extent measure(const fs::path& data) {
  Extent extent;
  for (const auto& entry : fs::recursive_directory_iterator{data}) {
    ++extent.entries;
    if (entry.is_regular_file()) extent.bytes += entry.file_size();
  }
  return extent;
}

fs::path cache_directory() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache && *cache == '/') return fs::path{cache} / "opsh" / "sandbox";
  if (home && *home == '/') return fs::path{home} / ".cache" / "opsh" / "sandbox";
  return {};
}

/// A directory name that holds all that the content of a template depends on.
std::string template_name(const Binaries& binaries, const std::optional<proc::Account>& account) {
  std::string name = fmt::format("{} uid {}", binaries.version, account ? account->uid : ::geteuid());
  for (const auto& flag : initdb_flags) name += " " + flag;
  for (char& letter : name)
    if (!std::isalnum(static_cast<unsigned char>(letter)) && letter != '.') letter = '-';
  return name;
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

/// What others were making when they were killed.
void remove_leftovers(const fs::path& cache) {
  auto limit = fs::file_time_type::clock::now() - std::chrono::hours{1};
  for (const auto& entry : fs::directory_iterator{cache})
    if (entry.path().filename().string().starts_with("making-") && entry.last_write_time() < limit)
      fs::remove_all(entry.path());
}

}  // namespace

DataSource::DataSource(Binaries binaries, std::optional<proc::Account> account)
    : binaries_(std::move(binaries)), account_(account) {
  if (fs::path cache = cache_directory(); !cache.empty()) template_ = cache / template_name(binaries_, account_);
}

bool DataSource::fill(const fs::path& data) const {
  if (copy_template(data)) return true;
  std::error_code ignored;
  fs::remove_all(data, ignored);
  run_initdb(data);
  keep_template(data);
  return false;
}

void DataSource::drop_template() const noexcept {
  if (template_.empty()) return;
  // By rename first: another start that copies it just now sees all of it or an error, never a quiet half.
  std::error_code ignored;
  std::string aside = (template_.parent_path() / fmt::format("making-{}-dropped", ::getpid())).string();
  fs::rename(template_, aside, ignored);
  fs::remove_all(aside, ignored);
}

bool DataSource::copy_template(const fs::path& data) const {
  if (template_.empty()) return false;
  Extent expected;
  std::ifstream manifest{template_ / "extent"};
  if (!(manifest >> expected.entries >> expected.bytes)) return false;
  return copy(template_ / "data", data, "--sparse=auto") && measure(data) == expected;
}

void DataSource::run_initdb(const fs::path& data) const {
  std::vector<std::string> argv{binaries_.program("initdb"), "-D", data.string()};
  argv.insert(argv.end(), initdb_flags.begin(), initdb_flags.end());
  auto outcome = proc::run({.argv = argv,
                            .environment = server_environment(),
                            .directory = "/",
                            .account = account_,
                            .death_signal = SIGKILL});
  if (outcome.stopped == proc::Stopped::interrupt)
    throw Error{"interrupted", "interrupted while a sandbox was being prepared"};
  if (outcome.success()) return;
  Error error{"sandbox.initdb", fmt::format("{} failed: {}", argv.front(), outcome.exit.text()),
              "check the space in TMPDIR or /tmp, and that the locale C.UTF-8 exists"};
  error.excerpt = outcome.errors;
  throw error;
}

void DataSource::keep_template(const fs::path& data) const noexcept {
  if (template_.empty()) return;
  try {
    fs::path cache = template_.parent_path();
    fs::create_directories(cache);
    remove_leftovers(cache);
    std::string making = (cache / "making-XXXXXX").string();
    if (!::mkdtemp(making.data())) return;
    bool copied = copy(data, fs::path{making} / "data", "--sparse=always");
    if (copied) {
      Extent extent = measure(data);
      std::ofstream manifest{fs::path{making} / "extent"};
      manifest << extent.entries << " " << extent.bytes << "\n";
      copied = static_cast<bool>(manifest.flush());
    }
    std::error_code failed;
    if (copied) {
      fs::rename(making, template_, failed);
      // Something stands there: a damaged template, or a good one by somebody who was faster and loses little.
      if (failed) {
        drop_template();
        fs::rename(making, template_, failed);
      }
    }
    if (!copied || failed) fs::remove_all(making, failed);
  } catch (...) {
    // The sandbox has its data; that the next one has to run initdb again is no reason to fail.
  }
}

}  // namespace opsh::sandbox
