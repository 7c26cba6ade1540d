--- The rows of a query as far as they are kept, with the number of all of them and the way to the others.
local M = {}

--- { session, sql, bindings, total, before } of each list: `before` is how many rows of the query stand before it. What
--- is no query has { read, total, before }.
local origins = setmetatable({}, { __mode = "k" })

-- By row and column.
local long_values = setmetatable({}, { __mode = "k" })

-- By the metatable of a list: rows that are taken from it have the same.
local statements = setmetatable({}, { __mode = "k" })

local most = 1000

--- So many rows of a query are kept.
M.most = most

--- Bindings under which columns of the same name are numbered: rows that a person looks at, whatever the query.
local function numbered(bindings)
  local made = { numbered = true }
  for name, value in pairs(bindings) do
    made[name] = value
  end
  return made
end

--- At most 1000 rows of a query; the others are counted and not sent.
---@param session table the prompt's
---@param sql string
---@param bindings table n, names, scope
function M.take(session, sql, bindings)
  bindings = numbered(bindings)
  local list, total, long = session:reader():beginning(sql, bindings)
  origins[list] = { session = session, sql = sql, bindings = bindings, total = total, before = 0, partly = #long > 0 }
  statements[debug.getmetatable(list)] = sql
  local columns = debug.getmetatable(list).__columns
  for _, value in ipairs(long) do
    local row = list[value.row]
    long_values[row] = long_values[row] or {}
    long_values[row][columns[value.column]] = value
  end
  return list
end

--- A value that was too long to be sent: { bytes, beginning }; nil for any other.
---@return table|nil
function M.long_value(row, column) return long_values[row] and long_values[row][column] end

--- The number of rows that a list stands for: those that were left out count.
---@return integer
function M.total(list) return origins[list] and origins[list].total or #list end

--- The statement that gave these rows, or this row; nil when it was not one that was typed.
---@return string|nil
function M.statement_of(value)
  local shape = debug.getmetatable(value)
  return statements[shape.__list or shape]
end

--- The query whose rows a list is, and its values by name; nil for rows that were picked, or put together.
---@return string|nil
---@return table<string, any>|nil
function M.query_of(list)
  local origin = origins[list]
  if origin and origin.sql then return origin.sql, origin.bindings.names or {} end
  return nil
end

--- How many rows of its query stand before a list.
---@return integer
function M.before(list) return origins[list] and origins[list].before or 0 end

--- All rows of a query, a block at a time, in constant memory. The first block of a query without rows has its columns.
---@param bindings table n, names, scope
---@return fun(): table|nil
function M.blocks(session, sql, bindings)
  local cursor, first = session:reader():cursor(sql, numbered(bindings)), true
  return function()
    local block = cursor:next(first)
    first = false
    return block
  end
end

--- Remembers a list as what a query's first block was, when it was read in blocks.
function M.remember(list, session, sql, bindings, total)
  origins[list] = { session = session, sql = sql, bindings = numbered(bindings), total = total, before = 0 }
end

--- Remembers a list as the first rows of something that is no query: `read` gives all of them anew, in blocks.
---@param read fun(): fun(): table|nil
function M.begin(list, total, read) origins[list] = { read = read, total = total, before = 0 } end

local function again(origin)
  if origin.read then return origin.read() end
  return M.blocks(origin.session, origin.sql, origin.bindings)
end

--- The rows behind those of a list, at most 1000; nil when there are none. The query is run again, in a snapshot of its
--- own.
function M.following(list)
  local origin = origins[list]
  local from = M.before(list) + #list
  if not origin or from >= origin.total then return nil end
  local found, seen = nil, 0
  for block in again(origin) do
    for _, row in ipairs(block) do
      seen = seen + 1
      if seen > from and (not found or #found < most) then
        if not found then
          found = {}
          debug.setmetatable(found, debug.getmetatable(block))
        end
        found[#found + 1] = row
      end
    end
    if found and #found == most then break end
  end
  if not found then return nil end
  local made = {}
  for name, value in pairs(origin) do
    made[name] = value
  end
  made.before = from
  origins[found] = made
  return found
end

--- All rows that a list stands for: the list itself, or what its query gives now.
function M.all(list)
  local origin = origins[list]
  if not origin or origin.before == 0 and origin.total == #list and not origin.partly then return list end
  if not origin.read then return origin.session:reader():read(origin.sql, origin.bindings) end
  local all = {}
  debug.setmetatable(all, debug.getmetatable(list))
  for block in origin.read() do
    for _, row in ipairs(block) do
      all[#all + 1] = row
    end
  end
  return all
end

--- The rows that a list stands for, a block at a time.
---@return fun(): table|nil
function M.blocks_of(list)
  local origin = origins[list]
  if origin and (origin.before > 0 or origin.total ~= #list or origin.partly) then
    return again(origin)
  end
  local given = false
  return function()
    if given then return nil end
    given = true
    return list
  end
end

return M
