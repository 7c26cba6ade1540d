--- Schema steps, as a runbook declares them: their items are what is missing, their batches define it, and change no
--- rows. They have no journal; `undo` is their way back.
local native_sql = require("opsh.native.sql")

local M = {}

-- What only they may say, and what they may not.
local own_fields = { "autocommit", "loses_data", "undo" }
local others = { "max_failures", "on_failure", "recheck" }

--- What `apply` is where a step leaves it out: each item's column `ddl`, which a plan shows in full.
function M.apply_ddl(tx, items)
  for _, item in ipairs(items) do
    tx:ddl(item.ddl)
  end
end

local function check_fields(checker, step, what)
  for _, name in ipairs(others) do
    if step[name] ~= nil then
      checker:fail(name, ("%s: %s is about rows, and this is a schema step"):format(what, name), "leave it out")
    end
  end
  if step.autocommit and (step.atomic or step.batch) then
    checker:fail(
      "autocommit",
      ("%s: with autocommit each item is one statement, outside a transaction"):format(what),
      "leave out atomic and batch"
    )
  end
  if step.loses_data and not step.loses_data:find("%S") then
    checker:fail("loses_data", ("%s: loses_data is empty"):format(what), "it says why losing the data is right")
  end
end

--- The tables that a schema step declares; views, types and functions need none.
local function writes_of(checker, step, what)
  local made = {}
  for at, name in ipairs(checker:names(step.writes and step.writes[1] and step.writes, "writes", what)) do
    made[at] = { name = checker:sql(name, "writes", what, native_sql.qualified), row_security = false }
  end
  return made
end

--- Checks what concerns schema steps, of this one or another.
---@param checker table of declaration.lua
---@param step table as declared
---@param what string names the step in messages
---@param made table what becomes of it
function M.check(checker, step, what, made)
  if not step.schema then
    for _, name in ipairs(own_fields) do
      if step[name] ~= nil then
        checker:fail(name, ("%s: %s is for schema steps"):format(what, name), "say schema = true, or leave it out")
      end
    end
    for _, name in ipairs({ "apply", "writes" }) do
      if step[name] == nil then
        checker:fail(nil, ("%s has no %s"):format(what, name), checker.reasons[name])
      end
    end
    return
  end
  check_fields(checker, step, what)
  made.apply = step.apply or M.apply_ddl
  made.writes = writes_of(checker, step, what)
  made.journaled = false
  -- Locks on several tables are not held together unless the step wants it: what waits for one would wait for all.
  if not step.atomic then made.batch = step.batch or 1 end
  local tables = {}
  for at, written in ipairs(made.writes) do
    tables[at] = written.name
  end
  made.defines = { tables = tables, loses_data = step.loses_data ~= nil, proved = step.journal ~= false }
end

return M
