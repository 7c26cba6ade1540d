#include "plan/digests.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace opsh::plan {
namespace {

constexpr std::size_t merge_buffer = 512;  // digests a run

bool less(const ItemDigest& left, const ItemDigest& right) {
  return left.key < right.key;
}

}  // namespace

SortedDigests::SortedDigests(std::filesystem::path folder, std::size_t run) : folder_(std::move(folder)), run_(run) {}

void SortedDigests::add(const ItemDigest& digest) {
  if (filling_.size() == run_) write_out();
  filling_.push_back(digest);
}

bool SortedDigests::next(ItemDigest& digest) {
  if (!begun_) begin();
  if (heap_.empty()) return false;
  const auto later = [this](std::size_t left, std::size_t right) { return comes_later(left, right); };
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Run& run = runs_[heap_.back()];
  digest = run.buffer[run.used++];
  if (run.used < run.buffer.size() || refill(run))
    std::push_heap(heap_.begin(), heap_.end(), later);
  else
    heap_.pop_back();
  return true;
}

void SortedDigests::sort_filling() {
  std::sort(filling_.begin(), filling_.end(), less);
}

void SortedDigests::write_out() {
  if (!file_) {
    std::string name = (folder_ / "digests-XXXXXX").string();
    file_ = Descriptor{::mkostemp(name.data(), O_CLOEXEC)};
    if (!file_) fail(errno, "made");
    ::unlink(name.c_str());
  }
  sort_filling();
  const char* bytes = reinterpret_cast<const char*>(filling_.data());
  std::size_t left = filling_.size() * sizeof(ItemDigest);
  while (left > 0) {
    const auto count = ::write(file_.get(), bytes, left);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno, "written");
    bytes += count;
    left -= static_cast<std::size_t>(count);
  }
  Run& run = runs_.emplace_back();
  run.next = written_;
  run.end = written_ += filling_.size();
  filling_.clear();
}

void SortedDigests::begin() {
  begun_ = true;
  sort_filling();
  runs_.emplace_back().buffer = std::move(filling_);
  for (std::size_t at = 0; at < runs_.size(); ++at) {
    if (!runs_[at].buffer.empty() || refill(runs_[at])) heap_.push_back(at);
  }
  std::make_heap(heap_.begin(), heap_.end(),
                 [this](std::size_t left, std::size_t right) { return comes_later(left, right); });
}

/// Reads on; false at the run's end.
bool SortedDigests::refill(Run& run) {
  run.buffer.resize(std::min<std::uint64_t>(merge_buffer, run.end - run.next));
  run.used = 0;
  char* to = reinterpret_cast<char*>(run.buffer.data());
  std::size_t left = run.buffer.size() * sizeof(ItemDigest);
  auto offset = static_cast<off_t>(run.next * sizeof(ItemDigest));
  while (left > 0) {
    const auto count = ::pread(file_.get(), to, left, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(count < 0 ? errno : EIO, "read");
    to += count;
    offset += count;
    left -= static_cast<std::size_t>(count);
  }
  run.next += run.buffer.size();
  return !run.buffer.empty();
}

bool SortedDigests::comes_later(std::size_t left, std::size_t right) const {
  return less(runs_[right].buffer[runs_[right].used], runs_[left].buffer[runs_[left].used]);
}

void SortedDigests::fail(int error, const char* doing) const {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw Error{full ? "spool.full" : "spool.write",
              fmt::format("the file to compare two plans by cannot be {} in {}: {}", doing, folder_.string(),
                          std::strerror(error)),
              full ? "free some space there, or set the state directory to another disk"
                   : "make the directory writable, or set the state directory elsewhere"};
}

}  // namespace opsh::plan
