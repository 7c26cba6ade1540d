--- What the doctor found: each is { group, name, state, found, advice }.
local host = require("opsh.native.host")

local M = {}

local order = { opsh = 1, programs = 2, server = 3, reader = 4, rights = 5, runbook = 6 }

--- From good to bad; "unknown" is a check that failed by itself.
---@alias opsh.doctor.state "ok"|"note"|"unknown"|"warning"|"problem"

local Group = {}
Group.__index = Group

local function add(group, state, name, found, advice)
  local list = group.findings.list
  list[#list + 1] = { group = group.name, name = name, state = state, found = found, advice = advice }
end

function Group:ok(name, found) add(self, "ok", name, found) end

--- Worth knowing; nothing has to be done.
function Group:note(name, found, advice) add(self, "note", name, found, advice) end

--- opsh works, but something can go wrong that need not.
function Group:warning(name, found, advice) add(self, "warning", name, found, advice) end

--- opsh, or a part of what it is for, does not work.
function Group:problem(name, found, advice) add(self, "problem", name, found, advice) end

--- An error as a finding of this state, with its hint as the advice.
---@param otherwise? string the advice when the error has no hint
function Group:failed(state, name, err, otherwise)
  local hint = err.hint and err.hint ~= "" and err.hint or otherwise or "mend it, then ask opsh doctor again"
  local place = err.where and not err.where:find("^opsh/") and (" (at %s)"):format(err.where) or ""
  add(self, state, name, err.message .. place, hint)
end

local function goes_on(err) return not (err.kind == "interrupted" or err.kind:find("^connection")) end

--- Makes a check. When it fails by itself, that is told as "cannot tell", and the next checks go on: `session` is taken
--- back to where it was. Only an interrupt and a lost connection are raised.
---@param name string
---@param session userdata|nil the read session that the check uses
---@param check fun()
function Group:try(name, session, check)
  if session then session:savepoint() end
  local ok, err = host.protect(check)
  if not ok and not goes_on(err) then error(err, 0) end
  if session then session:rollback_to_savepoint() end
  if not ok then self:failed("unknown", name, err, "ask somebody who may look, or connect with another role") end
end

--- An empty list of findings.
function M.new()
  local findings = { list = {} }

  --- The group of this name, to add findings to.
  function findings.group(_, name) return setmetatable({ findings = findings, name = name }, Group) end

  --- All of them, group by group, each group in the order of its checks.
  function findings.all()
    local places, sorted = {}, {}
    for at, finding in ipairs(findings.list) do
      places[finding], sorted[at] = at, finding
    end
    table.sort(sorted, function(a, b)
      if a.group ~= b.group then return order[a.group] < order[b.group] end
      return places[a] < places[b]
    end)
    return sorted
  end

  --- How many findings have this state.
  function findings.count(_, state)
    local count = 0
    for _, finding in ipairs(findings.list) do
      if finding.state == state then count = count + 1 end
    end
    return count
  end

  return findings
end

return M
