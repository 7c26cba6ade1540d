--- A change that was tried on particular rows, said again for the items of a batch: each statement of it may only touch
--- what hangs together with them.
local errors = require("opsh.host.errors")
local naming = require("opsh.host.repl.saving.naming")
local references = require("opsh.host.repl.investigate.references")
local relations = require("opsh.host.repl.investigate.relation")
local shape = require("opsh.native.shape")
local sql = require("opsh.native.sql")
local statement = require("opsh.host.repl.saving.statement")

local M = {}

local past = { update = "updated", delete = "deleted", insert = "inserted" }

local function refuse(message, hint) errors.raise("refused.save", message, hint) end

local function set(list)
  local made = {}
  for _, name in ipairs(list) do
    made[name] = true
  end
  return made
end

--- The columns of a table that refer to the item's key, in the order of that; nil when the reference is to other ones.
local function matched(reference, subject)
  local mine = {}
  for at, name in ipairs(reference.to_columns) do
    mine[name] = reference.from_columns[at]
  end
  local columns = {}
  for at, name in ipairs(subject.columns) do
    if not mine[name] then return nil end
    columns[at] = mine[name]
  end
  return #columns == #reference.to_columns and columns or nil
end

--- What the target is called in the statement.
local function own_name(looks) return looks.target.alias ~= "" and looks.target.alias or looks.target.name end

--- Whether conditions hold these columns of the target to values: then they mean rows by them.
local function pins(looks, columns, conditions)
  local pinned = {}
  for _, condition in ipairs(conditions or looks.conditions) do
    for _, pin in ipairs(condition) do
      if pin.qualifier == "" or pin.qualifier == own_name(looks) then pinned[pin.column] = true end
    end
  end
  for _, name in ipairs(columns) do
    if not pinned[name] then return false end
  end
  return true
end

--- Whether a table has the columns of the item's key under names that say whose key it is: driver_id does, and an id
--- that is a key of its own does not.
local function has_key_of(relation, subject)
  local telling = true
  for _, name in ipairs(subject.columns) do
    if not relation.types[name] then return false end
    telling = telling and (name:find("._id$") or name:find("._key$") or name:find("._uuid$")) ~= nil
  end
  for _, key in ipairs(relation.keys) do
    if table.concat(key, ",") == table.concat(subject.columns, ",") then return telling end
  end
  return true
end

--- The columns of a table by which its rows belong to an item: a foreign key; or what is named like one, where the
--- statement itself goes by it.
local function referring(bench, relation, subject, goes_by)
  for _, reference in ipairs(references.of(bench, relation.oid)) do
    local fits = reference.from_oid == relation.oid and reference.to_oid == subject.relation.oid
    local columns = fits and matched(reference, subject)
    if columns and (reference.state ~= "by name" or goes_by(columns)) then return columns end
  end
  return has_key_of(relation, subject) and goes_by(subject.columns) and subject.columns or nil
end

--- How a statement is held to the items: the columns, and what they are to be called in it.
---@return string[]|nil columns
---@return string|nil alias nil when no other table is there
local function anchor(bench, looks, relation, subject)
  local alone, own = #looks.sources == 0, own_name(looks)
  if looks.kind ~= "insert" and relation.oid == subject.relation.oid then
    return subject.columns, not alone and own or nil
  end
  local source = naming.alias_of(bench, looks, subject.relation)
  if source then return subject.columns, source end
  if looks.kind == "insert" then return nil end
  local columns = referring(bench, relation, subject, function(names) return pins(looks, names) end)
  return columns, columns and not alone and own or nil
end

--- Whether a part of a condition only says which rows are meant by the anchor's columns.
local function only_names(pinned, columns, alias)
  local mine = set(columns)
  for _, pin in ipairs(pinned) do
    if not mine[pin.column] or (alias and pin.qualifier ~= "" and pin.qualifier ~= alias) then return false end
  end
  return #pinned > 0
end

--- The unique key of a table that conditions hold to values.
local function key_pinned(relation, looks, conditions)
  for _, key in ipairs(relation.keys) do
    if pins(looks, key, conditions) then return key end
  end
  return nil
end

--- The parts of a condition that stay when the items say which rows are meant.
local function remaining(looks, where, columns, alias)
  if not where then return {} end
  local parts = statement.parts(where)
  -- The parser sees other parts: parentheses that are none for it. Then all of it stays.
  if #parts ~= #looks.conditions then return { statement.part(where) }, looks.conditions end
  local stays, pinned = {}, {}
  for at, part in ipairs(parts) do
    if not only_names(looks.conditions[at], columns, alias) then
      stays[#stays + 1] = statement.part(part)
      pinned[#pinned + 1] = looks.conditions[at]
    end
  end
  return stays, pinned
end

local function by_hand(relation, subject, why)
  refuse(
    ("the statement on %s cannot be held to the rows of %s: %s"):format(relation.sql, subject.relation.sql, why),
    "choose a change without it, and write it into the saved file by hand: its rows are those of :items, its keys :keys"
  )
end

local function narrowed(bench, text, looks, relation, subject)
  local columns, alias = anchor(bench, looks, relation, subject)
  if not columns then by_hand(relation, subject, "no foreign key leads there") end
  local parts = statement.apart(text, looks.kind)
  local stays, pinned = remaining(looks, parts.where, columns, alias)
  local key = looks.kind ~= "insert" and key_pinned(relation, looks, pinned or {})
  if key then
    by_hand(relation, subject, ("it names rows by %s, whatever the items are"):format(table.concat(key, ", ")))
  end
  table.insert(stays, subject:is_item(naming.columns(columns, alias)))
  return statement.joined(parts.head, stays, parts.tail)
end

--- What a column is given in rows of VALUES: the same text in all of them, or nil.
local function constant(rows, at)
  for _, row in ipairs(rows) do
    if row[at] ~= rows[1][at] then return nil end
  end
  return rows[1][at]
end

--- INSERT ... VALUES, a row or more for each item, as one that selects from the items.
local function selected(bench, text, looks, relation, subject)
  local parts = statement.inserted(text)
  if not parts or #looks.columns == 0 then by_hand(relation, subject, "INSERT has to name its columns") end
  local own = referring(bench, relation, subject, function(names)
    local given = set(looks.columns)
    for _, name in ipairs(names) do
      if not given[name] then return false end
    end
    return true
  end)
  if not own then by_hand(relation, subject, "no foreign key leads there") end
  local key = {}
  for at, name in ipairs(own) do
    key[name] = "item." .. sql.identifier(subject.key[at])
  end
  local names, values = {}, {}
  for at, name in ipairs(looks.columns) do
    local value = key[name] or constant(parts.rows, at)
    if not value then by_hand(relation, subject, ("its rows have different values of %s"):format(name)) end
    if value:lower() ~= "default" then
      names[#names + 1], values[#values + 1] = sql.identifier(name), value
    end
  end
  local lines = ("insert into %s (%s)\nselect %s\nfrom :items as item"):format(
    naming.name_of(looks.target),
    table.concat(names, ", "),
    table.concat(values, ", ")
  )
  return parts.tail and lines .. "\n" .. parts.tail or lines
end

--- A name for the count of a statement, as a field of Lua: "updated", "lines_deleted".
local function label_of(looks, taken, count)
  local verb = past[looks.kind]
  local word = looks.target.name:lower():gsub("[^%w_]", "_"):gsub("^%d", "_%0")
  local made, number = count[looks.kind] > 1 and word .. "_" .. verb or verb, 1
  local plain = made
  while taken[made] do
    number = number + 1
    made = plain .. "_" .. number
  end
  taken[made] = true
  return made
end

--- The statement for a batch, and whether it touches at most one row for an item.
local function rewritten(bench, text, looks, relation, subject)
  if looks.kind ~= "insert" then
    return narrowed(bench, text, looks, relation, subject), relation.oid == subject.relation.oid
  end
  if #looks.sources == 0 then return selected(bench, text, looks, relation, subject), true end
  local from = statement.apart(text, "insert").from or ""
  return narrowed(bench, text, looks, relation, subject), #looks.sources == 1 and not from:find("[,(]")
end

--- The statements of a batch.
---@param tried { text: string, names: table<string, any> }[]
---@param subject table of subject.of
---@return table[] { label, verb, sql, table, oid, one_each, relations }: `one_each`, it touches at most one row for an
--- item, and is meant to
function M.of(bench, tried, subject)
  local list, taken, count, looked = {}, {}, {}, {}
  for at, given in ipairs(tried) do
    local looks = shape.of(given.text)
    if looks.kind == "select" then
      refuse("a change is INSERT, UPDATE or DELETE", "change='update ...', or the name of one that was tried")
    end
    looked[at], count[looks.kind] = looks, (count[looks.kind] or 0) + 1
  end
  for at, given in ipairs(tried) do
    local looks = looked[at]
    local relation = relations.named(bench, naming.name_of(looks.target))
    local text, one_each = rewritten(bench, subject.values:take(given.text, given.names), looks, relation, subject)
    list[at] = {
      label = label_of(looks, taken, count),
      verb = past[looks.kind],
      sql = text,
      table = relation.sql,
      oid = relation.oid,
      one_each = one_each,
      relations = looks.relations,
    }
  end
  return list
end

return M
