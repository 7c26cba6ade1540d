--- Runs chunks one after the other, and gives what they returned to whoever shows it.
local host = require("opsh.native.host")
local sample = require("opsh.host.repl.sample")
local sql = require("opsh.native.sql")

local M = {}

local Runner = {}
Runner.__index = Runner

-- _ and _1 to _9: more would keep rows that nobody remembers.
local kept = 9

--- `show` gets the results of a chunk, { n = count, ... }. `mode` says how the rows of a statement are read: "all" of
--- them, the "beginning" of them, or "streamed" to `stream(statement, bindings)`, which shows them as they come and
--- returns the first.
---@param parts { env: table, session: table, params: fun(): table, mode: fun(): string, show: function,
--- stream: function, writing: fun(): table|nil } `params` are those of the runbook that is there, as values for SQL;
--- `writing` gives the transaction that is open
function M.new(parts) return setmetatable(parts, Runner) end

--- The values that stand behind a colon in a statement: params of a runbook, and Lua's globals. Those that it names are
--- held, so that the statement is the same when it is run again.
function Runner:bindings(text)
  local names, placeholders = {}, sql.placeholders(text)
  local params = placeholders[1] and self.params() or {}
  for _, name in ipairs(placeholders) do
    local value = params[name]
    if value == nil then value = rawget(self.env, name) end
    names[name] = value
  end
  return { n = 0, names = names, scope = self.env }
end

--- The rows of a statement. While a transaction writes, it decides what reads.
---@param statement { text: string, word: string }
function Runner:take_rows(statement)
  local writing = self.writing()
  if not writing then return self:read(statement) end
  return writing:run(statement, self:bindings(statement.text), function() return self:read(statement) end)
end

--- The rows of a statement that reads.
function Runner:read(statement)
  -- Before anything connects.
  sql.check_read(statement.text)
  local bindings, mode = self:bindings(statement.text), self.mode()
  -- EXPLAIN has no cursor.
  if mode == "all" or statement.word == "explain" then
    bindings.numbered = true
    return self.session:reader():read(statement.text, bindings), "all"
  end
  if mode == "streamed" then return self.stream(statement, bindings), mode end
  return sample.take(self.session, statement.text, bindings), mode
end

--- Makes a value the last result.
function Runner:keep(value)
  for at = kept, 1, -1 do
    local before = at == 1 and "_" or "_" .. at - 1
    rawset(self.env, "_" .. at, rawget(self.env, before))
  end
  rawset(self.env, "_", value)
end

function Runner:take(values, shown)
  if values.n > 0 then self:keep(values[1]) end
  self.show(values, shown)
end

local function packed(...) return { n = select("#", ...), ... } end

--- The error with the chunk's first line, when it knows no better: a tail call leaves none behind.
local function placed(err, place, line, writing)
  -- A database of encoding SQL_ASCII has whatever it was given.
  if err.sqlstate == "22021" and (err.hint or "") == "" then
    err.hint = "look at the bytes: convert_to(column, 'SQL_ASCII')"
  end
  if err.kind == "sql.refused" and (err.hint or ""):find("a write belongs into apply", 1, true) then
    err.hint = writing and "type the statement itself: functions of Lua only read"
      or "\\write begins a transaction that writes; a runbook's writes belong into apply"
  end
  if err.kind ~= "interrupted" then err.where = err.where or ("%s:%d"):format(place.name, place.line + line - 1) end
  return err
end

--- Runs one chunk, in one snapshot; raises what it raises. The session rests when it is told to.
---@param chunk table of language.read: Lua or SQL
---@param place { name: string, line: integer }
function Runner:run(chunk, place)
  if chunk.kind == "lua" then
    local results = packed(host.attempt(chunk.run))
    if not results[1] then error(placed(results[2], place, 1, self.writing()), 0) end
    return self:take({ n = results.n - 1, unpack(results, 2, results.n) })
  end
  for _, statement in ipairs(chunk.statements) do
    self.statement = statement
    local ok, result, mode = host.attempt(self.take_rows, self, statement)
    if not ok then error(placed(result, place, statement.line, self.writing()), 0) end
    self:take({ n = mode == "written" and not result and 0 or 1, result }, mode == "streamed")
  end
end

return M
