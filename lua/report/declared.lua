--- `report = { file, rows, columns, tables }` of a step: files that list its items with what became of each, and tables
--- of rows that `apply` adds.
local errors = require("opsh.host.errors")
local text = require("opsh.native.text")

local M = {}

local fields = {
  columns = { "table", "string" },
  file = { "string" },
  rows = { "string" },
  tables = { "table" },
}

-- What a report knows of an item beside the plan's columns.
local own = { "outcome", "error" }
local is_own = { outcome = true, error = true }

-- What stands beside the items in the JSON.
local head = { "run", "plan", "timestamp", "dry_run", "mode", "runbook", "step", "outcomes", "stats" }

-- With date, id and extension no file system finds it too long.
local longest_name = 150

local function check_file(checker, file, of)
  local function fail(why)
    checker:fail("file", ('%s: file %q %s'):format(of, file, why), 'as in file = "output/orphans_report"')
  end
  if file:sub(1, 1) == "/" then fail("must be relative: it begins in the working directory, or where --output says") end
  for part in (file .. "/"):gmatch("(.-)/") do
    if not part:find("^[%w_][%w_.-]*$") or #part > longest_name then
      fail("must be folders and a name of letters, digits, _, - and dots, none of which begins with a dot")
    end
  end
  local extension = file:match("%.(%a+)$")
  if extension == "json" or extension == "csv" then fail("has an extension: .json and .csv are added") end
end

local function check_list(checker, name, of)
  for _, taken in ipairs(head) do
    if name == taken then
      checker:fail("rows", ("%s: rows = %q stands in the file already"):format(of, name), "give the list another name")
    end
  end
  if name == "" then checker:fail("rows", ("%s: rows is empty"):format(of)) end
end

--- Checks the tables of a report: names with their columns; gives them as a list, by name.
local function check_tables(checker, tables, of)
  if not tables then return nil end
  local list = {}
  for name, columns in pairs(tables) do
    if type(name) ~= "string" or not name:find("^[%a_][%w_-]*$") or #name > longest_name then
      checker:fail(
        "tables",
        ("%s: %s cannot be a table's name"):format(of, tostring(name)),
        'as in tables = { duplicates = { "id", "email" } }'
      )
    end
    list[#list + 1] = { name = name, columns = checker:names(columns, name, of .. ".tables") }
  end
  if #list == 0 then checker:fail("tables", ("%s: tables is empty"):format(of)) end
  table.sort(list, function(one, other) return one.name < other.name end)
  return list
end

--- Checks the report of a declared step, and gives it in one shape; nothing when it has none.
---@param checker table of declaration.lua
---@param step table
---@param what string names the step in messages
---@param before table<string, table> earlier steps by name
---@return { file: string, rows: string, columns: string[] }|nil report of the items
---@return { name: string, columns: string[] }[]|nil tables
function M.check(checker, step, what, before)
  local report, of = step.report, what .. ": report"
  if not report then return nil end
  if step.schema then
    checker:fail("report", ("%s: a schema step has no report"):format(what), "the plan and opsh show list its items")
  end
  checker:fields(report, fields, of)
  local tables = check_tables(checker, report.tables, of)
  if tables and not (report.file or report.columns or report.rows) then return nil, tables end
  for _, name in ipairs({ "file", "columns" }) do
    if not report[name] then checker:fail("report", ("%s has no %s"):format(of, name)) end
  end
  check_file(checker, report.file, of)
  for name, earlier in pairs(before) do
    if earlier.report and earlier.report.file == report.file then
      checker:fail("file", ("%s: step %s has the file %s"):format(of, name, report.file), "name it otherwise")
    end
  end
  local made = { file = report.file, rows = report.rows or "items", columns = {} }
  check_list(checker, made.rows, of)
  local named = {}
  for at, name in ipairs(checker:names(report.columns, "columns", of)) do
    made.columns[at], named[name] = name, true
  end
  for _, name in ipairs(own) do
    if not named[name] then made.columns[#made.columns + 1] = name end
  end
  return made, tables
end

--- Refuses a plan that has not the columns of the step's report.
---@param step table planned
---@param path string of the runbook, for messages
function M.require_columns(step, path)
  if not step.report then return end
  local known = {}
  for _, name in ipairs(step.planned.columns) do
    known[name] = true
    if is_own[name] then
      errors.raise(
        "plan.column",
        ("step %s: the plan has a column %s, and so has every report: what became of the item"):format(step.name, name),
        "give it another name with AS",
        path
      )
    end
  end
  -- What a classifier adds is known with its first item.
  if type(step.classify) == "function" and step.planned.items == 0 then return end
  for _, name in ipairs(step.report.columns) do
    if not known[name] and not is_own[name] then
      local meant = text.nearest(name, step.planned.columns)
      errors.raise(
        "plan.column",
        ("step %s: the report names the column %s, which the plan does not have"):format(step.name, name),
        meant and ("did you mean %s?"):format(meant) or "its columns are " .. table.concat(step.planned.columns, ", "),
        path
      )
    end
  end
end

return M
