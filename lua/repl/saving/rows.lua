--- The rows of a fixture: suspects, some rows that are none, what both refer to, and what the statements look at beside
--- them.
local findings = require("opsh.host.repl.investigate.findings")
local masking = require("opsh.host.repl.saving.masking")
local naming = require("opsh.host.repl.saving.naming")
local references = require("opsh.host.repl.investigate.references")
local relations = require("opsh.host.repl.investigate.relation")
local sql = require("opsh.native.sql")

local M = {}

local most_suspects, most_others, most_related, most_unrelated = 50, 10, 200, 20

local Rows = {}
Rows.__index = Rows

local generated = [[
  select a.attname::pg_catalog.text as name from pg_catalog.pg_attribute as a
  where a.attrelid = :oid::pg_catalog.oid and a.attgenerated <> '' and not a.attisdropped]]

-- By the type's own output, which is what its input reads; a row of NULLs is no NULL.
local text_of = "case when pg_catalog.num_nulls(t.%s) = 0 then pg_catalog.format('%%s', t.%s) end as %s"

--- A table of the fixture; taken up when it is first asked for.
function Rows:table(relation)
  local known = self.by_oid[relation.oid]
  if known then return known end
  local written, texts = {}, {}
  local computed = {}
  for _, row in ipairs(findings.read(self.bench, generated, { oid = relation.oid })) do
    computed[row.name] = true
  end
  for _, column in ipairs(relation.columns) do
    if not computed[column.name] then written[#written + 1] = column end
    local name = sql.identifier(column.name)
    texts[#texts + 1] = text_of:format(name, name, name)
  end
  local made = {
    relation = relation,
    written = written,
    texts = table.concat(texts, ", "),
    rows = {},
    known = {},
    references = references.of(self.bench, relation.oid),
  }
  self.by_oid[relation.oid] = made
  table.insert(self.tables, made)
  return made
end

--- A row as a key: no two different rows have the same.
local function identity(of, row)
  local parts = {}
  for at, column in ipairs(of.relation.columns) do
    local value = rawget(row, column.name)
    parts[at] = value == nil and "-" or ("%d:%s"):format(#value, value)
  end
  return table.concat(parts, ",")
end

--- Takes the rows for which a condition on `t` holds, those that are not there yet; returns how many it
--- found.
function Rows:take(relation, condition, names, order, limit)
  local of = self:table(relation)
  local query = ("select %s from %s as t where %s%s%s"):format(
    of.texts,
    relation.sql,
    condition,
    order and " order by " .. order or "",
    limit and " limit " .. limit or ""
  )
  local found = findings.read(self.bench, query, names)
  for _, row in ipairs(found) do
    local key = identity(of, row)
    if not of.known[key] then
      of.known[key] = true
      table.insert(of.rows, row)
    end
  end
  return #found
end

--- The values that rows have in some columns, without NULLs: a list for each column; nil when there are none.
local function values_of(of, columns)
  local lists, known = {}, {}
  for at in ipairs(columns) do
    lists[at] = {}
  end
  for _, row in ipairs(of.rows) do
    local values, whole = {}, true
    for at, name in ipairs(columns) do
      values[at] = rawget(row, name)
      whole = whole and values[at] ~= nil
    end
    local key = whole and table.concat(values, "\1")
    if key and not known[key] then
      known[key] = true
      for at, value in ipairs(values) do
        table.insert(lists[at], value)
      end
    end
  end
  return #lists[1] > 0 and lists or nil
end

--- Takes the rows of a table whose columns have values that rows of another one have; all of them without a limit.
function Rows:take_matching(relation, columns, types, of, their_columns, limit)
  local lists = values_of(of, their_columns)
  if not lists then return 0 end
  local arrays, names = {}, {}
  for at in ipairs(columns) do
    arrays[at] = ("(:value_%d::pg_catalog.text[])::%s[]"):format(at, types[at])
    names["value_" .. at] = lists[at]
  end
  local condition = ("(%s) in (select * from pg_catalog.unnest(%s))"):format(
    table.concat(naming.columns(columns, "t"), ", "),
    table.concat(arrays, ", ")
  )
  -- unnest of several arrays stands in FROM only, by its bare name.
  if #columns > 1 then condition = condition:gsub("pg_catalog%.unnest", "unnest") end
  return self:take(relation, condition, names, nil, limit)
end

--- What the rows refer to by foreign keys, to the end.
function Rows:close()
  local at, counts = 1, {}
  while at <= #self.tables do
    local of = self.tables[at]
    if counts[of] ~= #of.rows then
      counts[of] = #of.rows
      for _, reference in ipairs(of.references) do
        if reference.from_oid == of.relation.oid and reference.name ~= "" then
          local target = relations.named(self.bench, reference.to_sql)
          self:table(target)
          self:take_matching(target, reference.to_columns, reference.types, of, reference.from_columns)
        end
      end
      -- A table before this one may have got rows.
      at = 0
    end
    at = at + 1
  end
end

--- Rows of a table that hang together with those that are there: they refer to them, or are named by them.
function Rows:take_related(relation)
  local of, linked = self:table(relation), false
  for _, reference in ipairs(of.references) do
    local mine, theirs, other = reference.from_columns, reference.to_columns, self.by_oid[reference.to_oid]
    if reference.to_oid == relation.oid then
      mine, theirs, other = theirs, mine, self.by_oid[reference.from_oid]
    end
    if other and other ~= of then
      linked = true
      self:take_matching(relation, mine, reference.types, other, theirs, most_related)
    end
  end
  if not linked then self:take(relation, "true", {}, "t.ctid", most_unrelated) end
end

local function in_plan(subject, limit)
  local key = naming.columns(subject.key, "p")
  return ("(%s) in (select %s from (%s\n) as p order by %s%s)"):format(
    table.concat(naming.columns(subject.columns, "t"), ", "),
    table.concat(key, ", "),
    subject.sql,
    table.concat(key, ", "),
    limit and " limit " .. limit or ""
  )
end

local function not_in_plan(subject)
  local same = {}
  for at, name in ipairs(naming.columns(subject.key, "p")) do
    same[at] = ("%s = t.%s"):format(name, sql.identifier(subject.columns[at]))
  end
  return ("not exists (select from (%s\n) as p where %s)"):format(subject.sql, table.concat(same, " and "))
end

--- The rows of a fixture.
---@param subject table of subject.of
---@param beside table[] the tables that are to be there besides, of relation.lua
---@return table { tables, suspects, others }
function M.of(bench, subject, beside)
  local self = setmetatable({ bench = bench, tables = {}, by_oid = {} }, Rows)
  local names = subject:names()
  local order = table.concat(naming.columns(subject.columns, "t"), ", ")
  self.suspects = self:take(subject.relation, in_plan(subject, most_suspects), names, order, most_suspects)
  self.others = self:take(subject.relation, not_in_plan(subject), names, order, most_others)
  self:close()
  local left = {}
  for _, relation in ipairs(beside) do
    if not self.by_oid[relation.oid] then left[#left + 1] = relation end
  end
  for _, relation in ipairs(left) do
    self:take_related(relation)
  end
  self:close()
  return self
end

--- Whether a foreign key leads to a table.
---@param oid integer of a table of the fixture
function Rows:is_referred(oid)
  for _, reference in ipairs(self.by_oid[oid] and self.by_oid[oid].references or {}) do
    if reference.to_oid == oid and reference.name ~= "" then return true end
  end
  return false
end

--- The columns that look as if nobody should find them elsewhere, or are hidden by name: { table, name, way }.
---@param hidden table<string, boolean>
function Rows:telling(hidden)
  local list = {}
  for _, of in ipairs(self.tables) do
    for _, column in ipairs(of.written) do
      if #of.rows > 0 and (hidden[column.name] or masking.is_telling(column.name)) then
        list[#list + 1] = { of = of, column = column, way = masking.way(column.type, column.category) }
      end
    end
  end
  return list
end

--- Columns that foreign keys join with these have the same masks.
function Rows:with_joined(masked)
  local chosen, list = {}, {}
  local function add(of, column, way)
    chosen[of] = chosen[of] or {}
    if not of or chosen[of][column] then return end
    chosen[of][column] = way
    list[#list + 1] = { of = of, column = column, way = way }
  end
  for _, each in ipairs(masked) do
    add(each.of, each.column.name, each.way)
  end
  local at = 1
  while list[at] do
    local each = list[at]
    for _, reference in ipairs(each.of.references) do
      for place, from in ipairs(reference.from_columns) do
        local to = reference.to_columns[place]
        local is_from = reference.from_oid == each.of.relation.oid and from == each.column
        local is_to = reference.to_oid == each.of.relation.oid and to == each.column
        local other = is_from and self.by_oid[reference.to_oid] or is_to and self.by_oid[reference.from_oid]
        if other then add(other, is_from and to or from, each.way) end
      end
    end
    at = at + 1
  end
  return list
end

--- Puts masks in the place of values.
---@param masked table[] of telling
function Rows:mask(masked)
  local mask = masking.new()
  for _, each in ipairs(self:with_joined(masked)) do
    for _, row in ipairs(each.of.rows) do
      local value = rawget(row, each.column)
      if value ~= nil then rawset(row, each.column, mask:of(value, each.way)) end
    end
  end
end

--- The tables, those that are referred to first.
function Rows:relations()
  local list = {}
  for at = #self.tables, 1, -1 do
    list[#list + 1] = self.tables[at].relation
  end
  return list
end

return M
