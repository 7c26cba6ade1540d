#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opsh::host {

/// What was typed at the prompt, in a file of mode 0600 that several prompts append to. An entry is a line of the file,
/// with the line breaks within it escaped. A history that cannot be read or written is one of this session only:
/// nothing here throws.
class History {
 public:
  /// Reads the file, and cuts it to the newest `most` entries.
  explicit History(std::string path, std::size_t most = 10000);

  /// Of the file as it was, and what was added since.
  const std::vector<std::string>& entries() const { return entries_; }

  /// Appends an entry; false when it is kept out: empty, begun with a space, the same as the one before, or
  /// with a secret in it (base/redact.hpp).
  bool add(std::string_view entry);

  /// Why the file cannot be written; nothing when it can.
  const std::optional<std::string>& trouble() const { return trouble_; }

 private:
  void append_entry(std::string_view entry);

  std::string path_;
  std::size_t most_;
  std::vector<std::string> entries_;
  std::optional<std::string> trouble_;
};

}  // namespace opsh::host
