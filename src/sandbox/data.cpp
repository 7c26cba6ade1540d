#include "sandbox/data.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <system_error>

#include "base/error.hpp"
#include "proc/run.hpp"

namespace opsh::sandbox {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> initdb_flags{"--no-sync", "--locale=C.UTF-8", "-E", "UTF8", "--auth=trust", "-U",
                                            "opsh"};

/// All that an empty cluster depends on.
std::string cluster_content(const Binaries& binaries, const std::optional<proc::Account>& account) {
  std::string content = fmt::format("{} uid {}", binaries.version, account ? account->uid : ::geteuid());
  for (const auto& flag : initdb_flags) content += " " + flag;
  return content;
}

}  // namespace

DataSource::DataSource(Binaries binaries, std::optional<proc::Account> account,
                       const std::optional<std::string>& content)
    : binaries_(std::move(binaries)),
      account_(account),
      cluster_(Cache::name(Kind::cluster, cluster_content(binaries_, account_))) {
  if (content) loaded_ = Cache::name(Kind::loaded, cluster_ + "\n" + *content);
}

DataSource::Origin DataSource::fill(const fs::path& data) {
  if (!loaded_.empty() && copied(loaded_, data)) return Origin::loaded;
  if (copied(cluster_, data)) return Origin::cluster;
  run_initdb(data);
  if (auto reserved = cache_.reserve()) cache_.keep(*reserved, cluster_, data);
  return Origin::initdb;
}

bool DataSource::copied(const std::string& name, const fs::path& data) {
  auto found = cache_.copy_to(name, data);
  if (found == Cache::Found::damaged) {
    cache_.drop(name);
    warn("is damaged");
  }
  return found == Cache::Found::copied;
}

void DataSource::drop(Origin origin) noexcept {
  try {
    cache_.drop(origin == Origin::loaded ? loaded_ : cluster_);
    warn("does not start");
  } catch (...) {
    // Only the message is lost.
  }
}

void DataSource::warn(const std::string& what) {
  // Once for a start: whether it was one template or both is nothing to people.
  if (warnings_.empty())
    warnings_.push_back(
        fmt::format("a sandbox template in {} {}; it is made again", cache_.directory().string(), what));
}

std::optional<fs::path> DataSource::reserve() const noexcept {
  if (loaded_.empty()) return std::nullopt;
  return cache_.reserve();
}

void DataSource::give_back(const fs::path& reserved) const noexcept {
  std::error_code ignored;
  fs::remove_all(reserved, ignored);
}

void DataSource::keep_loaded(const fs::path& reserved, const fs::path& data) const noexcept {
  cache_.keep(reserved, loaded_, data);
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

}  // namespace opsh::sandbox
