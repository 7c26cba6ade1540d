--- Databases for tests: one throw-away server a process, a fresh database each time. What they do goes through psql or
--- a read session, never through the batches that are tested.
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local native_db = require("opsh.native.db")
local place = require("opsh.host.test.place")
local proc = require("opsh.native.proc")
require("opsh.host.runbook.rows")
local rows = require("opsh.host.test.rows")
local sandbox = require("opsh.native.sandbox")
local system = require("opsh.native.system")

local M = {}

-- Statements that give the content of one table or sequence, as name and text. The ledger is not the user's data.
local content_of = [[
  select format('select %1$L as name, ' || case c.relkind
                  when 'S' then 'last_value::text || '' '' || is_called::text'
                  else 'count(*)::text || '' rows, ''
                        || coalesce(sum(hashtextextended((x.*)::text, 0)::numeric), 0)::text'
                end || ' as content from %2$s as x',
           c.oid::regclass, format('%I.%I', n.nspname, c.relname)) as statement
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm', 'S') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'opsh')
  order by n.nspname, c.relname]]
local statements_at_once = 50

-- Nothing here lives long enough for a compiled expression to pay, or for a vacuum to find something: each database is
-- another one for autovacuum to look at. Fixtures say ANALYZE themselves.
local function short_lived(settings)
  settings.jit, settings.autovacuum = "off", "off"
  return { settings = settings }
end

-- A server that is not known as a throw-away one: for what opsh asks of those that somebody would miss.
local kinds = { usual = short_lived({}), production = short_lived({ cluster_name = "production" }) }

local servers, client = {}, nil
local templates, prepared, count = {}, {}, 0

local function running(kind)
  servers[kind] = servers[kind] or sandbox.start(kinds[kind])
  return servers[kind]
end

local function new_name(kind)
  count = count + 1
  return ("%s_%d"):format(kind, count)
end

--- psql of the server's own release: what stands in PATH may be a wrapper that starts an interpreter first.
local function psql()
  if not client then
    local reader = native_db.host_reader({ conninfo = running("usual"):conninfo() })
    local folder = reader:read("select setting from pg_catalog.pg_config where name = 'BINDIR'")[1].setting
    reader:close()
    client = system.file_kind(folder .. "/psql") and folder .. "/psql" or "psql"
  end
  return client
end

local function run_psql(conninfo, given)
  local argv =
    { psql(), "-X", "-q", "-A", "-t", "-w", "-d", conninfo, "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose" }
  for name, value in pairs(given.variables or {}) do
    argv[#argv + 1] = "-v"
    argv[#argv + 1] = name .. "=" .. tostring(value)
  end
  if given.file then
    argv[#argv + 1] = "-f"
    argv[#argv + 1] = place.beside(given.file)
  end
  local result = proc.run({
    argv = argv,
    input = given.sql,
    timeout = 120,
    environment = { PGOPTIONS = "-c client_min_messages=error" },
  })
  if result.stopped == "interrupt" then errors.raise("interrupted", "interrupted while psql ran") end
  if result.exit ~= 0 then errors.raise("test.psql", ("psql: %s"):format(result.text), nil, nil, result.errors) end
  return result.output
end

local function load_files(conninfo, files, variables)
  for _, path in ipairs(files) do
    sandbox.load(conninfo, path, variables)
  end
end

--- The name of a database that `make` made the first time.
local function kept(known, key, make)
  known[key] = known[key] or make()
  return known[key]
end

--- The name of a database that holds these files' content and to which nobody connects; made once for what loads the
--- same. Nothing when that cannot be told.
local function template(kind, files, variables)
  local keys = { kind }
  for at, path in ipairs(files) do
    keys[at + 1] = sandbox.content_key(path, variables)
    if not keys[at + 1] then return nil end
  end
  return kept(templates, table.concat(keys, " "), function()
    local name = new_name("loaded")
    load_files(running(kind):create_database(name), files, variables)
    return name
  end)
end

local Database = {}
Database.__index = Database

--- What `work` gives, which gets a reader in a snapshot of its own.
local function read_from(database, work)
  local reader = native_db.host_reader({ conninfo = database.conninfo })
  local ok, found = host.protect(work, reader)
  reader:close()
  if not ok then error(found, 0) end
  return found
end

--- All rows of a query, read in a snapshot of its own.
function Database:query(sql, ...)
  local values = { n = select("#", ...), ... }
  return read_from(self, function(reader) return reader:read(sql, values) end)
end

--- The only value of the only row.
function Database:value(sql, ...)
  local found = self:query(sql, ...)
  local columns = require("opsh.host.runbook.rows").columns(found)
  if #found ~= 1 or #columns ~= 1 then
    errors.raise(
      "test.failed",
      ("value wants one row with one column; the query gave %s with %s"):format(
        counted(#found, "row"),
        counted(#columns, "column")
      )
    )
  end
  return found[1][columns[1]]
end

--- Runs statements with psql, each committed by itself; stops at the first that fails.
function Database:execute(sql) return run_psql(self.conninfo, { sql = sql }) end

--- Runs a file with psql; returns what it printed, a line a row, columns separated by |.
function Database:run_file(file, variables) return run_psql(self.conninfo, { file = file, variables = variables }) end

--- What is in every table and sequence outside the catalogs and the ledger, by name: equal means that nothing changed.
function Database:checksum()
  return read_from(self, function(reader)
    local statements, sums = {}, {}
    for at, row in ipairs(reader:read(content_of)) do
      statements[at] = row.statement
    end
    for at = 1, #statements, statements_at_once do
      local some = table.concat(statements, " union all ", at, math.min(at + statements_at_once - 1, #statements))
      for _, row in ipairs(reader:read(some)) do
        sums[row.name] = row.content
      end
    end
    return sums
  end)
end

local function new_database(server, name, original)
  local conninfo = original and server:create_database(name, original) or server:create_database(name)
  return setmetatable({ name = name, server = server, conninfo = conninfo }, Database)
end

--- The name of a copy of a template on which `work` was called; made once for the same two.
local function prepared_template(server, original, work)
  prepared[work] = prepared[work] or {}
  return kept(prepared[work], original, function()
    local made = new_database(server, new_name("prepared"), original)
    work(made)
    return made.name
  end)
end

--- Another database with the content that this one has now, there until `drop`. Nobody may be connected to this one.
function Database:copy() return new_database(self.server, new_name("copy"), self.name) end

function Database:drop() self.server:drop_database(self.name) end

--- A database that is there until `drop`, or until all tests are over: for what several tests look at.
--- `prepare` gets the database once the files are loaded. Like them it is run once for the same files, variables and
--- function: what it left is what each test gets.
---@param options? opsh.test.DatabaseOptions
function M.lasting(options)
  options = options or {}
  local kind = options.production and "production" or "usual"
  local server = running(kind)
  local files, variables = {}, {}
  for at, file in ipairs(options.files or {}) do
    files[at] = place.beside(file)
  end
  for name, value in pairs(options.variables or {}) do
    variables[name] = tostring(value)
  end
  local loaded = #files > 0 and template(kind, files, variables)
  if loaded and options.prepare then loaded = prepared_template(server, loaded, options.prepare) end
  local made = new_database(server, new_name("test"), loaded or nil)
  if not loaded then
    load_files(made.conninfo, files, variables)
    if options.prepare then options.prepare(made) end
  end
  if options.sql then made:execute(options.sql) end
  if options.rows then made:execute(rows.statement(options.rows)) end
  return made
end

--- A fresh database, dropped after the test.
function M.fresh(options)
  local made = M.lasting(options)
  place.at_end(function() made:drop() end)
  return made
end

--- Stops the server; it takes its databases with it.
function M.stop()
  for _, server in pairs(servers) do
    server:stop()
  end
  servers, templates, prepared = {}, {}, {}
end

return M
