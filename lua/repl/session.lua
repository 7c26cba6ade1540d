--- The read session of a prompt: it connects when it is first asked something, holds no transaction between chunks, and
--- connects anew after it was lost.
local host = require("opsh.native.host")
local sql = require("opsh.native.sql")
local workplace = require("opsh.host.workplace")

local M = {}

local Session = {}
Session.__index = Session

--- A session, nothing opened yet.
---@param given table<string, string[]> host options
---@param say fun(text: string) for what is not data
function M.new(given, say)
  local session = setmetatable({ given = given, say = say, functions = {}, foreign_tables = {} }, Session)
  for _, name in ipairs(given["function"] or {}) do
    table.insert(session.functions, sql.qualified(name))
  end
  for _, name in ipairs(given["foreign-table"] or {}) do
    table.insert(session.foreign_tables, sql.qualified(name))
  end
  return session
end

--- What a runbook that is brought along answers for. Before anything connects.
---@param runbook { functions: string[], foreign_tables: string[] }
function Session:declare(runbook)
  for _, field in ipairs({ "functions", "foreign_tables" }) do
    for _, name in ipairs(runbook[field]) do
      table.insert(self[field], name)
    end
  end
end

--- Where it works. Opened at the first need, because a sandbox has to be started.
function Session:place()
  self.opened = self.opened or workplace.open(self.given)
  return self.opened
end

--- The native session, in its transaction from the first statement on.
function Session:reader()
  if not self.connected then
    local target = self:place().target
    target.functions, target.foreign_tables = self.functions, self.foreign_tables
    self.connected = workplace.reader(target)
    if self.was_lost then self.say("connected anew; nothing is lost, because this session only reads") end
    self.was_lost = false
  end
  return self.connected
end

--- Ends the transaction: a chunk is over. A session that cannot is given up, and the next chunk connects anew.
function Session:rest()
  if not self.connected then return end
  local ok, err = host.attempt(self.connected.rest, self.connected)
  if ok then return end
  self.connected:close()
  self.connected, self.was_lost = nil, true
  -- It wrote, and it was to read only: that is no matter of a connection.
  if err.kind == "in_doubt.evidence" then error(err, 0) end
end

function Session:close()
  if self.connected then self.connected:close() end
  if self.opened then self.opened.close() end
end

return M
