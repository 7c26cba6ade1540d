--- What the tables of two databases have that is not the same: rows by key, and their columns.
local json = require("opsh.native.json")

local M = {}

local null = json.decode("null")

-- Columns as they are, and as SQL writes them; and the key: the primary key, else a unique index.
local shapes_of = [[
  select w.name,
         array(select a.attname::text from pg_attribute as a
               where a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
         array(select quote_ident(a.attname) from pg_attribute as a
               where a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as quoted,
         array(select a.attname::text
               from (select i.indrelid, i.indkey from pg_index as i
                     where i.indrelid = w.oid and i.indisunique and i.indisvalid and i.indpred is null
                       and i.indexprs is null
                     order by not i.indisprimary, i.indexrelid limit 1) as i,
                    unnest(i.indkey) with ordinality as k (number, place)
               join pg_attribute as a on a.attrelid = w.oid and a.attnum = k.number
               order by k.place) as key
  from (select name, name::regclass::oid as oid from jsonb_array_elements_text($1::jsonb) as name) as w]]

local function shapes(database, names)
  local found = {}
  if #names == 0 then return found end
  for _, row in ipairs(database:query(shapes_of, json.encode(names))) do
    found[row.name] = row
  end
  return found
end

--- A text that tells rows apart by these columns.
local function identity(row, columns)
  local parts = {}
  for at, name in ipairs(columns) do
    local value = row[name]
    parts[at] = value and #value .. ":" .. value or "-"
  end
  return table.concat(parts, ",")
end

--- Rows with their columns' texts by name; NULL is absent.
local function rows_of(database, shape)
  if not shape or #shape.columns == 0 then return {} end
  local list = {}
  local texts = table.concat(shape.quoted, "::text, ") .. "::text"
  for at, row in ipairs(database:query(("select array[%s]::text[] as texts from only %s"):format(texts, shape.name))) do
    local made = {}
    for place, name in ipairs(shape.columns) do
      if row.texts[place] ~= null then made[name] = row.texts[place] end
    end
    list[at] = made
  end
  return list
end

--- What `read` gives, asked once of a database that nobody writes to (`unchanging`, a table to remember it in).
function M.remembered(database, name, read)
  local known = database.unchanging or {}
  known[name] = known[name] or read(database)
  return known[name]
end

local function sums_of(database)
  return M.remembered(database, "sums", function() return database:checksum() end)
end

local function is_table(content) return content and content:find(" rows, ", 1, true) ~= nil end

--- Tables whose content is not the same, in order; `others` are sequences that are not.
local function unequal(before, after)
  local first, second = sums_of(before), sums_of(after)
  local tables, others, seen = {}, {}, {}
  for _, sums in ipairs({ first, second }) do
    for name in pairs(sums) do
      if not seen[name] and first[name] ~= second[name] then
        local kept = (is_table(first[name]) or is_table(second[name])) and tables or others
        kept[#kept + 1] = name
      end
      seen[name] = true
    end
  end
  table.sort(tables)
  table.sort(others)
  return tables, others, first, second
end

local function only(names, sums)
  local found = {}
  for _, name in ipairs(names) do
    if sums[name] then found[#found + 1] = name end
  end
  return found
end

local function without(columns, ignored)
  local kept = {}
  for _, name in ipairs(columns) do
    if not ignored[name] then kept[#kept + 1] = name end
  end
  return kept
end

--- The columns of both, those of the second first.
local function all_columns(first, second)
  local all, known = {}, {}
  for _, shape in ipairs({ second or first, first }) do
    for _, name in ipairs(shape and shape.columns or {}) do
      if not known[name] then all[#all + 1] = name end
      known[name] = true
    end
  end
  return all
end

local function is_among(names, wanted)
  local known = {}
  for _, name in ipairs(names) do
    known[name] = true
  end
  for _, name in ipairs(wanted) do
    if not known[name] then return false end
  end
  return true
end

--- What tells the rows of a table apart: its key as far as that is compared, else all of the row.
local function key_of(first, second, columns)
  local key = (second or first).key
  if #key > 0 and is_among(columns, key) and is_among((first or second).columns, key) then return key end
  return columns
end

local function changed_columns(old, new, columns)
  local changed = {}
  for _, name in ipairs(columns) do
    if old[name] ~= new[name] then changed[#changed + 1] = { name = name, before = old[name], after = new[name] } end
  end
  return changed
end

--- Adds what is not the same in one table.
local function compare(found, name, first, second, ignored)
  local columns = without(all_columns(first.shape, second.shape), ignored)
  local key = key_of(first.shape, second.shape, columns)
  local there = {}
  for _, row in ipairs(first.rows) do
    local id = identity(row, key)
    there[id] = there[id] or {}
    table.insert(there[id], row)
  end
  local function add(kind, row, changed)
    found[#found + 1] = { table = name, kind = kind, key = key, row = row, columns = changed }
  end
  for _, row in ipairs(second.rows) do
    local same = there[identity(row, key)]
    local old = same and table.remove(same, 1)
    local changed = old and changed_columns(old, row, columns)
    if not old then add("new", row) end
    if changed and #changed > 0 then add("changed", row, changed) end
  end
  for _, row in ipairs(first.rows) do
    local left = there[identity(row, key)]
    if table.remove(left, 1) then add("gone", row) end
  end
end

--- Tables that are in one of the two only, or whose rows are not the same.
---@param before table a test's database
---@param after table
---@param options? { except?: table<string, table<string, boolean>>, sequences?: boolean }
---@return { rows: table[], tables: string[], sequences: string[] }
function M.differences(before, after, options)
  options = options or {}
  local tables, sequences, first_sums, second_sums = unequal(before, after)
  local first, second = shapes(before, only(tables, first_sums)), shapes(after, only(tables, second_sums))
  local found = { rows = {}, tables = {}, sequences = options.sequences and sequences or {} }
  for _, name in ipairs(tables) do
    local count = #found.rows
    compare(
      found.rows,
      name,
      { shape = first[name], rows = rows_of(before, first[name]) },
      { shape = second[name], rows = rows_of(after, second[name]) },
      options.except and options.except[name] or {}
    )
    if #found.rows > count or not first[name] ~= not second[name] then found.tables[#found.tables + 1] = name end
  end
  return found
end

--- The columns of tables, by table and name; of one that is not there none.
---@param names string[] as a checksum has them
---@return table<string, table<string, boolean>>
function M.columns(database, names)
  local found, shapes_found = {}, shapes(database, only(names, sums_of(database)))
  for _, name in ipairs(names) do
    found[name] = {}
    for _, column in ipairs(shapes_found[name] and shapes_found[name].columns or {}) do
      found[name][column] = true
    end
  end
  return found
end

--- The columns whose values, all rows together, are not the same.
---@return table<string, table<string, boolean>> by table and name
function M.unequal_columns(before, after)
  local found = {}
  local tables, _, first_sums, second_sums = unequal(before, after)
  local first, second = shapes(before, only(tables, first_sums)), shapes(after, only(tables, second_sums))
  for _, name in ipairs(tables) do
    local old, new = rows_of(before, first[name]), rows_of(after, second[name])
    found[name] = {}
    for _, column in ipairs(all_columns(first[name], second[name])) do
      local balance = {}
      for step, rows in pairs({ [1] = old, [-1] = new }) do
        for _, row in ipairs(rows) do
          local value = row[column] or null
          balance[value] = (balance[value] or 0) + step
        end
      end
      for _, count in pairs(balance) do
        if count ~= 0 then found[name][column] = true end
      end
    end
  end
  return found
end

return M
