#include "sandbox/detached.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <system_error>

#include "base/clock.hpp"
#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "proc/pipes.hpp"
#include "sandbox/directory.hpp"

namespace opsh::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr Seconds stop_limit{15};

/// The record of a state directory, while nobody else reads or changes it.
class Record {
 public:
  explicit Record(const fs::path& state) : path_(state / "sandbox"), lock_(open_lock(state)) {
    if (!lock_ || ::flock(lock_.get(), LOCK_EX) != 0) throw failure();
  }

  std::optional<Running> read() const {
    std::ifstream file{path_};
    std::map<std::string, std::string> values;
    for (std::string line; std::getline(file, line);) {
      auto equals = line.find('=');
      if (equals != std::string::npos) values[line.substr(0, equals)] = line.substr(equals + 1);
    }
    // The last line says that it was written to its end.
    if (!values.contains("started")) return std::nullopt;
    return Running{values["conninfo"], values["directory"],
                   values["version"],  static_cast<pid_t>(std::strtol(values["pid"].c_str(), nullptr, 10)),
                   values["started"],  values["binaries"],
                   values["loaded"]};
  }

  void write(const Running& running) const {
    std::string text = fmt::format("conninfo={}\ndirectory={}\nversion={}\npid={}\nbinaries={}\n", running.conninfo,
                                   running.directory.string(), running.version, running.pid, running.binaries.string());
    // A line break in the name would begin another entry; the name is only shown.
    if (running.loaded.string().find('\n') == std::string::npos)
      text += fmt::format("loaded={}\n", running.loaded.string());
    text += fmt::format("started={}\n", running.started);
    Descriptor file{::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) throw failure();
  }

  void remove() const {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

  /// What runs; a record of something that does not is removed with what it left.
  std::optional<Running> running() const {
    auto recorded = read();
    if (recorded && in_use(recorded->directory)) return recorded;
    if (recorded) remove_when_free(recorded->directory, Deadline::in(Seconds{0}));
    remove();
    return std::nullopt;
  }

 private:
  static Descriptor open_lock(const fs::path& state) {
    return Descriptor{::open((state / "sandbox.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  }
  Error failure() const {
    return {"sandbox.state", fmt::format("cannot record the sandbox in {}: {}", path_.string(), std::strerror(errno)),
            "check that the directory may be written"};
  }

  fs::path path_;
  Descriptor lock_;
};

/// Ends a supervisor, which is not our child, and waits for its end; false when it may not be ended, or does not.
bool end_supervisor(pid_t supervisor, Deadline deadline) {
  Descriptor process{static_cast<int>(::syscall(SYS_pidfd_open, supervisor, 0))};
  if (::kill(supervisor, SIGTERM) != 0) return errno == ESRCH;
  return !process || proc::wait_ready(process.get(), POLLIN, deadline);
}

void make_state_directory(const fs::path& state) {
  std::error_code failed;
  if (fs::create_directories(state, failed)) ::chmod(state.c_str(), 0700);
  if (failed)
    throw Error{"sandbox.state", fmt::format("cannot make the directory {}: {}", state.string(), failed.message())};
}

}  // namespace

Running start_detached(const Options& options, const fs::path& state) {
  make_state_directory(state);
  Record record{state};
  if (auto other = record.running())
    throw Error{"sandbox.running",
                fmt::format("a sandbox runs already, since {}, in {}", other->started, other->directory.string()),
                "use it, or run opsh sandbox stop"};
  Server server = Server::start(options);
  const fs::path& file = options.content.file;
  Running running{server.conninfo(),
                  server.directory(),
                  server.version(),
                  server.pid(),
                  utc_now(),
                  server.binaries(),
                  file.empty() ? file : fs::absolute(file),
                  server.warnings(),
                  server.origin()};
  // Recorded before it is let go: one that nobody can find would stay for ever.
  record.write(running);
  server.detach();
  return running;
}

std::optional<Running> find(const fs::path& state) {
  std::error_code ignored;
  if (!fs::exists(state / "sandbox", ignored)) return std::nullopt;
  return Record{state}.running();
}

Seconds age(const Running& running) {
  std::tm broken{};
  if (!::strptime(running.started.c_str(), "%Y-%m-%dT%H:%M:%SZ", &broken)) return Seconds{0};
  return Seconds{std::max(std::difftime(std::time(nullptr), ::timegm(&broken)), 0.0)};
}

bool stop(const fs::path& state) {
  std::error_code ignored;
  if (!fs::exists(state / "sandbox", ignored)) return false;
  Record record{state};
  auto running = record.running();
  if (!running) return false;
  Error failure{"sandbox.stop", fmt::format("the sandbox in {} does not stop", running->directory.string()),
                fmt::format("stop process {} as the user who started it", running->pid)};
  Deadline deadline = Deadline::in(stop_limit);
  auto supervisor = supervisor_of(running->directory);
  if (supervisor && !end_supervisor(*supervisor, deadline)) throw failure;
  if (!remove_when_free(running->directory, deadline)) throw failure;
  record.remove();
  return true;
}

}  // namespace opsh::sandbox
