--- The file with a fixture's rows: it fills the tables of its schema.
local findings = require("opsh.host.repl.investigate.findings")
local schema = require("opsh.host.repl.saving.schema")
local sql = require("opsh.native.sql")

local M = {}

--- A text as SQL, without the E that only a backslash wants.
local function quoted(value)
  if not value:find("\\", 1, true) then return "'" .. value:gsub("'", "''") .. "'" end
  return sql.literal(value)
end

local function literal(value, column)
  if value == nil then return "null" end
  if column.category == "N" and value:find("^%-?%d+%.?%d*$") then return value end
  return quoted(value)
end

--- One table's rows as a statement.
local function inserted(of)
  local names, lines = {}, {}
  for at, column in ipairs(of.written) do
    names[at] = sql.identifier(column.name)
  end
  for number, row in ipairs(of.rows) do
    local values = {}
    for at, column in ipairs(of.written) do
      values[at] = literal(rawget(row, column.name), column)
    end
    lines[number] = "  (" .. table.concat(values, ", ") .. ")"
  end
  return ("insert into %s (%s) overriding system value values\n%s;\n"):format(
    of.relation.sql,
    table.concat(names, ", "),
    table.concat(lines, ",\n")
  )
end

local sequences_of = [[
  select a.attname::pg_catalog.text as name
  from pg_catalog.pg_attribute as a
  where a.attrelid = :oid::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
    and pg_catalog.pg_get_serial_sequence(:name::pg_catalog.text, a.attname) is not null]]

local go_on = "  perform setval(pg_get_serial_sequence(%s, %s), max(%s))\n    from %s having max(%s) > 0;"

--- Sequences go on behind the rows.
local function sequences(bench, of, lines)
  local name = quoted(of.relation.sql)
  for _, row in ipairs(findings.read(bench, sequences_of, { oid = of.relation.oid, name = of.relation.sql })) do
    local column = sql.identifier(row.name)
    lines[#lines + 1] = go_on:format(name, quoted(row.name), column, of.relation.sql, column)
  end
end

local before_rows = [[
-- Rows as they were: no trigger fires, and references may be broken.
set session_replication_role = replica;
]]

--- The text of the file.
---@param fixture table of rows.of
---@param late string what comes when the rows are there
---@return string
function M.of(bench, fixture, late)
  local parts, lines = { before_rows .. schema.setting(bench) }, {}
  -- What is referred to comes to stand first.
  for at = #fixture.tables, 1, -1 do
    local of = fixture.tables[at]
    if #of.rows > 0 then parts[#parts + 1] = inserted(of) end
    sequences(bench, of, lines)
  end
  if #lines > 0 then parts[#parts + 1] = "do $$\nbegin\n" .. table.concat(lines, "\n") .. "\nend $$;\n" end
  parts[#parts + 1] = "reset session_replication_role;\n"
  if late ~= "" then parts[#parts + 1] = late end
  return table.concat(parts, "\n")
end

return M
