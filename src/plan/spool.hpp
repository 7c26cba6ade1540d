#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.hpp"

namespace opsh::plan {

/// A column of a plan, as the server describes it.
struct Column {
  std::string name;
  unsigned type = 0;        ///< oid of the type
  unsigned array_type = 0;  ///< oid of its array type, 0 when there is none
  std::string type_name;    ///< as format_type prints it
};

/// A value as the server's own text; nullopt is NULL. A view.
using Field = std::optional<std::string_view>;

/// Writes the rows of a plan into a file, once, in the order given. Memory does not grow with the rows but for 8 bytes
/// in each 1024.
///
/// The rows go to `path` + ".part" (mode 0600); finish() makes it `path`, on disk. A writer that is destroyed
/// unfinished removes its file. Errors: "spool.full" (no space, quota or file-size limit) and "spool.write", which name
/// the file and how much was written; after one the file is gone and only the destructor may be called.
class SpoolWriter {
 public:
  explicit SpoolWriter(std::filesystem::path path);
  SpoolWriter(const SpoolWriter&) = delete;
  SpoolWriter& operator=(const SpoolWriter&) = delete;
  ~SpoolWriter();

  /// Every row has the same number of fields. Error: "spool.columns".
  void append(std::span<const Field> row);

  /// `columns` are as many as the fields of a row. Error: "spool.columns".
  void finish(std::span<const Column> columns);

  std::uint64_t rows() const { return rows_; }

 private:
  void write_out();
  void remove() noexcept;
  [[noreturn]] void fail(int error, const char* doing);

  std::filesystem::path path_;
  std::filesystem::path part_;
  Descriptor file_;
  std::string buffer_;
  std::uint64_t written_ = 0;  // bytes that are in the file
  std::uint64_t rows_ = 0;
  std::size_t width_ = 0;
  std::vector<std::uint64_t> index_;  // where each 1024th row begins
};

/// A finished file of rows, open. Copies share it; the file may be removed while it is open.
class Spool {
 public:
  /// Errors: "spool.damaged" when it is truncated, changed or something else; "spool.read" when it cannot be opened.
  static Spool open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_->path; }
  const std::vector<Column>& columns() const { return file_->columns; }
  std::uint64_t rows() const { return file_->rows; }

 private:
  friend class SpoolReader;
  struct File {
    std::filesystem::path path;
    Descriptor descriptor;
    std::vector<Column> columns;
    std::uint64_t rows = 0;
    std::uint64_t end = 0;  // of the rows
    std::vector<std::uint64_t> index;
  };

  explicit Spool(std::shared_ptr<const File> file) : file_(std::move(file)) {}
  std::shared_ptr<const File> file_;
};

/// Reads rows forwards. Keeps the spool open. Errors: "spool.damaged" with the row, "spool.read".
class SpoolReader {
 public:
  /// Begins at `first_row`, from 0; at or past the end there are no rows.
  SpoolReader(const Spool& spool, std::uint64_t first_row);

  /// Fills `fields` with the next row; false after the last. The fields view this reader until the next call.
  bool next(std::vector<Field>& fields);

  /// The number of the row that next() gives next.
  std::uint64_t row() const { return row_; }

 private:
  std::string_view next_record();
  void need(std::size_t bytes);
  [[noreturn]] void damaged(const char* what) const;

  std::shared_ptr<const Spool::File> file_;
  std::uint64_t row_ = 0;
  std::uint64_t next_read_ = 0;  // where in the file the bytes after the buffer begin
  std::string buffer_;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace opsh::plan
