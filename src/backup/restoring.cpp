#include "backup/restoring.hpp"

#include <fmt/format.h>

#include <utility>

#include "backup/feed.hpp"
#include "backup/fingerprint.hpp"
#include "backup/tool.hpp"
#include "base/interrupt.hpp"

namespace opsh::backup {
namespace {

proc::Command command_of(const RestoreRun& run) {
  proc::Command command = run.program.command(run.arguments);
  command.output = proc::Stream::none;
  if (run.client) run.client->enter(command);
  if (run.list) command.descriptors.push_back(run.list.get());
  return command;
}

class FileRestore : public Work {
 public:
  FileRestore(std::shared_ptr<const DumpFile> dump, RestoreRun run)
      : dump_(std::move(dump)), run_(std::move(run)), feed_(dump_), tool_(run_.program, command()) {}

  std::uint64_t bytes() const override { return feed_.bytes(); }

 protected:
  bool advance(Deadline deadline) override {
    do {
      if (!tool_.running()) {
        tool_.require_success(run_.kind, run_.sentence, run_.hint);
        return hash_rest(deadline);
      }
      switch (feed_.push()) {
        case Feed::Next::more:
          tool_.wait(Deadline::in(Seconds{0}));
          break;
        case Feed::Next::later:
          // Not poll(2): that wakes us for each page that the program takes, and then it waits for us.
          tool_.wait(Deadline::in(Seconds{0.001}));
          break;
        case Feed::Next::finished:
          tool_.wait(deadline);
          break;
      }
    } while (!deadline.passed());
    return false;
  }

  Outcome result() override {
    return {.size = feed_.bytes(), .sha256 = feed_.sha256(), .trailing = trailing_, .warnings = tool_.said()};
  }

 private:
  proc::Command command() const {
    proc::Command command = command_of(run_);
    command.input = proc::Stream::descriptor;
    command.input_descriptor = feed_.reader();
    return command;
  }

  bool hash_rest(Deadline deadline) {
    if (!trailing_ && run_.whole && !run_.program.elsewhere) trailing_ = feed_.left();
    while (feed_.skip()) {
      if (interrupt::heeded()) throw Error{"interrupted", "interrupted while reading " + dump_->path()};
      if (deadline.passed()) return false;
    }
    dump_->require_unchanged();
    return true;
  }

  std::shared_ptr<const DumpFile> dump_;
  RestoreRun run_;
  Feed feed_;
  Tool tool_;
  std::optional<bool> trailing_;
};

class DirectoryRestore : public Work {
 public:
  DirectoryRestore(std::shared_ptr<const DumpFile> dump, RestoreRun run)
      : dump_(std::move(dump)), run_(std::move(run)), before_(dump_) {}

  std::uint64_t bytes() const override { return before_.bytes(); }

 protected:
  bool advance(Deadline deadline) override {
    if (!before_.step(deadline)) return false;
    if (!tool_) tool_.emplace(run_.program, command());
    while (tool_->running()) {
      tool_->wait(deadline);
      if (deadline.passed()) return false;
    }
    tool_->require_success(run_.kind, run_.sentence, run_.hint);
    if (!after_) after_.emplace(dump_);
    if (!after_->step(deadline)) return false;
    if (before_.finish().sha256 == after_->finish().sha256) return true;
    throw Error{"backup.changed", fmt::format("{} was written to while it was read", dump_->path()),
                "nothing that was read of it counts; find out who writes there, and take another backup"};
  }

  Outcome result() override {
    Outcome outcome = after_->finish();
    outcome.warnings = tool_->said();
    return outcome;
  }

 private:
  // By its descriptor: whatever becomes of its path, this is the directory that was hashed.
  proc::Command command() const {
    proc::Command command = command_of(run_);
    command.argv.push_back(fmt::format("/proc/self/fd/{}", dump_->descriptor()));
    command.descriptors.push_back(dump_->descriptor());
    return command;
  }

  std::shared_ptr<const DumpFile> dump_;
  RestoreRun run_;
  Fingerprint before_;
  std::optional<Tool> tool_;
  std::optional<Fingerprint> after_;
};

}  // namespace

std::unique_ptr<Work> run_restore(std::shared_ptr<const DumpFile> dump, RestoreRun run) {
  if (dump->directory()) return std::make_unique<DirectoryRestore>(std::move(dump), std::move(run));
  return std::make_unique<FileRestore>(std::move(dump), std::move(run));
}

}  // namespace opsh::backup
