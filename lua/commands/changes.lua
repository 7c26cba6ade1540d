--- `opsh show RUN --changes`: walks through the journal of a run, a chunk at a time.
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

-- "item" is public.item too.
local is_named = "(j.table_name = $2 or pg_catalog.right(j.table_name, pg_catalog.length($2) + 1) = '.' || $2)"

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

local function chunks(reader, run, wanted)
  local conditions, values = { "j.run = $1" }, { n = 1, run }
  local function add(condition, value)
    values.n = values.n + 1
    values[values.n] = value
    conditions[#conditions + 1] = condition:gsub("%$2", "$" .. values.n)
  end
  if wanted.table then add(is_named, wanted.table) end
  if wanted.column then add("$2 = any (j.names) and j.operation <> 'insert'", wanted.column) end
  return reader:cursor(
    "select j.step, j.batch, j.part, j.table_name, j.operation, j.direct, j.key_names, j.names "
      .. "from opsh.journal as j where "
      .. table.concat(conditions, " and ")
      .. " order by j.step, j.batch, j.part",
    values
  )
end

local function rows_of(reader, run, chunk, key)
  local values = { n = 4, run, chunk.step, chunk.batch, chunk.part }
  local condition = ""
  if key then
    values.n, values[5] = 5, key
    condition = " and pg_catalog.array_to_string(c.key, ',') = $5"
  end
  return reader:read(
    [[select c.key, c.old, c.new from opsh.change as c
      where (c.run, c.step, c.batch, c.part)
        = ($1, $2::pg_catalog.int4, $3::pg_catalog.int4, $4::pg_catalog.int4)]] .. condition,
    values
  )
end

--- Puts the mask in the place of the values of hidden columns.
local function hide(row, chunk, hidden)
  local function values(list, names)
    for at, name in ipairs(list and names or {}) do
      if hidden[name] then list[at] = redaction.mask(list[at]) end
    end
  end
  values(row.key, chunk.key_names)
  values(row.old, chunk.names)
  values(row.new, chunk.names)
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
  local count, cursor = 0, chunks(reader, run.id, wanted)
  local block = cursor:next()
  while block do
    for _, chunk in ipairs(block) do
      for _, row in ipairs(rows_of(reader, run.id, chunk, wanted.key)) do
        if count == limit then return printer.finish(count, true) end
        count = count + 1
        hide(row, chunk, hidden)
        printer.change({
          step = chunk.step,
          batch = chunk.batch,
          table = chunk.table_name,
          operation = chunk.operation,
          direct = chunk.direct,
          key_names = chunk.key_names,
          key = row.key,
          names = chunk.names,
          old = row.old,
          new = row.new,
        })
      end
    end
    block = cursor:next()
  end
  printer.finish(count)
end

return M
