#include "audit/log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <thread>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "digest/sha256.hpp"
#include "json/writer.hpp"

namespace opsh::audit {
namespace {

constexpr std::string_view torn_line = "torn line";

std::string failure_text(std::string_view attempt, const std::filesystem::path& path) {
  return fmt::format("the audit log cannot be {}: {}: {}", attempt, path.string(), std::strerror(errno));
}

Error broken(const std::filesystem::path& path, const std::string& run, std::string_view why) {
  return Error{"audit.broken",
               fmt::format("the audit log of run {} is not what was written: {} ({})", run, why, path.string()),
               "see opsh audit verify " + run +
                   "; if the run went on on another machine, append the file from there to this one. Where that is "
                   "lost, move this one away: then the log goes on from the database, and says so"};
}

/// Holds the file's lock. A process that was stopped while it appends would hold it for ever: the wait ends.
class Lock {
 public:
  Lock(int file, const std::filesystem::path& path) : file_(file) {
    for (Deadline deadline = Deadline::in(Seconds{10}); ::flock(file_, LOCK_EX | LOCK_NB) != 0;) {
      if ((errno != EWOULDBLOCK && errno != EINTR) || deadline.passed())
        throw Error{"audit.write", failure_text("locked", path), "another opsh may be working on this run"};
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { ::flock(file_, LOCK_UN); }

 private:
  int file_;
};

/// The wall clock as UTC, "2026-11-21T02:15:30.123Z".
std::string now() {
  timespec at{};
  ::clock_gettime(CLOCK_REALTIME, &at);
  std::tm parts{};
  ::gmtime_r(&at.tv_sec, &parts);
  std::array<char, 32> text{};
  std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", std::string_view{text.data(), length}, at.tv_nsec / 1'000'000);
}

std::string json_object(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
  std::string out;
  json::Writer writer{out};
  writer.begin_object();
  for (const auto& [key, value] : members) {
    writer.key(key);
    writer.string(value);
  }
  writer.end_object();
  return out;
}

bool write_whole(int file, std::string_view bytes) {
  ssize_t count = 0;
  do count = ::write(file, bytes.data(), bytes.size());
  while (count < 0 && errno == EINTR);
  if (count >= 0 && static_cast<std::size_t>(count) < bytes.size()) errno = ENOSPC;
  return count == static_cast<ssize_t>(bytes.size());
}

/// A new name lasts through a crash once its directory is synced. Some file systems cannot sync one, and say EINVAL.
bool sync_directory(const std::filesystem::path& path) {
  Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return directory && (::fsync(directory.get()) == 0 || errno == EINVAL);
}

}  // namespace

Log::Log(const std::filesystem::path& path, Owner owner, const std::optional<Head>& recorded)
    : path_(std::filesystem::absolute(path)), owner_(std::move(owner)) {
  constexpr int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
  file_ = Descriptor{::open(path_.c_str(), flags)};
  if (!file_ && errno == ENOENT) {
    file_ = Descriptor{::open(path_.c_str(), flags | O_CREAT, 0600)};
    // The run's folder is new as well.
    if (file_ && !(sync_directory(path_.parent_path()) && sync_directory(path_.parent_path().parent_path())))
      throw failure("written");
  }
  if (!file_) throw failure("opened");
  Lock lock{file_.get(), path_};
  std::string content = unread();
  bool has_entry = content.find('\n') != std::string::npos;
  if (!has_entry && recorded && recorded->entries > 0)
    go_on_from(*recorded, content);
  else
    catch_up({owner_.run, std::nullopt, recorded});
}

void Log::go_on_from(const Head& recorded, std::string_view torn) {
  head_ = recorded;
  std::string details = torn.empty() ? "" : move_aside(torn);
  write(continued, json_object({{"host", owner_.host}}));
  if (!torn.empty()) write(torn_line, details);
}

const Head& Log::append(std::string_view event, std::string details) {
  Lock lock{file_.get(), path_};
  catch_up({owner_.run, head_, std::nullopt});
  write(event, std::move(details));
  return head_;
}

/// Verifies what is in the file behind the part that was verified before, and takes it for the chain's own.
void Log::catch_up(const Expected& expected) {
  std::string text = unread();
  if (text.empty()) return;
  Verdict verdict = verify(text, expected);
  bool torn = verdict.problem && verdict.problem->damage == Damage::torn;
  if (verdict.problem && !torn) throw broken(path_, owner_.run, verdict.problem->message);
  head_ = verdict.head;
  end_ += verdict.bytes;
  if (torn) write(torn_line, move_aside(std::string_view{text}.substr(verdict.bytes)));
}

std::string Log::unread() const {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) throw failure("read");
  if (status.st_nlink == 0) {
    errno = ENOENT;
    throw failure("written");
  }
  auto size = static_cast<std::size_t>(status.st_size);
  if (size < end_) throw broken(path_, owner_.run, "it is shorter than it was");
  std::string text(size - end_, '\0');
  for (std::size_t done = 0; done < text.size();) {
    ssize_t count = ::pread(file_.get(), text.data() + done, text.size() - done, static_cast<off_t>(end_ + done));
    if (count == 0 || (count < 0 && errno != EINTR)) throw failure("read");
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  return text;
}

/// Moves what stands at the end of the file into one of its own; returns the details of the entry that tells of it. The
/// copy is on the disk before the original goes, so that a crash in between loses nothing.
std::string Log::move_aside(std::string_view torn) {
  std::filesystem::path kept;
  Descriptor copy;
  for (int number = 1; !copy; ++number) {
    kept = path_;
    kept += fmt::format(".torn-{}", number);
    copy = Descriptor{::open(kept.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!copy && errno != EEXIST) throw failure("mended");
  }
  if (!write_whole(copy.get(), torn) || ::fdatasync(copy.get()) != 0 || !sync_directory(path_.parent_path()) ||
      ::ftruncate(file_.get(), static_cast<off_t>(end_)) != 0)
    throw failure("mended");
  return json_object({{"kept", kept.filename().string()}, {"sha256", digest::sha256_hex(torn)}});
}

void Log::write(std::string_view event, std::string details) {
  std::string line = seal({head_.entries + 1, now(), owner_.run, std::string{event}, std::move(details), head_.sha256});
  auto sealed = read(line);
  if (!sealed || !sealed->intact) throw Error{"internal", "an entry of the audit log would not be one"};
  line += '\n';
  if (!write_whole(file_.get(), line) || ::fdatasync(file_.get()) != 0) {
    Error error = failure("written");
    // What stays when this fails too is a torn line, or an entry of something that was not done.
    [[maybe_unused]] int ignored = ::ftruncate(file_.get(), static_cast<off_t>(end_));
    throw error;
  }
  end_ += line.size();
  head_ = {sealed->sequence, std::move(sealed->sha256)};
}

Error Log::failure(std::string_view attempt) const {
  bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return Error{"audit.write", failure_text(attempt, path_),
               full ? "make room there: without its audit log nothing is applied"
                    : "let this user write there: without its audit log nothing is applied"};
}

}  // namespace opsh::audit
