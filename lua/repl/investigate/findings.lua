--- What an investigation asks, and what it gives: live values, and the text that a person reads.
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local results = require("opsh.host.repl.results")
local rows_text = require("opsh.host.repl.rows_text")

local M = { null = json.decode("null") }

local text_type, int8 = 25, 20

--- Rows that were put together here. They can do what the rows of a query can.
---@param columns string[] a name that ends in # is that of a column of figures
---@param list table[] plain tables by name; they become the rows
---@return table
function M.rows(columns, list)
  local names, types = {}, {}
  for at, column in ipairs(columns) do
    local figure = column:sub(-1) == "#"
    names[at], types[at] = figure and column:sub(1, -2) or column, figure and int8 or text_type
  end
  local shape = results.shape(names, types)
  for _, row in ipairs(list) do
    debug.setmetatable(row, shape)
  end
  debug.setmetatable(list, shape.__list)
  return list
end

--- The rows of one of the host's own queries, through the gate as all that the prompt sends.
---@param names? table<string, any> values for :name
function M.read(bench, sql, names)
  return bench.session:reader():read(sql, { n = 0, names = names or {}, numbered = true })
end

-- Seconds that one of many questions may take.
local long_enough = 10

--- The same where the server may refuse, or take too long, without an end to what else is asked: nil and the error
--- then.
---@param seconds? number that it may take
---@return table|nil rows
---@return table|nil error
function M.try(bench, sql, names, seconds)
  local reader = bench.session:reader()
  reader:savepoint()
  local ok, found = host.attempt(function()
    -- A transaction that writes keeps its own limit.
    if reader.limit_statements then reader:limit_statements(seconds or long_enough) end
    return M.read(bench, sql, names)
  end)
  -- Whoever stops it, or loses the connection, wants no other answers.
  local ends = not ok and (found.kind == "interrupted" or found.kind:find("^connect") or found.kind:find("^in_doubt"))
  if ends then error(found, 0) end
  reader:rollback_to_savepoint()
  if ok then return found end
  return nil, found
end

--- Why something was not found out, in a few words.
function M.reason(err)
  return err.sqlstate and ("%s, SQLSTATE %s"):format(err.message, err.sqlstate) or err.message
end

--- Makes a value the last result, and shows a text for it.
function M.give(bench, value, text)
  bench.keep(value)
  local as_data = bench.out.json or (bench.display:as_csv() and rows_text.is_rows(value))
  if as_data then return bench.display:show({ n = 1, value }) end
  bench.print(text)
end

--- Rows as a table, cut to the terminal where that is possible: the values are all in the result.
function M.table(bench, rows)
  local width, expanded = bench.display:width(), bench.settings.expanded
  if expanded == true or not rows_text.can_be_cut(rows, select(2, rows_text.table(rows, {})), width) and width > 0 then
    return bench.display:lists(rows, width)
  end
  return (rows_text.table(rows, { bold_header = bench.out.bold and not bench.display.file, width = width }))
end

--- Rows under a title.
---@param rows table
---@param none? string what is said when there are none; nothing when it is missing
function M.section(bench, title, rows, none)
  if #rows == 0 then return none and ("\n%s: %s\n"):format(bench.out.strong(title), none) or "" end
  return ("\n%s\n%s"):format(bench.out.strong(title), M.table(bench, rows))
end

return M
