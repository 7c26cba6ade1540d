local text = require("opsh.native.text")
local words = require("opsh.host.repl.words")

local sql = [[
  select pg_catalog.current_database()::pg_catalog.text as database, current_user::pg_catalog.text as "user",
         session_user::pg_catalog.text as login, pg_catalog.pg_backend_pid() as pid,
         pg_catalog.current_setting('server_version') as version, pg_catalog.pg_is_in_recovery() as standby,
         pg_catalog.current_setting('statement_timeout') as statement_timeout,
         pg_catalog.current_setting('lock_timeout') as lock_timeout,
         coalesce((select s.version || ', ' || s.cipher from pg_catalog.pg_stat_ssl as s
                   where s.pid = pg_catalog.pg_backend_pid() and s.ssl), 'none') as tls]]

return {
  name = "conninfo",
  help = "where this session is: server, database, user, target, limits",
  run = function(bench, rest)
    words.at_most(rest, 0)
    local target = bench.session:place().target
    local found = bench.session:reader():read(sql)[1]
    local lines = {
      { "database", found.database },
      { "user", found.user == found.login and found.user or ("%s, logged in as %s"):format(found.user, found.login) },
      { "target", (target.name or "none of opsh.config.lua") .. (target.protected and ", protected" or "") },
      { "connection", target.described },
      { "server", ("PostgreSQL %s, backend %d"):format(found.version, found.pid) },
      { "role", found.standby and "standby" or "primary" },
      { "TLS", found.tls },
      { "limits", ("statement %s, lock %s"):format(found.statement_timeout, found.lock_timeout) },
      {
        "session",
        bench.writing and ("writes: the transaction of run %s is open"):format(bench.writing.job.id)
          or "read only; no transaction is open between two lines",
      },
    }
    local parts = {}
    for at, line in ipairs(lines) do
      parts[at] = text.pad_right(line[1], 10) .. "  " .. text.printable(line[2]) .. "\n"
    end
    bench.print(table.concat(parts))
  end,
}
