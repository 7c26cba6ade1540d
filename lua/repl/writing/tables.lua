--- The tables that a transaction at the prompt writes: declared one by one, each before its first statement.
local budgets = require("opsh.host.runbook.budgets")
local jobs = require("opsh.host.runbook.job")
local native_journal = require("opsh.native.journal")
local required = require("opsh.host.backup.required")

local M = {}

local Tables = {}
Tables.__index = Tables

---@param job table the run, with its one step
---@param batch userdata
function M.new(job, batch) return setmetatable({ job = job, batch = batch, known = {}, all = {} }, Tables) end

function Tables:names() return self.all end

local function with(list, entry)
  local made = { unpack(list) }
  made[#made + 1] = entry
  return made
end

--- Lets statements write a table, or refuses: what cannot be journaled, what no budget names, what no backup has. The
--- journal's witness is there already: it sees all tables.
---@param name string as SQL
---@return string name with its schema
function Tables:declare(name)
  if self.known[name] then return self.known[name] end
  local job, step = self.job, self.job.steps[1]
  local writes = with(step.writes, { name = name, row_security = false })
  local examined = native_journal.examine(self.batch, writes)
  local oids, names = examined:oids(), examined:names()
  for at, oid in ipairs(step.write_oids) do
    -- Another name of a table that is known.
    if oid == oids[#oids] then
      self.known[name] = names[at]
      return names[at]
    end
  end
  local declared = { name = step.name, writes = writes, write_oids = oids }
  if job.budgets.tables then
    jobs.reading_ledger(job, function(session) budgets.limit_tables(job, declared, session) end)
  end
  required.hold({
    target = job.target,
    identity = job.identity,
    steps = { declared },
    backup_held = job.backup_held,
    command_for = job.command_for,
  })
  self.batch:declare({ tables = examined, atomic = true, columns = declared.column_limits })
  step.writes, step.write_oids = writes, oids
  self.known[name], self.all = names[#names], names
  return self.known[name]
end

return M
