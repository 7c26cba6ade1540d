--- Some tables of a backup beside the live ones: how they differ, row by row, and, where that is asked for, copies of
--- them in a schema of their own. Nothing that is there is changed.
local audit = require("opsh.host.runbook.audit")
local comparison = require("opsh.host.backup.comparison")
local errors = require("opsh.host.errors")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local native_backup = require("opsh.native.backup")
local native_db = require("opsh.native.db")
local native_plan = require("opsh.native.plan")
local native_restore = require("opsh.native.restore")
local native_sql = require("opsh.native.sql")
local scratch = require("opsh.host.backup.scratch")
local stages = require("opsh.host.present.stages")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

-- Rows of each kind that are shown.
local shown = 5

--- The columns of a table, by their numbers, and its key; nothing when there is no such table.
local columns_of = [[
  select a.attname::pg_catalog.text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
         a.atttypid >= 16384 as is_own,
         pg_catalog.array_position(k.indkey::pg_catalog.int2[], a.attnum) as place_in_key
  from pg_catalog.pg_attribute as a
  left join pg_catalog.pg_index as k on k.indrelid = a.attrelid and k.indisprimary
  where a.attrelid = pg_catalog.to_regclass($1) and a.attnum > 0 and not a.attisdropped
  order by a.attnum]]

--- The tables that `--tables` names, as the certificate writes them.
local function chosen_of(certificate, names)
  local known, chosen, seen = {}, {}, {}
  for at, entry in ipairs(certificate.tables or {}) do
    known[at] = entry.name
  end
  for word in (names .. ","):gmatch("%s*(.-)%s*,") do
    local name, found = native_sql.qualified(word), {}
    for _, table_name in ipairs(known) do
      if table_name == name or table_name:match("%.(.*)$") == name then found[#found + 1] = table_name end
    end
    if #found ~= 1 then
      local meant = text.nearest(name, known)
      errors.raise(
        "backup.tables",
        #found == 0 and ("the backup has no rows of a table %s"):format(name)
          or ("the backup has several tables %s: %s"):format(name, table.concat(found, ", ")),
        #found == 0 and meant and ("did you mean %s?"):format(meant) or "name the table with its schema"
      )
    end
    if not seen[found[1]] then chosen[#chosen + 1] = found[1] end
    seen[found[1]] = true
  end
  return chosen
end

local function read_session(target)
  local session = native_db.host_reader(target)
  -- Rows that a policy hides would look as if they were gone: that is an error, never a filter.
  session:read("select pg_catalog.set_config('row_security', 'off', false)")
  -- Types are written with their schemas, on both sides alike.
  session:read("select pg_catalog.set_config('search_path', 'pg_catalog', false)")
  return session
end

--- What both sides have in common, and what only one has.
local function common_columns(before, now)
  local there, made = {}, { columns = {}, key = {}, unlike = {} }
  for _, column in ipairs(now) do
    there[column.name] = column
  end
  for _, column in ipairs(before) do
    local live = there[column.name]
    if live and live.type == column.type then
      made.columns[#made.columns + 1] = column
      if column.place_in_key then made.key[column.place_in_key + 1] = column.name end
    elseif live then
      made.unlike[#made.unlike + 1] = ("%s is %s, and was %s"):format(column.name, live.type, column.type)
    else
      made.unlike[#made.unlike + 1] = ("%s is gone"):format(column.name)
    end
    there[column.name] = nil
  end
  for _, column in ipairs(now) do
    if there[column.name] then made.unlike[#made.unlike + 1] = ("%s was not there"):format(column.name) end
  end
  return made
end

local function key_of(columns)
  local key = {}
  for _, column in ipairs(columns) do
    if column.place_in_key then key[column.place_in_key + 1] = column.name end
  end
  return key
end

--- Spools a table in the order of its key.
local function spool(session, name, common, path)
  local list = {}
  for at, column in ipairs(common.columns) do
    local quoted = native_sql.identifier(column.name)
    -- The two databases know a type of their own by different numbers.
    list[at] = column.is_own and ("%s::pg_catalog.text as %s"):format(quoted, quoted) or quoted
  end
  local planner = native_plan.planner(
    session,
    ("select %s from only %s"):format(table.concat(list, ", "), name),
    { n = 0 },
    { key = common.key, spool = path, sample = 0 }
  )
  planner:run()
  planner:finish()
end

--- How a live table differs from the one of the backup.
---@return table difference { name, rows_then, rows_now?, why?, unlike, came, went, changed, first_came, ... }
local function difference_of(job, name, before, now)
  local made = { name = name, unlike = {} }
  local columns_then, columns_now = before:read(columns_of, { n = 1, name }), now:read(columns_of, { n = 1, name })
  made.key = key_of(columns_then)
  local count = ("select pg_catalog.count(*) as rows from only %s"):format(name)
  made.rows_then = before:read(count)[1].rows
  if #columns_now == 0 then
    made.why = "the table is not there any more"
    return made
  end
  made.rows_now = now:read(count)[1].rows
  local common = common_columns(columns_then, columns_now)
  made.unlike = common.unlike
  if #made.key == 0 or #common.key ~= #made.key then
    made.why = #made.key == 0 and "the table has no primary key to tell rows by" or "the key is another one by now"
    return made
  end
  local was, is = job.directory .. "/then.rows", job.directory .. "/now.rows"
  local ok, found = host.protect(function()
    spool(before, name, common, was)
    spool(now, name, common, is)
    return native_plan.compare(was, is, { key = common.key, folder = job.directory, shown = shown })
  end)
  -- Rows of people's tables: gone as soon as they are compared.
  system.remove_tree(was)
  system.remove_tree(is)
  if not ok then
    if found.kind ~= "plan.key" and found.kind ~= "plan.columns" then error(found, 0) end
    made.why = found.message
    return made
  end
  for _, field in ipairs({ "came", "went", "changed", "first_came", "first_went", "first_changed" }) do
    made[field] = found[field]
  end
  return made
end

--- What the copies are called: as their tables, with the schema where two have the same name.
local function copy_names(before, chosen)
  local found = before:read(
    [[
    select c.relname::pg_catalog.text as name,
           (n.nspname || '_' || c.relname)::pg_catalog.name::pg_catalog.text as long,
           pg_catalog.count(*) over (partition by c.relname) as count
    from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as t (name, place)
    join pg_catalog.pg_class as c on c.oid = pg_catalog.to_regclass(t.name)
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace order by t.place]],
    { n = 1, chosen }
  )
  local names = {}
  for at, row in ipairs(found) do
    names[at] = row.count > 1 and row.long or row.name
  end
  return names
end

local function copy(job, place, given, before)
  guards.confirm(place, job.identity, given, ("a new schema %s, and nothing else"):format(job.schema))
  system.make_directory(job.directory)
  local facts = audit.circumstances({
    command = job.command,
    reason = job.reason,
    target = job.target,
    identity = job.identity,
  })
  facts.certificate = { id = job.certificate.id, file = job.dump, sha256 = job.certificate.sha256 }
  facts.tables, facts.schema = job.chosen, job.schema
  local log = audit.open(job.directory, job.id)
  log:append("restore started", facts)
  local names = copy_names(before, job.chosen)
  local ok, err = host.protect(function()
    local copies = native_restore.copies(job.target, job.schema)
    local made, failure = host.protect(function()
      for at, difference in ipairs(job.tables) do
        local stage = stages.stage(job.out, "copying", "copied")
        difference.copied = copies:add(before, difference.name, names[at], difference.key)
        difference.copy = ("%s.%s"):format(job.schema, native_sql.identifier(names[at]))
        stage.done(nil, difference.copy)
      end
      copies:finish()
    end)
    copies:close()
    if not made then error(failure, 0) end
  end)
  if not ok then
    host.protect(function() log:append("restore failed", { error = audit.error_facts(err) }) end)
    if err.kind ~= "in_doubt.copies" then
      err.hint = (err.hint and err.hint ~= "" and err.hint .. "; " or "") .. "nothing was written"
    end
    error(err, 0)
  end
  log:append("restore finished", { schema = job.schema })
  job.outcome = "restored"
end

local function require_equal(job, before)
  local found = native_backup.contents(before, { tables = job.chosen })
  local differences = comparison.compare(job.certificate, found, { tables = job.chosen })
  if #differences == 0 then return end
  errors.raise(
    "backup.not_equal",
    ("what was restored is not what the certificate says: table %s has %s, not %s"):format(
      differences[1].name,
      differences[1].found,
      differences[1].wanted
    ),
    "use another backup"
  )
end

local function in_scratch(job, place, given, tried)
  local archive = native_backup.open(job.dump, job.target.tools)
  local ok, restored = host.protect(function()
    return tried:restore(archive, job.certificate, { tables = job.chosen, jobs = job.jobs }, job.out)
  end)
  archive:close()
  if not ok then error(restored, 0) end
  if restored.sha256 ~= job.certificate.sha256 then
    errors.raise("backup.changed", "the dump is not what its certificate says", "use another backup")
  end
  local before, now = read_session(restored.target), read_session(job.target)
  local done, err = host.protect(function()
    require_equal(job, before)
    for at, name in ipairs(job.chosen) do
      job.tables[at] = difference_of(job, name, before, now)
    end
    if given.apply then copy(job, place, given, before) end
  end)
  before:close()
  now:close()
  if not done then error(err, 0) end
end

--- Restores the tables into a scratch, compares them with the live ones, and with --apply copies them.
---@param job table of commands/restore.lua; gets `tables`, and `schema`
---@param names string of --tables
function M.restore(job, place, given, names)
  job.chosen, job.tables = chosen_of(job.certificate, names), {}
  local day, time, rest = job.id:match("^(%d+)-(%d+)-(%w+)$")
  job.schema = ("opsh_restore_%s_%s_%s"):format(day, time, rest)
  local kept = system.file_kind(job.directory) == "directory"
  system.make_directory(job.directory)
  local tried
  local ok, err = host.protect(function()
    tried = scratch.open({
      version = job.certificate.database.server_version,
      certificate = job.certificate,
      conninfo = given.scratch and given.scratch[1] or (job.target.backup or {}).scratch,
    })
    in_scratch(job, place, given, tried)
  end)
  if tried then tried:close(job.out) end
  -- With a log in it, it stays.
  if not kept and #system.list(job.directory) == 0 then system.remove_tree(job.directory) end
  if not ok then error(err, 0) end
end

return M
