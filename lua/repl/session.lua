--- The read session of a prompt: it connects when it is first asked something, holds no transaction between chunks, and
--- connects anew after it was lost only when it is told to.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local native_db = require("opsh.native.db")
local sql = require("opsh.native.sql")
local workplace = require("opsh.host.workplace")

local M = {}

local how_to_reconnect = "\\reconnect connects anew; the values of Lua are kept"

local Session = {}
Session.__index = Session

--- A session, nothing opened yet.
---@param given table<string, string[]> host options
---@param say fun(text: string) for what is not data
---@param place? table of workplace.open, which is closed by whoever opened it
function M.new(given, say, place)
  local session = setmetatable({ given = given, say = say, functions = {}, foreign_tables = {}, left = {} }, Session)
  session.opened = place
  for _, name in ipairs(given["function"] or {}) do
    table.insert(session.functions, sql.qualified(name))
  end
  for _, name in ipairs(given["foreign-table"] or {}) do
    table.insert(session.foreign_tables, sql.qualified(name))
  end
  session.of_options = { functions = session.functions, foreign_tables = session.foreign_tables }
  return session
end

--- What is answered for: by the options, and by the runbook that is there, in the place of the one before.
---@param runbook { functions: string[], foreign_tables: string[] }
function Session:declare(runbook)
  local changed = false
  for _, field in ipairs({ "functions", "foreign_tables" }) do
    local names = { unpack(self.of_options[field]) }
    for _, name in ipairs(runbook[field]) do
      names[#names + 1] = name
    end
    changed = changed or table.concat(names, " ") ~= table.concat(self[field], " ")
    self[field] = names
  end
  -- The gate of a session knows what was declared when it connected.
  if changed and self.connected then self:reconnect() end
end

--- Where it works. Opened at the first need, because a sandbox has to be started.
function Session:place()
  self.opened = self.opened or workplace.open(self.given)
  return self.opened
end

--- What reads: the native session, or, while a transaction writes, what reads in it.
function Session:reader() return self.within or self:own_reader() end

--- The native session, in its transaction from the first statement on.
function Session:own_reader()
  if self.was_lost then
    errors.raise(
      "connection.lost",
      "there is no connection: it was lost",
      how_to_reconnect
    )
  end
  if not self.connected then
    local target = self:place().target
    target.functions, target.foreign_tables = self.functions, self.foreign_tables
    local reading = workplace.reading(target)
    -- A person can look at what is no text; what works on it cannot.
    reading.raw_text = true
    self.connected = native_db.resting_reader(reading)
    if self.on_connect then self.on_connect(self.connected, target) end
  end
  return self.connected
end

function Session:give_up()
  self.connected:close()
  self.connected, self.was_lost = nil, true
end

--- What to watch while nobody asks anything: readable when the server says something on its own. Nothing without a
--- connection.
---@return integer|nil
function Session:descriptor() return self.connected and self.connected:descriptor() end

--- Takes what the server said on its own.
---@return table|nil error when the connection turns out to be lost
function Session:stir()
  if not self.connected then return nil end
  local ok, err = host.attempt(self.connected.stir, self.connected)
  if ok then return nil end
  self:give_up()
  err.hint = how_to_reconnect
  return err
end

--- Connects anew, also when nothing was lost.
function Session:reconnect()
  if self.connected then self:give_up() end
  self.was_lost = false
  local ok, err = host.attempt(self.own_reader, self)
  self.was_lost = not ok
  if not ok then error(err, 0) end
end

--- Ends the transaction: a chunk is over. A session that cannot is given up.
function Session:rest()
  if not self.connected then return end
  local ok, err = host.attempt(self.connected.rest, self.connected)
  if ok then return end
  self:give_up()
  -- It wrote, and it was to read only: that is no matter of a connection.
  if err.kind == "in_doubt.evidence" then error(err, 0) end
end

--- Goes on elsewhere: a session is opened there first, and the one that there was stays when that fails.
---@param place table as `place` gives it
function Session:move(place)
  local former, connected, was_lost = self:place(), self.connected, self.was_lost
  self.opened, self.connected, self.was_lost = place, nil, false
  local ok, err = host.attempt(function() self:own_reader():rest() end)
  if not ok then
    self.opened, self.connected, self.was_lost = former, connected, was_lost
    place.close()
    error(err, 0)
  end
  if connected then connected:close() end
  -- A sandbox of before ends with the prompt.
  table.insert(self.left, former)
end

function Session:close()
  if self.connected then self.connected:close() end
  for _, place in ipairs(self.left) do
    place.close()
  end
  if self.opened then self.opened.close() end
end

return M
