#include "backup/archive.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "backup/fingerprint.hpp"
#include "backup/restoring.hpp"
#include "backup/tool.hpp"
#include "proc/pipes.hpp"
#include "proc/run.hpp"

namespace opsh::backup {
namespace {

constexpr std::size_t longest_list = 256 << 20;

std::string through(int descriptor) {
  return fmt::format("/proc/self/fd/{}", descriptor);
}

/// A file without a name.
Descriptor file_with(const std::string& text) {
  Descriptor file = proc::above_streams(Descriptor{::memfd_create("list", MFD_CLOEXEC)});
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw Error{"backup.restore", fmt::format("cannot keep the list of what is restored: {}", std::strerror(errno))};
  return file;
}

void refuse_elsewhere(const DumpFile& dump, const Program& program, bool chooses) {
  if (!program.elsewhere || (!dump.directory() && !chooses)) return;
  throw Error{"backup.prefix",
              fmt::format("{} runs elsewhere, through tools.prefix, where {} is not", program.name,
                          dump.directory() ? "the directory " + dump.path() : "the list of the tables to restore"),
              "restore it with programs on this machine"};
}

}  // namespace

Archive Archive::open(const std::string& path, const Tools& tools) {
  return {DumpFile::open(path), tools};
}

Archive::Archive(std::shared_ptr<const DumpFile> dump, const Tools& tools)
    : dump_(std::move(dump)), reader_(find_program(tools, "pg_restore")) {
  refuse_elsewhere(*dump_, reader_, false);
  listing_ = read_listing(list({}));
}

std::string Archive::explain_unreadable() const {
  return fmt::format("{} cannot be read by pg_restore {}", dump_->path(), reader_.version);
}

std::string Archive::list(const std::vector<std::string>& more) const {
  std::vector<std::string> arguments{"--list"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  if (dump_->directory()) arguments.push_back(through(dump_->descriptor()));
  proc::Command command = reader_.command(arguments);
  Descriptor again;
  if (dump_->directory()) {
    command.descriptors.push_back(dump_->descriptor());
  } else {
    // The same file with a place of its own to read at.
    again = proc::above_streams(Descriptor{::open(through(dump_->descriptor()).c_str(), O_RDONLY | O_CLOEXEC)});
    if (!again)
      throw Error{"backup.file", fmt::format("cannot read the dump {}: {}", dump_->path(), std::strerror(errno))};
    command.input = proc::Stream::descriptor;
    command.input_descriptor = again.get();
  }
  const proc::Outcome outcome = proc::run(std::move(command), {.output_limit = longest_list});
  if (outcome.stopped == proc::Stopped::interrupt)
    throw Error{"interrupted", "interrupted while looking at " + dump_->path()};
  if (outcome.success()) return outcome.output;
  const std::string words = first_error(outcome.errors);
  Error error{"backup.unreadable",
              fmt::format("{}: {}", explain_unreadable(), words.empty() ? outcome.exit.text() : words),
              words.find("unsupported version") == words.npos
                  ? "it is damaged, or cut off: take another backup"
                  : "a newer pg_dump made it: install the client programs of that version, or name them with "
                    "tools.directory"};
  error.detail = outcome.errors;
  throw error;
}

std::unique_ptr<Work> Archive::hash() const {
  return std::make_unique<Fingerprint>(dump_);
}

std::unique_ptr<Work> Archive::read() const {
  return run_restore(dump_, {.program = reader_,
                             .arguments = {"--file=/dev/null"},
                             .kind = "backup.unreadable",
                             .sentence = explain_unreadable(),
                             .hint = "it is damaged, or cut off: take another backup"});
}

std::unique_ptr<Work> Archive::restore(RestoreOptions options) const {
  if (options.jobs > 1 && !dump_->directory())
    throw Error{"backup.jobs", fmt::format("{} is one file, which is restored by one session", dump_->path()),
                "leave out --jobs, or take the backup with --jobs, which makes a directory"};
  const int server = options.client.major();
  RestoreRun run{.program = find_program(options.tools, "pg_restore", server ? std::optional{server} : std::nullopt),
                 .arguments = {"--exit-on-error"},
                 .client = std::move(options.client),
                 .whole = options.tables.empty(),
                 .kind = "backup.restore",
                 .sentence = fmt::format("{} cannot be restored", dump_->path())};
  refuse_elsewhere(*dump_, run.program, !options.tables.empty());
  for (const auto& argument : run.client->arguments()) run.arguments.push_back(argument);
  if (options.jobs > 1)
    run.arguments.push_back(fmt::format("--jobs={}", options.jobs));
  else
    run.arguments.push_back("--single-transaction");
  if (!options.owner) run.arguments.push_back("--no-owner");
  if (!options.privileges) run.arguments.push_back("--no-privileges");
  if (!options.tables.empty()) {
    run.list = file_with(choose_tables(list({"--section=pre-data"}), list({"--section=data"}),
                                       list({"--section=post-data"}), options.tables));
    run.arguments.push_back("--use-list=" + through(run.list.get()));
  }
  return run_restore(dump_, std::move(run));
}

}  // namespace opsh::backup
