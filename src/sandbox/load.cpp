#include "sandbox/load.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <memory>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "proc/run.hpp"
#include "sandbox/binaries.hpp"

namespace opsh::sandbox {
namespace {

namespace fs = std::filesystem;

/// Everybody on the machine can read the arguments of a process.
void refuse_password(const std::string& conninfo) {
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options{PQconninfoParse(conninfo.c_str(), nullptr),
                                                                       &PQconninfoFree};
  bool secret = !options;
  for (auto option = options.get(); option && option->keyword; ++option)
    if (std::string_view{option->dispchar} == "*" && option->val && *option->val) secret = true;
  if (secret)
    throw Error{"sandbox.load", "this connection string cannot be given to psql: it holds a password or cannot be read",
                "use a sandbox, which needs no password, or a passfile"};
}

void check_file(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored))
    throw Error{"sandbox.no_file", fmt::format("there is no file {}", file.string()), "check the path"};
  if (fs::is_directory(file, ignored) || ::access(file.c_str(), R_OK) != 0)
    throw Error{"sandbox.no_file", fmt::format("{} is not a file that can be read", file.string()),
                "give an SQL file that this user may read"};
}

std::string_view take_line(std::string_view& text) {
  auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

bool is_sqlstate(std::string_view word) {
  if (word.size() < 6 || word[5] != ':') return false;
  for (char letter : word.substr(0, 5))
    if (!std::isupper(static_cast<unsigned char>(letter)) && !std::isdigit(static_cast<unsigned char>(letter)))
      return false;
  return true;
}

/// Takes "psql:FILE:LINE: ERROR:  SQLSTATE: message" apart, also without file and line, and "error: " of psql's own.
bool read_headline(std::string_view line, Error& error) {
  for (std::string_view severity : {"ERROR:  ", "FATAL:  ", "PANIC:  ", "error: ", "fatal: "}) {
    auto at = line.find(severity);
    if (!line.starts_with("psql:") || at == std::string_view::npos) continue;
    std::string_view place = line.substr(0, at);
    place.remove_prefix(std::string_view{"psql:"}.size());
    while (place.ends_with(' ') || place.ends_with(':')) place.remove_suffix(1);
    std::string_view message = line.substr(at + severity.size());
    if (is_sqlstate(message)) {
      error.sqlstate = message.substr(0, 5);
      message.remove_prefix(std::string_view{"00000: "}.size());
    }
    error.where = place;
    error.message = message;
    return true;
  }
  return false;
}

/// The lines under the headline, as psql writes them with VERBOSITY verbose.
void read_fields(std::string_view text, Error& error) {
  std::string* field = &error.message;
  std::string ignored;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (line.starts_with("psql:")) return;
    auto label = line.substr(0, line.find(":  "));
    if (line.starts_with("LINE ")) {
      field = &error.excerpt;
    } else if (label == "HINT") {
      field = &error.hint;
      line.remove_prefix(label.size() + 3);
    } else if (label == "DETAIL" || label == "CONTEXT") {
      field = &error.detail;
    } else if (label == "QUERY" || label == "LOCATION" || label.ends_with(" NAME")) {
      field = &ignored;
    }
    if (!field->empty()) *field += "\n";
    *field += line;
  }
}

Error load_error(const std::string& file, const proc::Outcome& outcome) {
  Error error{"sandbox.load", ""};
  std::string_view text = outcome.errors;
  bool found = false;
  while (!found && !text.empty()) found = read_headline(take_line(text), error);
  if (found)
    read_fields(text, error);
  else
    error.message = outcome.exit.text() + " of psql: " + outcome.errors;
  error.message = fmt::format("cannot load {}: {}", file, error.message);
  return error;
}

}  // namespace

void load(const std::string& conninfo, const Content& content) {
  refuse_password(conninfo);
  check_file(content.file);
  std::string name = content.file.string() == "-" ? "./-" : content.file.string();
  std::vector<std::string> argv{find_psql(find_binaries().directory), "-X", "-q", "-w", "-d", conninfo, "-f", name};
  std::map<std::string, std::string> settings = content.variables;
  settings.insert({{"ON_ERROR_STOP", "1"}, {"VERBOSITY", "verbose"}});
  for (const auto& [variable, value] : settings) {
    argv.push_back("-v");
    argv.push_back(variable + "=" + value);
  }

  proc::Command command{.argv = argv, .output = proc::Stream::none, .death_signal = SIGTERM};
  // English, because the messages are read here.
  command.environment.set = {{"LC_ALL", "C.UTF-8"}, {"PGOPTIONS", "-c client_min_messages=error"}};
  auto outcome = proc::run(std::move(command), {.errors_limit = 16 << 20});
  if (outcome.stopped == proc::Stopped::interrupt) throw Error{"interrupted", "interrupted while loading " + name};
  if (!outcome.success()) throw load_error(name, outcome);
}

}  // namespace opsh::sandbox
