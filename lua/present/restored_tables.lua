--- How tables of a backup differ from the live ones, as text and for a document.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local native_sql = require("opsh.native.sql")
local text = require("opsh.native.text")

local null = json.decode("null")
local _, array = json.metatables()

local M = {}

local widest_cell = 40

local function cell(value)
  if value == nil or value == null then return "NULL" end
  return text.fit(text.printable(tostring(value)), widest_cell)
end

local kinds = {
  { field = "went", first = "first_went", word = "missing now" },
  { field = "came", first = "first_came", word = "added since" },
  { field = "changed", first = "first_changed", word = "changed since" },
}

--- The rows that are shown, a line a row, and a line a column of those that changed.
local function sample(out, difference)
  local rows = {}
  for _, kind in ipairs(kinds) do
    local word = lang.text(kind.word)
    for _, item in ipairs(difference[kind.first]) do
      local key = text.printable(table.concat(item.key, ", "))
      if #item.values == 0 then rows[#rows + 1] = { word, key, "", "", "" } end
      for _, value in ipairs(item.values) do
        rows[#rows + 1] = { word, key, text.printable(value.column), cell(value.before), cell(value.now) }
      end
    end
  end
  if #rows == 0 then return "" end
  return out.table({
    { title = "row" },
    { name = table.concat(difference.key, ", ") },
    { title = "column" },
    { title = "in the backup" },
    { title = "now" },
  }, rows, 2)
end

local function figures(difference)
  if difference.why then return lang.format("not compared row by row: %s", lang.message(difference.why)) end
  local parts = {}
  for _, kind in ipairs(kinds) do
    if difference[kind.field] > 0 then
      parts[#parts + 1] = ("%s %s"):format(lang.counted(difference[kind.field], "row"), lang.text(kind.word))
    end
  end
  return #parts == 0 and lang.text("no row differs") or table.concat(parts, ", ")
end

local function table_text(out, difference)
  local rows = lang.format("%s in the backup", lang.counted(difference.rows_then, "row"))
  if difference.rows_now then rows = rows .. lang.format(", %s now", lang.counted(difference.rows_now, "row")) end
  local parts = {
    ("\n%s  %s\n  %s\n"):format(out.strong(text.printable(difference.name)), rows, text.printable(figures(difference))),
  }
  for _, unlike in ipairs(difference.unlike) do
    parts[#parts + 1] = lang.format("  the column %s: not compared\n", text.printable(unlike))
  end
  if not difference.why then parts[#parts + 1] = sample(out, difference) end
  return table.concat(parts)
end

--- A query that a person looks further with: the rows of both, side by side, where they differ.
local function look_further(difference)
  if #difference.key == 0 or not difference.rows_now then return ("select * from %s;"):format(difference.copy) end
  local key = {}
  for at, column in ipairs(difference.key) do
    key[at] = native_sql.identifier(column)
  end
  return ("select * from %s as b full join %s as n using (%s) where (b.*)::text is distinct from (n.*)::text;"):format(
    difference.copy,
    difference.name,
    table.concat(key, ", ")
  )
end

--- Below the heading.
function M.text(job, place, out)
  local parts = {}
  local function add(part) parts[#parts + 1] = part end
  for _, difference in ipairs(job.tables) do
    add(table_text(out, difference))
  end
  if job.planned_only then
    local words = "\nNothing was written. To put copies of them into a schema of their own: %s --apply\n"
    add(lang.format(words, place.command))
    return table.concat(parts)
  end
  add(lang.format("\nCopies are in the schema %s:\n", job.schema))
  for _, difference in ipairs(job.tables) do
    add(("  %s, %s\n"):format(difference.copy, lang.counted(difference.copied, "row")))
    add(lang.format("    to look further:  %s\n", text.printable(look_further(difference))))
  end
  add(lang.format("  to drop them:       drop schema %s cascade;\n", job.schema))
  return table.concat(parts)
end

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end

--- For the document: figures, never rows.
function M.document(differences)
  local list = {}
  for at, difference in ipairs(differences) do
    list[at] = ordered({ "name", "rows", "rows_now", "missing", "added", "changed", "not_compared", "copy" }, {
      name = difference.name,
      rows = difference.rows_then,
      rows_now = difference.rows_now or null,
      missing = difference.went or null,
      added = difference.came or null,
      changed = difference.changed or null,
      not_compared = difference.why or null,
      copy = difference.copy or null,
    })
  end
  return setmetatable(list, array)
end

return M
