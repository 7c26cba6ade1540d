#include "backup/feed.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <utility>

namespace opsh::backup {
namespace {

constexpr std::size_t piece = 256 << 10;

}  // namespace

Feed::Feed(std::shared_ptr<const DumpFile> dump) : dump_(std::move(dump)), pipe_(proc::make_pipe()), buffer_(piece) {
  proc::set_nonblocking(pipe_.write.get());
  // As much as anybody may have: what the program takes in the moment until we look again should not be all of it.
  ::fcntl(pipe_.write.get(), F_SETPIPE_SZ, 1 << 20);
}

bool Feed::read() {
  const std::size_t count = dump_->read(buffer_, at_);
  pending_ = {buffer_.data(), count};
  sha256_.add(pending_);
  at_ += count;
  return count > 0;
}

int Feed::in_pipe() const {
  int count = 0;
  ::ioctl(pipe_.read.get(), FIONREAD, &count);
  return count;
}

Feed::Next Feed::push() {
  if (!pipe_.write) return Next::finished;
  if (pending_.empty() && !read()) {
    pipe_.write.reset();
    return Next::finished;
  }
  std::size_t count = pending_.size();
  if (at_ >= dump_->size() && --count == 0) {
    if (in_pipe() > 0) return Next::later;
    count = 1;
  }
  const std::size_t written = proc::write_available(pipe_.write.get(), pending_.substr(0, count));
  pending_.remove_prefix(written);
  return written > 0 ? Next::more : Next::later;
}

bool Feed::left() const {
  return !pending_.empty() || at_ < dump_->size() || in_pipe() > 0;
}

bool Feed::skip() {
  return read();
}

}  // namespace opsh::backup
