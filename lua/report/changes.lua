--- The rows that a run changed, as its journal has them: a block of rows at a time, so that memory does not grow with
--- them, whatever the sizes of its parts.
local redaction = require("opsh.host.runbook.redaction")

local M = {}

local most = 2 ^ 53

-- "item" is public.item too.
local is_named = "(j.table_name = $2 or pg_catalog.right(j.table_name, pg_catalog.length($2) + 1) = '.' || $2)"

--- What both cursors are about: conditions on the journal, in SQL, and their values.
local function conditions(run, wanted)
  local list, values = { "j.run = $1" }, { n = 1, run }
  local function add(condition, value)
    values.n = values.n + 1
    values[values.n] = value
    list[#list + 1] = condition:gsub("%$2", "$" .. values.n)
  end
  if wanted.table then add(is_named, wanted.table) end
  if wanted.column then add("$2 = any (j.names) and j.operation <> 'insert'", wanted.column) end
  return list, values, add
end

--- The parts of the journal in which there may be such rows, in the order in which they were written.
local function parts(reader, run, wanted)
  local list, values = conditions(run, wanted)
  return reader:cursor(
    "select j.step, j.batch, j.part, j.table_name, j.operation, j.direct, j.key_names, j.names "
      .. "from opsh.journal as j where "
      .. table.concat(list, " and ")
      .. " order by j.step, j.batch, j.part",
    values
  )
end

--- The rows of these parts, in the same order. What a part says of all its rows is not sent with each.
local function rows_of(reader, run, wanted)
  local list, values, add = conditions(run, wanted)
  if wanted.key then add("pg_catalog.array_to_string(r.key::pg_catalog.text[], ',') = $2", wanted.key) end
  local where = table.concat(list, " and ")
  values.n = values.n + 1
  values[values.n] = math.min(wanted.limit or most, most)
  return reader:cursor(
    ([[
    select j.step, j.batch, j.part, r.key::pg_catalog.text[] as key, r.old::pg_catalog.text[] as old,
           case when j.operation <> 'insert' then r.new::pg_catalog.text[] end as new
    from opsh.journal as j
    cross join lateral rows from (pg_catalog.unnest(j.keys), pg_catalog.unnest(j.old), pg_catalog.unnest(j.new))
      with ordinality as r (key, old, new, place)
    where %s order by j.step, j.batch, j.part, r.place limit $%d::pg_catalog.int8]]):format(where, values.n),
    values
  )
end

--- The elements of a cursor one by one, nil after the last.
local function each(cursor)
  local block, at = {}, 0
  return function()
    if at == #block then
      block, at = cursor:next() or {}, 0
    end
    at = at + 1
    return block[at]
  end
end

--- Puts the mask in the place of the values of hidden columns.
local function hide(row, part, hidden)
  local function values(list, names)
    for at, name in ipairs(list and names or {}) do
      if hidden[name] then list[at] = redaction.mask(list[at]) end
    end
  end
  values(row.key, part.key_names)
  values(row.old, part.names)
  values(row.new, part.names)
end

--- Walks through the journal of a run. The schema opsh must have one (ledger.has_journal).
---@param reader userdata
---@param run string its id
---@param wanted { table?: string, key?: string, column?: string, limit?: integer } only these, at most so many
---@param hidden table<string, boolean> columns whose values are masked (redaction.of_run)
---@return fun(): table|nil next { step, batch, table, operation, direct, key_names, key, names, old, new }
function M.walk(reader, run, wanted, hidden)
  local next_part, next_row = each(parts(reader, run, wanted)), each(rows_of(reader, run, wanted))
  local part
  local function is_of(row) return part.step == row.step and part.batch == row.batch and part.part == row.part end
  return function()
    local found = next_row()
    if not found then return nil end
    part = part or next_part()
    while not is_of(found) do
      part = next_part()
    end
    hide(found, part, hidden)
    return {
      step = part.step,
      batch = part.batch,
      table = part.table_name,
      operation = part.operation,
      direct = part.direct,
      key_names = part.key_names,
      key = found.key,
      names = part.names,
      old = found.old,
      new = found.new,
    }
  end
end

return M
