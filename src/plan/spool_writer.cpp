#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "plan/spool.hpp"
#include "plan/spool_format.hpp"

namespace opsh::plan {
namespace {

using namespace spool_format;

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

bool is_full(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

}  // namespace

SpoolWriter::SpoolWriter(std::filesystem::path path) : path_(std::move(path)), part_(path_) {
  part_ += ".part";
  // What a killed run left here may have another owner or mode, or be a link: never written into.
  ::unlink(part_.c_str());
  file_ = Descriptor{::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file_) fail(errno, "made");
  buffer_.reserve(buffer_bytes + (buffer_bytes >> 2));
  buffer_ = magic;
}

SpoolWriter::~SpoolWriter() {
  remove();
}

void SpoolWriter::append(std::span<const Field> row) {
  if (rows_ == 0) width_ = row.size();
  if (row.size() != width_) {
    throw Error{"spool.columns",
                fmt::format("row {} has {} fields, the rows before it have {}", rows_, row.size(), width_)};
  }
  std::size_t length = row.size() * sizeof(std::uint32_t);
  for (const Field& field : row) length += field ? field->size() : 0;
  if (length > std::numeric_limits<std::uint32_t>::max() - record_head) {
    throw Error{"spool.columns", fmt::format("row {} has {} bytes, a row may have 4 GiB", rows_, length),
                "leave large columns out of the plan, and read them in apply"};
  }
  if (rows_ % rows_per_index_entry == 0) index_.push_back(written_ + buffer_.size());

  const std::size_t begin = buffer_.size();
  buffer_.resize(begin + record_head + length);
  char* out = buffer_.data() + begin + record_head;
  for (const Field& field : row) {
    const auto size = field ? static_cast<std::uint32_t>(field->size()) : null_length;
    std::memcpy(out, &size, sizeof size);
    out += sizeof size;
    if (!field || field->empty()) continue;
    std::memcpy(out, field->data(), field->size());
    out += field->size();
  }
  const auto body_length = static_cast<std::uint32_t>(length);
  const auto checksum = record_checksum({buffer_.data() + begin + record_head, length}, rows_);
  std::memcpy(buffer_.data() + begin, &body_length, sizeof body_length);
  std::memcpy(buffer_.data() + begin + sizeof body_length, &checksum, sizeof checksum);
  ++rows_;
  if (buffer_.size() >= buffer_bytes) write_out();
}

void SpoolWriter::finish(std::span<const Column> columns) {
  if (rows_ > 0 && columns.size() != width_) {
    throw Error{"spool.columns", fmt::format("the rows have {} fields, {} columns were named", width_, columns.size())};
  }
  std::string footer;
  put(footer, static_cast<std::uint32_t>(columns.size()));
  for (const Column& column : columns) {
    put_text(footer, column.name);
    put(footer, std::uint32_t{column.type});
    put(footer, std::uint32_t{column.array_type});
    put_text(footer, column.type_name);
  }
  put(footer, static_cast<std::uint64_t>(index_.size()));
  for (const std::uint64_t offset : index_) put(footer, offset);

  Trailer trailer;
  trailer.footer_begin = written_ + buffer_.size();
  trailer.footer_length = footer.size();
  trailer.rows = rows_;
  trailer.footer_checksum = digest::crc32c(footer);
  trailer.checksum = trailer_checksum(trailer);
  std::memcpy(trailer.magic, magic.data(), magic.size());
  buffer_ += footer;
  put(buffer_, trailer);
  write_out();
  if (::fsync(file_.get()) != 0) fail(errno, "written to disk");
  if (::rename(part_.c_str(), path_.c_str()) != 0) fail(errno, "renamed");
  file_.reset();
  // The name is on disk when the directory is. Where it cannot be opened for that, the rows still are.
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path{"."};
  const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory) ::fsync(directory.get());
}

void SpoolWriter::write_out() {
  if (!file_) throw Error{"spool.write", fmt::format("the spool {} is closed", path_.string())};
  for (std::size_t done = 0; done < buffer_.size();) {
    const auto count = ::write(file_.get(), buffer_.data() + done, buffer_.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno, "written");
    done += static_cast<std::size_t>(count);
    written_ += static_cast<std::uint64_t>(count);
  }
  buffer_.clear();
}

void SpoolWriter::remove() noexcept {
  if (!file_) return;
  ::unlink(part_.c_str());
  file_.reset();
}

void SpoolWriter::fail(int error, const char* doing) {
  remove();
  const auto what = fmt::format("the plan's rows cannot be {}: {}: {} (at row {}, {:.1f} MiB written)", doing,
                                path_.string(), std::strerror(error), rows_, static_cast<double>(written_) / (1 << 20));
  if (is_full(error)) {
    throw Error{"spool.full", what, "free some space there, or set the state directory to another disk"};
  }
  throw Error{"spool.write", what, "make the directory writable, or set the state directory elsewhere"};
}

}  // namespace opsh::plan
