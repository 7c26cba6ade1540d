#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "sandbox/script.hpp"

namespace opsh::sandbox {

class DataSource;
class Supervisor;

struct Options {
  /// fsync and full_page_writes on: a commit costs what it costs in production. Off, a commit survives a killed server
  /// and no power cut; synchronous_commit is on either way.
  bool durable = false;
  /// TCP addresses beside the socket, on `port`. Everybody who reaches them may do everything.
  std::string listen_addresses = {};
  int port = 0;  ///< 0: 5432, or a free one when there are TCP addresses
  std::vector<std::pair<std::string, std::string>> settings = {};
  int major = 0;  ///< of the server's version; 0: any
  Seconds start_limit{20};
  Content content = {};
};

/// A throw-away PostgreSQL: its own data, its own socket, nobody else's business. Owned: when the Server is destroyed,
/// or this process ends in whatever way, the server is stopped and its directory removed.
class Server {
 public:
  /// With a content, what loading it made is kept in the cache and copied the next time, for a day at most, unless it
  /// cannot be told what the loading depends on.
  /// Errors: "sandbox.binaries", "sandbox.version", "sandbox.account", "sandbox.directory", "sandbox.initdb",
  /// "sandbox.start" (its excerpt is the end of the server's log), those of load(), "interrupted".
  static Server start(const Options& options = {});

  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();

  /// How to connect, as superuser opsh.
  std::string conninfo(const std::string& database = "postgres") const;
  const std::filesystem::path& directory() const { return directory_; }
  /// As the server says it: "15.20 (Debian 15.20-0+deb12u1)".
  const std::string& version() const { return version_; }
  int port() const { return port_; }
  pid_t pid() const { return pid_; }
  /// The programs that it runs with.
  const std::filesystem::path& binaries() const { return binaries_; }
  /// What people should know about the start: damage in the cache that was mended.
  const std::vector<std::string>& warnings() const { return warnings_; }
  /// For finding faults: where the data came from.
  const std::string& origin() const { return origin_; }

  /// Makes a database as a copy of another, to which nobody may be connected; returns how to connect to it.
  /// Errors: "sandbox.database", "sandbox.gone".
  std::string create_database(const std::string& name, const std::string& original = "template0");
  /// Drops it when it exists, and who is connected to it. Errors as above.
  void drop_database(const std::string& name);

  /// Lets the server go on when this object, or this process, ends.
  void detach();

 private:
  Server() = default;
  void bring_up(DataSource& source, const Options& options, const Dependencies& dependencies);
  std::optional<std::string> end_before_answer(const Options& options);
  void keep_loaded(DataSource& source, const Options& options, const Dependencies& dependencies);
  bool answers();

  std::unique_ptr<Supervisor> supervisor_;
  std::filesystem::path directory_;
  std::string version_;
  int port_ = 0;
  pid_t pid_ = -1;
  std::filesystem::path binaries_;
  std::vector<std::string> warnings_;
  std::string origin_;
};

}  // namespace opsh::sandbox
