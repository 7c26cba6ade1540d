#pragma once

#include <filesystem>
#include <optional>

#include "proc/command.hpp"
#include "sandbox/binaries.hpp"

namespace opsh::sandbox {

/// Makes data directories. initdb runs once for a server version and user; its result is kept as a template in
/// $XDG_CACHE_HOME/opsh/sandbox, else ~/.cache/opsh/sandbox, and copied from then on. Where no cache can be kept,
/// initdb runs every time.
class DataSource {
 public:
  DataSource(Binaries binaries, std::optional<proc::Account> account);

  /// Fills `data`, which must not exist. Returns whether it came from the template.
  /// Errors: "sandbox.initdb", "interrupted".
  bool fill(const std::filesystem::path& data) const;

  /// Gives up a template that turned out to be damaged: the next fill makes a new one.
  void drop_template() const noexcept;

 private:
  bool copy_template(const std::filesystem::path& data) const;
  void run_initdb(const std::filesystem::path& data) const;
  void keep_template(const std::filesystem::path& data) const noexcept;

  Binaries binaries_;
  std::optional<proc::Account> account_;
  std::filesystem::path template_;  ///< empty when there is no place for it
};

}  // namespace opsh::sandbox
