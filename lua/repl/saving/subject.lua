--- What a saved runbook is about: the query that is its plan, and the table whose rows it finds.
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local naming = require("opsh.host.repl.saving.naming")
local picked = require("opsh.host.repl.saving.picked")
local relations = require("opsh.host.repl.investigate.relation")
local sample = require("opsh.host.repl.sample")
local shape = require("opsh.native.shape")
local sql = require("opsh.native.sql")
local statement = require("opsh.host.repl.saving.statement")
local text = require("opsh.native.text")
local told = require("opsh.host.repl.investigate.told")

local M = {}

local Subject = {}
Subject.__index = Subject

local function refuse(message, hint) errors.raise("refused.save", message, hint) end

--- A condition that these columns are those of an item of the batch: in the order of the plan's key.
---@param columns string[] as SQL
function Subject:is_item(columns)
  if #columns == 1 then return columns[1] .. " = any(:keys)" end
  local keys = naming.columns(self.key, "item")
  return ("%s in (select %s from :keys as item)"):format(naming.together(columns), table.concat(keys, ", "))
end

local function split_names(list)
  local names = {}
  for part in list:gmatch("[^,]+") do
    local name = part:match("^%s*(.-)%s*$")
    local quoted = name:match('^"(.*)"$')
    names[#names + 1] = quoted and (quoted:gsub('""', '"')) or name:lower()
  end
  return names
end

--- Whether a table has a unique key of these columns, in whatever order.
local function is_key(relation, names)
  local wanted = { unpack(names) }
  table.sort(wanted)
  for _, key in ipairs(relation.keys) do
    local columns = { unpack(key) }
    table.sort(columns)
    if table.concat(columns, "\n") == table.concat(wanted, "\n") then return true end
  end
  return false
end

--- The columns of the table that the plan's key has, in its order: of the same names, or else those of its first key.
local function columns_of(relation, key)
  local all, own = true, relation.keys[1]
  for _, name in ipairs(key) do
    all = all and relation.types[name] ~= nil
  end
  if all and is_key(relation, key) then return key end
  if not all and own and #own == #key then return own end
  return refuse(
    ("%s is no key of %s"):format(table.concat(key, ", "), relation.sql),
    own and ("its key is %s; table=TABLE names another one"):format(table.concat(own, ", "))
      or "it has no key: a row of it could not be found again"
  )
end

--- The table and the key, as far as they are told or were named.
local function place(bench, rows, query, wanted)
  local relation, key
  if wanted.table then relation = relations.named(bench, wanted.table) end
  if wanted.key then key = split_names(wanted.key) end
  local of_rows, key_of_rows
  if query then
    of_rows, key_of_rows = told.of_query(bench, query)
  elseif rows then
    of_rows, key_of_rows = told.of_rows(bench, rows)
  end
  -- The key of another table says nothing.
  if relation and of_rows and relation.oid ~= of_rows.oid then key_of_rows = nil end
  return relation or of_rows, key or key_of_rows
end

--- The values by name that the plan is asked with.
function Subject:names()
  local names = self.values:names()
  for _, list in ipairs(self.picked or {}) do
    names[list.name] = list.values
  end
  return names
end

--- SQL that locks the items that still are what the plan looked for; nil where the plan does not tell one row from
--- another.
local function recheck(self, parts)
  if not self.plain or not parts.from or not self.source then return nil end
  local key = naming.columns(self.columns, self.source)
  local named = {}
  for at, column in ipairs(key) do
    named[at] = self.columns[at] == self.key[at] and column or column .. " as " .. sql.identifier(self.key[at])
  end
  local conditions = { self:is_item(key) }
  for _, part in ipairs(parts.where and statement.parts(parts.where) or {}) do
    conditions[#conditions + 1] = statement.part(part)
  end
  return statement.joined(
    ("select %s\nfrom %s"):format(table.concat(named, ", "), parts.from),
    conditions,
    ("order by %s\nfor no key update of %s"):format(table.concat(key, ", "), sql.identifier(self.source))
  )
end

--- What the plan finds now: how many rows, and whether each has a key of its own.
local function count(self, bench)
  local key = naming.columns(self.key, "p")
  return findings.read(
    bench,
    ("select pg_catalog.count(*) as rows, pg_catalog.count(distinct %s) as keys from (%s\n) as p"):format(
      #key == 1 and key[1] or "(" .. table.concat(key, ", ") .. ")",
      self.sql
    ),
    self:names()
  )[1]
end

local function require_key(self, bench)
  local found = count(self, bench)
  if found.keys ~= found.rows then
    refuse(
      ("%s and only %s of %s among them: it does not tell them apart"):format(
        counted(found.rows, "row"),
        found.keys,
        table.concat(self.key, ", ")
      ),
      "key=a,b names the columns of the plan that do"
    )
  end
  self.now = found.rows
end

--- What the runbook is about.
---@param chosen { rows: table|nil, query: string|nil, names: table|nil } rows, or a query with its values
---@param wanted { key: string|nil, table: string|nil }
---@param values table of values.new
---@return table { relation, key, columns, sql, source, recheck, picked, limited, seen, now }
function M.of(bench, chosen, wanted, values)
  local rows, query, names = chosen.rows, chosen.query, chosen.names
  if rows then
    query, names = sample.query_of(rows)
  end
  local relation, key = place(bench, rows, query, wanted)
  if not relation then
    refuse(
      "nothing tells which table's rows these are: no key of the first table of FROM comes out under its own name",
      "say it: table=NAME key=COLUMN"
    )
  end
  if relation.kind ~= "r" and relation.kind ~= "p" then
    refuse(("%s is no table: rows of it cannot be changed"):format(relation.sql), "say table= of the one behind it")
  end
  if not key then
    refuse(("nothing tells the key of %s"):format(relation.sql), "say it: key=COLUMN, or key=a,b")
  end
  local self = setmetatable({ relation = relation, key = key, values = values }, Subject)
  self.columns = columns_of(relation, key)
  if not query then
    local parts = picked.plan(self, bench, rows)
    self.recheck = parts and recheck(self, parts)
  else
    local looks = shape.of(query)
    self.sql = values:take(query, names or {})
    self.plain, self.limited = looks.plain, looks.limited
    self.source = naming.alias_of(bench, looks, relation)
    self.relations = looks.relations
    self.seen = rows and sample.total(rows)
    self.recheck = recheck(self, statement.apart(self.sql, "select"))
  end
  require_key(self, bench)
  return self
end

--- How many of some rows the plan finds now; nil where their keys do not have its columns.
---@param keys table<string, string>[]
---@return integer|nil
function Subject:found(bench, keys)
  local names, columns, arrays = self:names(), {}, {}
  for at, name in ipairs(self.columns) do
    local list = {}
    for number, key in ipairs(keys) do
      list[number] = key[name]
      if not list[number] then return nil end
    end
    names["opsh_key_" .. at] = list
    columns[at] = ("p.%s::pg_catalog.text"):format(sql.identifier(self.key[at]))
    arrays[at] = (":opsh_key_%d::pg_catalog.text[]"):format(at)
  end
  return findings.read(
    bench,
    ("select pg_catalog.count(*) as rows from (%s\n) as p where %s in (select * from unnest(%s))"):format(
      self.sql,
      naming.together(columns),
      table.concat(arrays, ", ")
    ),
    names
  )[1].rows
end

--- What it is about, in a few words.
function Subject:described()
  return ("%s by %s"):format(self.relation.sql, text.printable(table.concat(self.key, ", ")))
end

return M
