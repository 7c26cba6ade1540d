#include "backup/fingerprint.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/interrupt.hpp"

namespace opsh::backup {
namespace {

constexpr std::size_t piece = 256 << 10;

}  // namespace

Fingerprint::Fingerprint(std::shared_ptr<const DumpFile> dump) : dump_(std::move(dump)), buffer_(piece) {
  if (dump_->directory()) {
    left_ = dump_->names();
    left_ = {left_.rbegin(), left_.rend()};
  } else {
    file_ = dump_;
  }
}

bool Fingerprint::advance(Deadline deadline) {
  while (file_ || next()) {
    if (interrupt::heeded()) throw Error{"interrupted", "interrupted while reading " + dump_->path()};
    const std::size_t count = file_->read(buffer_, at_);
    of_file_.add({buffer_.data(), count});
    at_ += count;
    bytes_ += count;
    if (count == 0) end_file();
    if (deadline.passed()) return false;
  }
  if (dump_->directory()) sha256_ = of_lines_.hex();
  dump_->require_unchanged();
  return true;
}

bool Fingerprint::next() {
  if (left_.empty()) return false;
  name_ = std::move(left_.back());
  left_.pop_back();
  file_ = dump_->open_below(name_);
  of_file_ = digest::Sha256{};
  at_ = 0;
  return true;
}

void Fingerprint::end_file() {
  if (file_ != dump_) file_->require_unchanged();
  sha256_ = of_file_.hex();
  of_lines_.add(fmt::format("{} {} {}\n", name_, at_, sha256_));
  file_.reset();
}

}  // namespace opsh::backup
