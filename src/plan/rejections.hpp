#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/spool.hpp"

namespace opsh::plan {

/// A row of a plan that is not worked on and that somebody has to look at.
struct Rejection {
  std::vector<std::string> key;  ///< its columns' values, as the server writes them
  std::string label;
  std::string reason;  ///< empty when the classifier gave none
};

/// Writes a plan's rejections into a file of their own, which is there only when there are any. Errors: those of
/// SpoolWriter.
class RejectionWriter {
 public:
  explicit RejectionWriter(std::filesystem::path path) : path_(std::move(path)) {}

  void append(std::span<const Field> key, std::string_view label, std::string_view reason);
  void finish();

 private:
  std::filesystem::path path_;
  std::optional<SpoolWriter> writer_;
  std::vector<Field> fields_;
};

/// Reads them, in the order of the key. Errors: those of Spool and SpoolReader.
class RejectionReader {
 public:
  /// Of no file there are none.
  explicit RejectionReader(const std::filesystem::path& path);

  /// At most `most` of those that follow; none after the last.
  std::vector<Rejection> take(std::size_t most);

 private:
  std::optional<SpoolReader> reader_;
};

}  // namespace opsh::plan
