--- The changed rows of a run as the page keeps them: blocks of rows of one table and operation, the values one behind
--- the other, a value that came before as its number. 100 000 rows are some megabytes, and the page makes nothing of
--- them before they are looked at.
local html = require("opsh.host.page.html")
local json = require("opsh.native.json")
local text = require("opsh.native.text")

local M = {}

--- No more rows than these; the journal has them all.
M.most = 100000

-- With all else the page stays below 15 MB.
local most_bytes = 12 * 2 ^ 20
-- Of what is longer than a screen has room for, so much is kept whole, and of the rest the beginning.
local long, longest_kept = 4096, 4 * 2 ^ 20
-- Longer texts hardly come again. A column that has more values than these has hardly any twice.
local worth_remembering, most_remembered = 64, 1000

local null = json.decode("null")
local _, array = json.metatables()
local replacement = "\239\191\189"

--- The longest beginning of at most so many bytes that cuts no character.
local function beginning(value, bytes)
  while bytes > 0 and value:find("^[\128-\191]", bytes + 1) do
    bytes = bytes - 1
  end
  return value:sub(1, bytes)
end

--- Invalid UTF-8 becomes escapes, where JSON would have lost which bytes there were.
local function readable(value)
  if not value:find("[\128-\255]") or value:find(replacement, 1, true) then return value end
  return json.encode(value):find(replacement, 1, true) and text.printable(value) or value
end

local sides = { "old", "new" }

local function has(change, side) return change[side] ~= nil and change[side] ~= null and #change.names > 0 end

local function same_names(one, other) return one == other or table.concat(one, "\0") == table.concat(other, "\0") end

-- Keys are different by nature.
local no_column = { numbers = {}, count = most_remembered }

--- A writer of blocks: `add(change)` says whether it had room; `finish()` gives how many there are.
---@param write fun(text: string)
---@return table
function M.writer(write)
  local self, bytes, kept, count = {}, 0, 0, 0
  -- What columns had, by table and name.
  local columns = {}
  local block, known

  local function put(piece)
    bytes = bytes + #piece
    write(piece)
  end

  local function long_text(value)
    if #value <= long or kept + #value <= longest_kept then
      kept = kept + (#value > long and #value or 0)
      return setmetatable({ readable(value) }, array)
    end
    return setmetatable({ readable(beginning(value, long)), #value }, array)
  end

  --- null; a text; [text] of one that is not remembered; [beginning, bytes of the whole]; the number of one of the
  --- column that came before.
  local function encoded(value, column)
    if value == nil or value == null then return null end
    if column.numbers[value] then return column.numbers[value] end
    if #value > worth_remembering then return long_text(value) end
    if column.count < most_remembered then
      column.numbers[value] = column.count
      column.count = column.count + 1
    end
    return readable(value)
  end

  local function same_block(change)
    if not block then return false end
    for _, field in ipairs({ "step", "batch", "table", "operation", "direct" }) do
      if block[field] ~= change[field] then return false end
    end
    for _, side in ipairs(sides) do
      if has(block, side) ~= has(change, side) then return false end
    end
    return same_names(block.key_names, change.key_names) and same_names(block.names, change.names)
  end

  local function list(values) return setmetatable({ unpack(values, 1, #values) }, array) end

  local function begin(change)
    put(block and "]},\n" or "")
    block = change
    known = {}
    for at, name in ipairs(change.names) do
      local column = change.table .. "\0" .. name
      columns[column] = columns[column] or { numbers = {}, count = 0 }
      known[at] = columns[column]
    end
    local head = json.document({
      old = has(change, "old"),
      new = has(change, "new"),
      step = change.step,
      batch = change.batch,
      table = change.table,
      operation = change.operation,
      direct = change.direct ~= false,
      key = list(change.key_names),
      names = list(change.names),
    })
    put(html.data(head:sub(1, -2)) .. ',"rows":[')
  end

  function self.add(change)
    if count == M.most or bytes > most_bytes then return false end
    local is_first = not same_block(change)
    if is_first then begin(change) end
    local values = {}
    for at = 1, #change.key_names do
      values[at] = encoded(change.key[at], no_column)
    end
    for _, side in ipairs(sides) do
      for at = 1, has(change, side) and #change.names or 0 do
        values[#values + 1] = encoded(change[side][at], known[at])
      end
    end
    local document = json.document(setmetatable(values, array))
    put((is_first and "" or ",") .. html.data(document:sub(2, -2)))
    count = count + 1
    return true
  end

  function self.finish()
    put(block and "]}" or "")
    return count
  end

  return self
end

return M
