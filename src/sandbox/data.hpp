#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "proc/command.hpp"
#include "sandbox/binaries.hpp"
#include "sandbox/cache.hpp"

namespace opsh::sandbox {

/// Makes data directories for one installation and user. initdb runs once; its result is a template in the cache, and
/// so is what a file makes of it.
class DataSource {
 public:
  /// `content` says what will be loaded, with all that this depends on; nothing when it is loaded each time, or nothing
  /// is.
  DataSource(Binaries binaries, std::optional<proc::Account> account, const std::optional<std::string>& content);

  enum class Origin { initdb, cluster, loaded };
  /// Fills `data`, which must not exist. With Origin::loaded the content is in it already.
  /// Errors: "sandbox.initdb", "interrupted".
  Origin fill(const std::filesystem::path& data);

  /// Gives up a template with which the server did not start: the next fill does without.
  void drop(Origin origin) noexcept;

  /// Where the loaded data can be kept; nothing when it is not to be kept, or cannot.
  std::optional<std::filesystem::path> reserve() const noexcept;
  void give_back(const std::filesystem::path& reserved) const noexcept;
  /// Keeps data with the content in it, on which no server may run.
  void keep_loaded(const std::filesystem::path& reserved, const std::filesystem::path& data) const noexcept;

  /// What people should know: damage that was mended.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  bool copied(const std::string& name, const std::filesystem::path& data);
  void warn(const std::string& what);
  void run_initdb(const std::filesystem::path& data) const;

  Binaries binaries_;
  std::optional<proc::Account> account_;
  Cache cache_;
  std::string cluster_;
  std::string loaded_;  ///< empty when nothing is
  std::vector<std::string> warnings_;
};

}  // namespace opsh::sandbox
