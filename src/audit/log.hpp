#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "audit/verify.hpp"
#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace opsh::audit {

/// Whose log it is.
struct Owner {
  std::string run;
  std::string host;  ///< this machine's name, for the entry that says that a run goes on here
};

/// The audit log of one run: a file of sealed lines that only grows.
///
/// Each entry is on the disk when append() returns, so that what it announces may be done. Several processes may write
/// to one file: each append takes the file's lock and goes on behind whatever is there by then.
class Log {
 public:
  /// Makes the file, mode 0600, or goes on behind its last entry. `recorded` is what the database knows; a file that
  /// does not agree with it is refused.
  ///
  /// Without a file the chain goes on from `recorded`, and its first entry is "continued". A last line that a crash
  /// left torn is moved to a file beside this one, and an entry "torn line" says so. Errors: "audit.write",
  /// "audit.broken".
  Log(const std::filesystem::path& path, Owner owner, const std::optional<Head>& recorded);

  /// Appends an entry and waits until it is on the disk. After an error nothing of it is in the file where that can be
  /// avoided. `details` is JSON. Errors: "audit.write", "audit.broken".
  const Head& append(std::string_view event, std::string details);

  const Head& head() const { return head_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  void go_on_from(const Head& recorded, std::string_view torn);
  void catch_up(const Expected& expected);
  std::string unread() const;
  std::string move_aside(std::string_view torn);
  void write(std::string_view event, std::string details);
  Error failure(std::string_view attempt) const;

  std::filesystem::path path_;
  Owner owner_;
  Descriptor file_;
  std::size_t end_ = 0;  ///< of what is verified
  Head head_;
};

}  // namespace opsh::audit
