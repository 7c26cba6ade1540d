#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "plan/spool.hpp"
#include "plan/spool_format.hpp"

namespace opsh::plan {
namespace {

using namespace spool_format;

constexpr std::size_t buffer_bytes = std::size_t{256} << 10;

Error damage(const std::filesystem::path& path, std::string_view what) {
  return Error{"spool.damaged", fmt::format("the plan's rows in {} are damaged: {}", path.string(), what),
               "remove the file and plan again"};
}

/// Reads up to `size` bytes at `offset`; fewer at the end of the file.
std::size_t read_at(int file, const std::filesystem::path& path, char* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const auto count = ::pread(file, to + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw Error{"spool.read",
                  fmt::format("the plan's rows cannot be read: {}: {}", path.string(), std::strerror(errno)),
                  "plan again"};
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

/// Takes a footer apart; nothing of it is believed.
class Footer {
 public:
  Footer(std::string_view bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}

  template <class Number>
  Number number() {
    return get<Number>(take(sizeof(Number)).data());
  }
  std::string text() { return std::string{take(number<std::uint32_t>())}; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) throw damage(path_, "the footer is short");
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  const std::filesystem::path& path_;
};

}  // namespace

Spool Spool::open(const std::filesystem::path& path) {
  auto file = std::make_shared<File>();
  file->path = path;
  file->descriptor = Descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (!file->descriptor || ::fstat(file->descriptor.get(), &status) != 0) {
    throw Error{"spool.read",
                fmt::format("the plan's rows cannot be opened: {}: {}", path.string(), std::strerror(errno)),
                "plan again"};
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const int descriptor = file->descriptor.get();
  char head[magic.size()] = {};
  read_at(descriptor, path, head, sizeof head, 0);
  if (std::string_view{head, sizeof head} != magic) throw damage(path, "it is not a file of opsh's plans");

  Trailer trailer;
  if (size < sizeof head + sizeof trailer) throw damage(path, "it is cut off");
  read_at(descriptor, path, reinterpret_cast<char*>(&trailer), sizeof trailer, size - sizeof trailer);
  if (std::string_view{trailer.magic, sizeof trailer.magic} != magic) throw damage(path, "its end is missing");
  const auto room = size - sizeof trailer;
  if (trailer_checksum(trailer) != trailer.checksum || trailer.footer_begin < sizeof head ||
      trailer.footer_begin > room || trailer.footer_length != room - trailer.footer_begin) {
    throw damage(path, "its end was changed");
  }
  std::string bytes(trailer.footer_length, '\0');
  read_at(descriptor, path, bytes.data(), bytes.size(), trailer.footer_begin);
  if (digest::crc32c(bytes) != trailer.footer_checksum) throw damage(path, "its footer was changed");

  Footer footer{bytes, path};
  file->rows = trailer.rows;
  file->end = trailer.footer_begin;
  file->columns.resize(std::min<std::size_t>(footer.number<std::uint32_t>(), bytes.size()));
  for (Column& column : file->columns) {
    column.name = footer.text();
    column.type = footer.number<std::uint32_t>();
    column.array_type = footer.number<std::uint32_t>();
    column.type_name = footer.text();
  }
  file->index.resize(std::min<std::uint64_t>(footer.number<std::uint64_t>(), bytes.size()));
  for (std::uint64_t& offset : file->index) offset = footer.number<std::uint64_t>();
  if (!footer.at_end() || file->index.size() != (file->rows + rows_per_index_entry - 1) / rows_per_index_entry) {
    throw damage(path, "its footer does not add up");
  }
  return Spool{std::move(file)};
}

SpoolReader::SpoolReader(const Spool& spool, std::uint64_t first_row) : file_(spool.file_) {
  buffer_.resize(buffer_bytes);
  if (first_row >= file_->rows) {
    row_ = file_->rows;
    next_read_ = file_->end;
    return;
  }
  const auto entry = first_row / rows_per_index_entry;
  row_ = entry * rows_per_index_entry;
  next_read_ = file_->index[entry];
  if (next_read_ > file_->end) damaged("the index points past the rows");
  while (row_ < first_row) {
    next_record();
    ++row_;
  }
}

bool SpoolReader::next(std::vector<Field>& fields) {
  if (row_ == file_->rows) {
    if (next_read_ - (filled_ - used_) != file_->end) damaged("there are more bytes than rows");
    return false;
  }
  std::string_view body = next_record();
  fields.resize(file_->columns.size());
  for (Field& field : fields) {
    if (body.size() < sizeof(std::uint32_t)) damaged("a field is missing");
    const auto length = get<std::uint32_t>(body.data());
    body.remove_prefix(sizeof length);
    if (length == null_length) {
      field.reset();
      continue;
    }
    if (length > body.size()) damaged("a field is longer than the row");
    field = body.substr(0, length);
    body.remove_prefix(length);
  }
  if (!body.empty()) damaged("the row has more fields than there are columns");
  ++row_;
  return true;
}

/// The body of row row_, checked.
std::string_view SpoolReader::next_record() {
  need(record_head);
  const auto length = get<std::uint32_t>(buffer_.data() + used_);
  const auto checksum = get<std::uint32_t>(buffer_.data() + used_ + sizeof length);
  need(record_head + length);
  const std::string_view body{buffer_.data() + used_ + record_head, length};
  if (record_checksum(body, row_) != checksum) damaged("the checksum is wrong");
  used_ += record_head + length;
  return body;
}

/// Has at least `bytes` unread bytes in the buffer.
void SpoolReader::need(std::size_t bytes) {
  const std::size_t unread = filled_ - used_;
  if (unread >= bytes) return;
  // Checked before the buffer grows: a damaged length must not ask for gigabytes.
  if (bytes - unread > file_->end - next_read_) damaged("the row does not fit into the file");
  std::memmove(buffer_.data(), buffer_.data() + used_, unread);
  used_ = 0;
  filled_ = unread;
  if (buffer_.size() < bytes) buffer_.resize(bytes);
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size() - unread, file_->end - next_read_));
  const auto got = read_at(file_->descriptor.get(), file_->path, buffer_.data() + unread, wanted, next_read_);
  filled_ += got;
  next_read_ += got;
  if (filled_ < bytes) damaged("the file was cut while it was read");
}

void SpoolReader::damaged(const char* what) const {
  throw damage(file_->path, fmt::format("row {}: {}", row_, what));
}

}  // namespace opsh::plan
