--- `expect`: each raises "test.failed" at the test's own line when it does not hold.
local counted = require("opsh.host.counted")
local differences = require("opsh.host.test.differences")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")

local M = {}

local null = json.decode("null")
local show = differences.show

local function fail(message, what, excerpt)
  errors.raise("test.failed", what and what .. ": " .. message or message, nil, nil, excerpt)
end

--- Both are the same, tables by content.
function M.equal(found, expected, what)
  local difference = differences.between(found, expected)
  if difference then fail("not equal", what, difference) end
end

--- A query over the database gives these rows, in this order. A column that a row does not name is NULL.
function M.rows(database, sql, expected, what)
  local rows = {}
  for at, row in ipairs(expected) do
    rows[at] = {}
    for column, value in pairs(row) do
      if value ~= null then rows[at][column] = value end
    end
  end
  M.equal(database:query(sql), rows, what)
end

--- A text has this piece; a list has this element.
function M.contains(found, piece, what)
  if type(found) == "string" then
    if not found:find(piece, 1, true) then fail(("no %s in the text"):format(show(piece)), what, found) end
    return
  end
  if type(found) ~= "table" then fail(("%s holds nothing"):format(show(found)), what) end
  for _, element in ipairs(found) do
    if not differences.between(element, piece) then return end
  end
  fail(("no %s in the list"):format(show(piece)), what, show(found))
end

--- A text has no such piece.
function M.lacks(found, piece, what)
  if type(found) ~= "string" then fail(("a text is expected, not %s"):format(show(found)), what) end
  if found:find(piece, 1, true) then fail(("%s is in the text"):format(show(piece)), what, found) end
end

--- A text matches a Lua pattern.
function M.matches(found, pattern, what)
  if type(found) ~= "string" or not found:find(pattern) then
    fail(
      ("nothing in the text matches %s"):format(show(pattern)),
      what,
      type(found) == "string" and found or show(found)
    )
  end
end

function M.is_true(condition, what)
  if not condition then fail(("%s where true is expected"):format(show(condition)), what) end
end

--- No rows.
function M.none(rows, what)
  if type(rows) ~= "table" then fail(("rows are expected, not %s"):format(show(rows)), what) end
  if #rows == 0 then return end
  local lines = {}
  for at = 1, math.min(#rows, 10) do
    lines[at] = show(rows[at])
  end
  fail(counted(#rows, "row") .. " where none is expected", what, table.concat(lines, "\n"))
end

--- The function raises; `said` is a piece of its message or its kind. Returns the error.
function M.raises(work, said, what)
  local ok, err = host.protect(work)
  if ok then fail("nothing was raised", what) end
  if err.kind == "interrupted" then error(err, 0) end
  if said and err.kind ~= said and not tostring(err.message):find(said, 1, true) then
    fail(("another error than %s was raised"):format(show(said)), what, ("%s: %s"):format(err.kind, err.message))
  end
  return err
end

return M
