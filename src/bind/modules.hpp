#pragma once

#include "lua/stack.hpp"

namespace opsh::bind {

// Each registers the module opsh.native.<name>. Those of sessions are in session.hpp, that of JSON in json.hpp.

/// The process and the machine: standard streams, environment, user, clock, sleep, interrupts; files by path.
void open_system(lua_State* L);

/// Text for a terminal: width, padding, escapes, "did you mean".
void open_text(lua_State* L);

/// Regular expressions.
void open_pattern(lua_State* L);

/// Tables, figures and CSV as text.
void open_report(lua_State* L);

/// Report files of items; of the module opsh.native.report as well.
void open_item_report(lua_State* L);

/// What can be said of SQL without a server.
void open_sql(lua_State* L);

/// What a statement looks like from outside.
void open_shape(lua_State* L);

void open_digest(lua_State* L);

/// Exact decimals.
void open_decimal(lua_State* L);

void open_log(lua_State* L);

/// Child processes.
void open_proc(lua_State* L);

/// Requests over HTTP.
void open_http(lua_State* L);

/// What `opsh doctor` wants to know: versions of libraries, programs on this machine, files and free space.
void open_doctor(lua_State* L);

/// Values that nobody may see: where they come from, and that they are hidden.
void open_secrets(lua_State* L);

/// Files that are written a piece at a time.
void open_text_file(lua_State* L);

/// Programs that a person uses: pager and editor with the terminal, psql for what it describes.
void open_programs(lua_State* L);

/// Throw-away PostgreSQL servers.
void open_sandbox(lua_State* L);

/// Dumps: taken, opened, read, restored.
void open_backup(lua_State* L);

/// What a database holds, counted and hashed.
void open_backup_contents(lua_State* L);

/// A database that takes another's place.
void open_restore(lua_State* L);

}  // namespace opsh::bind
