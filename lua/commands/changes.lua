--- `opsh show RUN --changes`: walks through the journal of a run, a chunk at a time.
local changes = require("opsh.host.report.changes")
local changes_text = require("opsh.host.present.changes")
local errors = require("opsh.host.errors")
local ledger = require("opsh.host.runbook.ledger")
local redaction = require("opsh.host.runbook.redaction")
local text = require("opsh.native.text")

local M = {}

--- The options of `opsh show` that are about changes.
M.options = {
  { name = "changes", help = "Show the rows that the run changed, from its journal.", group = "changes" },
  { name = "table", value = "NAME", help = "Only changes of this table.", group = "changes" },
  { name = "key", value = "KEY", help = "Only the row with this key; of several columns: a,b.", group = "changes" },
  { name = "column", value = "NAME", help = "Only updates and deletes of this column.", group = "changes" },
  { name = "reveal", help = "Also show the values of columns that the runbook redacts.", group = "changes" },
  { name = "limit", value = "N", help = "At most this many changes.", group = "changes" },
}

--- Refuses options that say nothing without --changes.
function M.check(given)
  if given.changes then return end
  for _, option in ipairs(M.options) do
    if given[option.name] then
      errors.raise("usage.option", ("--%s needs --changes"):format(option.name), "add --changes")
    end
  end
end

local function limit_of(given)
  local limit = tonumber(given.limit and given.limit[1] or math.huge)
  if not limit or limit < 1 or (limit ~= math.huge and limit ~= math.floor(limit)) then
    errors.raise("usage.value", ("--limit wants a whole number from 1, not %q"):format(given.limit[1]))
  end
  return limit
end

local function require_known(run, names, given, what)
  local known = {}
  for _, row in ipairs(names) do
    local bare = row.name:match("%.(.*)$")
    if row.name == given or bare == given then return end
    known[#known + 1] = row.name
    known[#known + 1] = bare
  end
  local meant = text.nearest(given, known)
  errors.raise(
    "usage.value",
    ("run %s changed no %s %s"):format(run, what, given),
    meant and ("did you mean %s?"):format(meant) or "opsh show " .. run .. " --changes shows all"
  )
end

local function check_names(reader, run, wanted)
  if wanted.table then
    local names = reader:read(
      "select distinct j.table_name as name from opsh.journal as j where j.run = $1",
      { n = 1, run }
    )
    require_known(run, names, wanted.table, "table")
  end
  if wanted.column then
    local names = reader:read(
      "select distinct c.name from opsh.journal as j cross join lateral pg_catalog.unnest(j.names) as c (name) "
        .. "where j.run = $1",
      { n = 1, run }
    )
    require_known(run, names, wanted.column, "column")
  end
end

--- Prints the changes of a run.
function M.show(given, out, reader, id)
  local run = ledger.run(reader, id)
  local limit = limit_of(given)
  local function first(name) return given[name] and given[name][1] end
  local wanted = { table = first("table"), key = first("key"), column = first("column") }
  local hidden = given.reveal and {} or redaction.of_run(reader, run.id)
  local printer = (out.json and changes_text.json_printer or changes_text.printer)(out, wanted.column)
  if not ledger.has_journal(reader) then return printer.finish(0) end
  check_names(reader, run.id, wanted)
  local count = 0
  wanted.limit = limit + 1
  for change in changes.walk(reader, run.id, wanted, hidden) do
    if count == limit then return printer.finish(count, true) end
    count = count + 1
    printer.change(change)
  end
  printer.finish(count)
end

return M
