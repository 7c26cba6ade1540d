--- What was not done, and what went wrong: incidents, items that were left out, steps that were taken back.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

local function incidents(list)
  local rows = {}
  for at, incident in ipairs(parts.list(list)) do
    rows[at] = {
      parts.state("warn", incident.what and lang.message(incident.what) or ""),
      known(incident.step) and parts.name(tostring(incident.step)),
      { parts.name(incident.message), " ", e("span.soft", nil, parts.code(incident.kind)) },
      parts.time(incident.at),
    }
  end
  return parts.table(
    { { title = "what" }, { title = "step" }, { title = "message" }, { title = "when" } },
    rows,
    lang.text("Incidents: what went wrong and stopped nothing")
  )
end

local function left_out(list, total)
  local rows = {}
  for at, item in ipairs(list) do
    local key = type(item.key) == "table" and table.concat(item.key, ", ") or known(item.key)
    local label, message = known(item.label), known(item.message)
    rows[at] = {
      tostring(item.step),
      known(item.batch) and tostring(item.batch),
      parts.value(key),
      {
        parts.state(item.outcome == "failed" and "bad" or "idle", lang.text(item.outcome)),
        label and { ": ", parts.name(label) },
      },
      parts.code(item.sqlstate),
      message and parts.name(message),
    }
  end
  local caption = total > #list and lang.format("Left out: the first %d of %s", #list, lang.counted(total, "item"))
    or lang.format("Left out: %s", lang.counted(total, "item"))
  return parts.table({
    { title = "step", number = true },
    { title = "batch", number = true },
    { title = "key" },
    { title = "why" },
    { title = "SQLSTATE" },
    { title = "message" },
  }, rows, caption)
end

--- What the plan rejects, where no ledger lists what was left out.
local function rejected(facts)
  local list, total = {}, 0
  for _, step in ipairs(parts.list(facts.steps)) do
    for _, item in ipairs(parts.list(step.rejected)) do
      list[#list + 1] =
        { step = step.number, key = item.key, outcome = "rejected", label = item.label, message = item.reason }
    end
    total = total + (known(step.planned) and step.planned.rejected or 0)
  end
  return left_out({ unpack(list, 1, 100) }, total)
end

local function compensations(list)
  local rows = {}
  for at, step in ipairs(parts.list(list)) do
    rows[at] = {
      parts.name(step.step),
      parts.state(step.outcome == "done" and "good" or "bad", lang.text(step.outcome)),
      known(step.message) and parts.name(step.message),
    }
  end
  return parts.table(
    { { title = "step" }, { title = "outcome" }, { title = "message" } },
    rows,
    lang.text("Steps that were taken back because the run failed")
  )
end

--- The section; nothing when all went as it should.
---@param facts table
---@return table|nil
function M.section(facts)
  local ledger, simulation = known(facts.left_out), known(facts.simulation)
  local total = ledger and ledger.total or #parts.list(simulation and simulation.left_out)
  local found = {
    incidents(facts.incidents),
    compensations(facts.compensations),
    total > 0 and left_out(ledger and ledger.list or simulation.left_out, total) or rejected(facts),
  }
  if table.maxn(found) == 0 then return nil end
  local count = total + #parts.list(facts.incidents)
  return {
    id = "left",
    title = lang.text("Left out"),
    count = parts.number(count),
    content = found,
  }
end

return M
