#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace opsh::sandbox {

/// What kind of template a name stands for, and with it how long it is good.
enum class Kind {
  cluster,  ///< what initdb made: as long as it is used
  loaded,   ///< with a file's content: a day, and only the eight that were used last
};

/// Copies of stopped servers' data directories, in $XDG_CACHE_HOME/opsh/sandbox, else ~/.cache/opsh/sandbox. Where no
/// cache can be kept, nothing is ever found in it. Several processes may use it at once: a template appears, and goes,
/// by one rename. None of the functions fails because of the cache; copying is ended by "interrupted".
class Cache {
 public:
  Cache();

  const std::filesystem::path& directory() const { return directory_; }

  /// The name under which a template is kept; `content` says all that it depends on.
  static std::string name(Kind kind, const std::string& content);

  enum class Found { nothing, damaged, copied };
  /// Copies the template to `data`, which must not exist, and when it is damaged does not afterwards either.
  Found copy_to(const std::string& name, const std::filesystem::path& data) const;

  /// A directory for a template that is to be kept; nothing when the cache cannot be written.
  std::optional<std::filesystem::path> reserve() const noexcept;
  /// Makes a template of `data`, on which no server may run; uses up what was reserved. Removes what is past its time.
  /// Whether there is a template of this name now.
  bool keep(const std::filesystem::path& reserved, const std::string& name,
            const std::filesystem::path& data) const noexcept;

  void drop(const std::string& name) const noexcept;

  struct Freed {
    std::size_t templates = 0;
    std::uintmax_t bytes = 0;
  };
  /// Removes every template.
  Freed clear() const noexcept;

 private:
  void reap() const;

  std::filesystem::path directory_;
};

/// What a directory takes on disk; what cannot be read is not counted.
std::uintmax_t size_on_disk(const std::filesystem::path& directory) noexcept;

}  // namespace opsh::sandbox
