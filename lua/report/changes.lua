--- The rows that a run changed, as its journal has them: a row at a time, so that memory does not grow with them.
local redaction = require("opsh.host.runbook.redaction")

local M = {}

local most = 2 ^ 53

-- "item" is public.item too.
local is_named = "(j.table_name = $2 or pg_catalog.right(j.table_name, pg_catalog.length($2) + 1) = '.' || $2)"

--- The parts of the journal in which there may be such rows, in the order in which they were written.
local function parts(reader, run, wanted)
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

local function rows_of(reader, run, part, wanted, limit)
  local values = { n = 5, run, part.step, part.batch, part.part, limit }
  local condition = ""
  if wanted.key then
    values.n, values[6] = 6, wanted.key
    condition = " and pg_catalog.array_to_string(c.key, ',') = $6"
  end
  return reader:read(
    ([[
    select c.key, c.old, c.new from opsh.change as c
    where (c.run, c.step, c.batch, c.part)
      = ($1, $2::pg_catalog.int4, $3::pg_catalog.int4, $4::pg_catalog.int4)%s
    limit $5::pg_catalog.int8]]):format(condition),
    values
  )
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
  local cursor, left = parts(reader, run, wanted), math.min(wanted.limit or most, most)
  local block, at, part, rows, row = nil, 0, nil, {}, 0
  local function next_part()
    at = at + 1
    if not block or at > #block then
      block, at = cursor:next(), 1
    end
    part = block and block[at]
    if part then
      rows, row = rows_of(reader, run, part, wanted, left), 0
    end
    return part ~= nil
  end
  return function()
    while row == #rows do
      if left <= 0 or not next_part() then return nil end
    end
    row, left = row + 1, left - 1
    local found = rows[row]
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
