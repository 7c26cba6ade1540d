--- Runs chunks one after the other, and gives what they returned to whoever shows it.
local host = require("opsh.native.host")
local sample = require("opsh.host.repl.sample")
local sql = require("opsh.native.sql")

local M = {}

local Runner = {}
Runner.__index = Runner

--- `show` gets the results of a chunk, { n = count, ... }; `all_rows` is for who shows more than the first of them.
---@param parts { env: table, ctx: table, session: table, scope: table, all_rows: boolean, show: fun(values: table) }
function M.new(parts) return setmetatable(parts, Runner) end

--- The rows of a statement. EXPLAIN has no cursor.
function Runner:read(statement)
  -- Before anything connects.
  sql.check_read(statement.text)
  if self.all_rows or statement.word == "explain" then return self.ctx:query(statement.text) end
  return sample.take(self.session, statement.text, { n = 0, scope = self.scope })
end

function Runner:take(values)
  if values.n > 0 then self.env._ = values[1] end
  self.show(values)
end

local function packed(...) return { n = select("#", ...), ... } end

--- The error with the chunk's first line, when it knows no better: a tail call leaves none behind.
local function placed(err, place, line)
  if err.kind ~= "interrupted" then err.where = err.where or ("%s:%d"):format(place.name, place.line + line - 1) end
  return err
end

--- Runs one chunk, in one snapshot; raises what it raises. The session rests when it is told to.
---@param chunk table of language.read: Lua or SQL
---@param place { name: string, line: integer }
function Runner:run(chunk, place)
  if chunk.kind == "lua" then
    local results = packed(host.attempt(chunk.run))
    if not results[1] then error(placed(results[2], place, 1), 0) end
    return self:take({ n = results.n - 1, unpack(results, 2, results.n) })
  end
  for _, statement in ipairs(chunk.statements) do
    local ok, result = host.attempt(self.read, self, statement)
    if not ok then error(placed(result, place, statement.line), 0) end
    self:take({ n = 1, result })
  end
end

return M
