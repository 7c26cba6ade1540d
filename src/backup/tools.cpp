#include "backup/tools.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "proc/run.hpp"

namespace opsh::backup {
namespace {

namespace fs = std::filesystem;

constexpr const char* packages = "/usr/lib/postgresql";

int number_at(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Major versions for which Debian's packages have the program, the newest first.
std::vector<int> packaged(std::string_view name) {
  std::vector<int> majors;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{packages, ignored})
    if (proc::find_program((entry.path() / "bin" / name).string()))
      majors.push_back(number_at(entry.path().filename().string()));
  std::ranges::sort(majors, std::greater{});
  return majors;
}

std::string package_path(int major, std::string_view name) {
  return fmt::format("{}/{}/bin/{}", packages, major, name);
}

std::string find_here(const std::string& asked, std::string_view name, std::optional<int> major) {
  const char* variable = std::getenv("OPSH_PG_BIN");
  const std::string directory = !asked.empty() ? asked : variable ? variable : "";
  if (!directory.empty()) {
    std::string path = (fs::path{directory} / name).string();
    if (proc::find_program(path)) return path;
    throw Error{"backup.tool", fmt::format("there is no {} in {}", name, directory),
                asked.empty() ? "point OPSH_PG_BIN to the programs of PostgreSQL, or unset it"
                              : "point tools.directory to the programs of PostgreSQL"};
  }
  const std::vector<int> found = packaged(name);
  // Before PATH: there, on Debian, is a wrapper in Perl that chooses a version by itself.
  if (!found.empty() && (!major || std::ranges::find(found, *major) != found.end()))
    return package_path(major.value_or(found.front()), name);
  if (auto path = proc::find_program(name)) return path->string();
  if (!found.empty()) return package_path(found.front(), name);
  throw Error{"backup.tool", fmt::format("there is no {}: neither in PATH nor in {}/*/bin", name, packages),
              "install the package postgresql-client, or say where it is: tools.directory in the target"};
}

/// ssh joins its arguments with blanks, and the other side gives them to a shell.
bool goes_through_shell(const std::vector<std::string>& prefix) {
  return std::ranges::any_of(prefix, [](const std::string& word) { return fs::path{word}.filename() == "ssh"; });
}

std::string quoted(const std::string& argument) {
  std::string text = "'";
  for (char c : argument) text += c == '\'' ? "'\\''" : std::string{c};
  return text + "'";
}

/// Where a ticket of Kerberos is, and how ssh, docker and kubectl find what they lead to: paths and names, no secrets.
constexpr const char* of_login[] = {"KRB5CCNAME", "KRB5_CONFIG"};
constexpr const char* of_prefixes[] = {
    "SSH_AUTH_SOCK",     "DOCKER_HOST",  "DOCKER_CONTEXT",       "DOCKER_CONFIG",  "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY", "COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "CONTAINER_HOST", "KUBECONFIG"};

proc::Environment environment(bool elsewhere) {
  proc::Environment environment{.set = {{"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"}}};
  const auto take = [&](const auto& names) {
    for (const char* name : names)
      if (const char* value = std::getenv(name)) environment.set[name] = value;
  };
  take(of_login);
  if (elsewhere) take(of_prefixes);
  return environment;
}

/// "pg_dump (PostgreSQL) 15.18 (Debian ...)", maybe after a banner.
std::string version_in(std::string_view said, std::string_view name) {
  const std::string title = fmt::format("{} (PostgreSQL) ", name);
  auto at = said.find(title);
  if (at == said.npos) return {};
  said.remove_prefix(at + title.size());
  return std::string{said.substr(0, said.find_first_of(" \r\n"))};
}

}  // namespace

proc::Command Program::command(const std::vector<std::string>& arguments) const {
  proc::Command command{.argv = argv, .environment = environment(elsewhere), .death_signal = SIGTERM};
  for (const auto& argument : arguments) command.argv.push_back(through_shell ? quoted(argument) : argument);
  return command;
}

Program find_program(const Tools& tools, std::string_view name, std::optional<int> major) {
  Program program{.name = std::string{name},
                  .argv = tools.prefix,
                  .elsewhere = !tools.prefix.empty(),
                  .through_shell = goes_through_shell(tools.prefix)};
  if (program.elsewhere)
    program.argv.push_back(tools.directory.empty() ? program.name : (fs::path{tools.directory} / name).string());
  else
    program.argv.push_back(find_here(tools.directory, name, major));

  const std::string shown = fmt::format("{}", fmt::join(program.argv, " "));
  proc::Outcome outcome;
  try {
    outcome = proc::run(program.command({"--version"}), {.deadline = Deadline::in(Seconds{60})});
  } catch (const Error& error) {
    throw Error{"backup.tool", error.message, error.hint};
  }
  if (outcome.stopped == proc::Stopped::interrupt) throw Error{"interrupted", "interrupted while looking for " + shown};
  program.version = version_in(outcome.output, name);
  program.major = number_at(program.version);
  if (!outcome.success() || program.major == 0) {
    std::string why = outcome.stopped == proc::Stopped::deadline ? "no answer within 60 s" : outcome.exit.text();
    while (outcome.errors.ends_with('\n')) outcome.errors.pop_back();
    if (!outcome.errors.empty()) why += ": " + outcome.errors;
    throw Error{"backup.tool", fmt::format("{} --version does not say its version: {}", shown, why),
                program.elsewhere ? "try it by hand; tools.prefix in the target is what comes before the program"
                                  : "check the installation of PostgreSQL's client programs"};
  }
  return program;
}

}  // namespace opsh::backup
