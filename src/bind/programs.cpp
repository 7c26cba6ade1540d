#include <fmt/format.h>

#include "backup/client.hpp"
#include "backup/tools.hpp"
#include "base/error.hpp"
#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "bind/session.hpp"
#include "bind/text_file.hpp"
#include "proc/foreground.hpp"
#include "proc/run.hpp"

namespace opsh::bind {
namespace {

/// foreground(words of the shell, text file or nil) -> exit status. The program has the terminal; a text file is its
/// standard input. $PAGER and $EDITOR are words of the shell by convention: nobody else's text belongs in them.
int foreground(lua_State* L) {
  std::string words = lua::check_string(L, 1);
  proc::Command command;
  if (TextFile* text = lua::Object<TextFile>::test(L, 2)) {
    words += fmt::format(" < /proc/self/fd/{}", text->descriptor());
    command.descriptors.push_back(text->descriptor());
  }
  command.argv = {"/bin/sh", "-c", std::move(words)};
  const proc::Exit exit = proc::run_in_foreground(std::move(command));
  constexpr int shells_add = 128;
  lua_pushnumber(L, exit.signal != 0 ? shells_add + exit.signal : exit.status);
  return 1;
}

/// psql(reader, command, { name = value } for psql's --pset, directory of the programs or nil) -> { output, errors,
/// exit }. A session of its own, as this one connected, on which the server refuses writes.
/// Errors: "backup.tool" when there is no psql.
int psql(lua_State* L) {
  db::Connection& session = lua::Object<ReaderHandle>::check(L, 1).get().connection();
  const backup::Client client = backup::Client::of(session);
  const backup::Program program =
      backup::find_program({.directory = lua::optional_string(L, 4).value_or("")}, "psql", client.major());
  std::vector<std::string> arguments = client.arguments();
  // By statements: what a connection string says of `options` would take the place of PGOPTIONS.
  // Quiet meanwhile only: quiet, psql does not say that there is no such table.
  arguments.insert(arguments.end(),
                   {"--no-psqlrc", "--set=ON_ERROR_STOP=1", "--command=\\set QUIET on",
                    "--command=set session characteristics as transaction read only; set statement_timeout = '60s'",
                    "--command=\\set QUIET off"});
  for (const auto& [name, value] : names_at(L, 3, "settings"))
    arguments.push_back(fmt::format("--pset={}={}", name, value));
  arguments.push_back("--command=" + lua::check_string(L, 2));
  proc::Command command = program.command(arguments);
  client.enter(command);
  command.environment.set["PGAPPNAME"] = "opsh psql";
  const proc::Outcome outcome = proc::run(std::move(command));
  if (outcome.stopped != proc::Stopped::no) throw Error{"interrupted", "interrupted while psql was at work"};
  lua_createtable(L, 0, 3);
  lua::set_field(L, "output", outcome.output);
  lua::set_field(L, "errors", outcome.errors);
  lua::set_field(L, "exit", outcome.exit.signal != 0 ? -1 : outcome.exit.status);
  return 1;
}

}  // namespace

void open_programs(lua_State* L) {
  module(L, "opsh.native.programs", {{"foreground", lua::guarded<foreground>}, {"psql", lua::guarded<psql>}});
}

}  // namespace opsh::bind
