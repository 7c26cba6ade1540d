--- What stands above the sections: title, outcome, figures, and the facts that everybody asks for.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local outcome = require("opsh.host.page.outcome")
local parts = require("opsh.host.page.parts")
local words = require("opsh.host.report.words")

local M = {}

local e, known = html.element, parts.known

local function banner(facts)
  local tone, error_of = outcome.tone(facts), known(facts.error)
  return e("div.outcome." .. tone, nil, {
    parts.mark(tone),
    e("div", nil, {
      e("p", nil, e("strong", nil, words.sentence(facts))),
      e("p", nil, outcome.circumstances(facts)),
      error_of and known(error_of.hint) and e("p", nil, lang.message(error_of.hint)),
      error_of and (known(error_of.sqlstate) or known(error_of.where)) and e("p.soft", nil, {
        known(error_of.sqlstate) and { "SQLSTATE ", parts.code(error_of.sqlstate), " " },
        parts.code(error_of.where),
      }),
    }),
  })
end

local function done_of(summary)
  if not known(summary.items) then return nil end
  if summary.items == summary.planned then return parts.number(summary.items) end
  return { parts.number(summary.items), e("small", nil, lang.format(" of %s", parts.number(summary.planned))) }
end

local function checks_of(checks)
  local all = checks.pass + checks.fail + checks.error
  if all == 0 then return nil end
  return { parts.number(checks.pass), e("small", nil, lang.format(" of %s", parts.number(all))) }
end

local function figures(facts)
  local summary = facts.summary
  local left = (known(summary.failed) or 0) + (known(summary.skipped) or 0) + (known(summary.rejected) or 0)
  return parts.definitions("dl.tiles", {
    { title = "items done", done_of(summary) },
    { title = "items planned", not known(summary.items) and parts.number(summary.planned) },
    { title = "rows changed", known(summary.rows) and parts.number(summary.rows) },
    { title = "left out", (known(summary.items) or left > 0) and parts.number(left) },
    { title = "checks passed", facts.rung ~= "plan" and checks_of(summary.checks) },
    { title = "batches", known(summary.batches) and parts.number(summary.batches) },
    { title = "took", known(facts.times.seconds) and parts.seconds(facts.times.seconds) },
  })
end

local function params_of(facts)
  local list, names = {}, {}
  for name in pairs(parts.list(facts.params)) do
    names[#names + 1] = name
  end
  table.sort(names)
  for at, name in ipairs(names) do
    list[at] = {
      at > 1 and e("span.soft", nil, " · "),
      parts.code(("--%s=%s"):format(name, table.concat(facts.params[name], ","))),
    }
  end
  return #list > 0 and list or nil
end

local function where(facts)
  local target = facts.target
  local name = known(target.name)
  return {
    name and { e("strong", nil, name), " " },
    parts.code(known(target.described) or known(target.database)),
    known(target.protected) and { " ", lang.text("(protected)") },
  }
end

local function facts_of(facts)
  local git = known(facts.runbook.git)
  local times = facts.times
  return parts.definitions("dl.facts", {
    { title = "where", where(facts) },
    { title = "by whom", known(facts.operator.name) },
    { title = "why", known(facts.reason) and e("bdi", nil, facts.reason) },
    { title = "run", parts.code(facts.id) },
    { title = "started", parts.time(times.started) },
    { title = "finished", parts.time(times.finished) },
    { title = "runbook", parts.code(facts.runbook.path) },
    {
      title = "version of the runbook",
      git and {
        parts.code(git.commit and git.commit:sub(1, 12)),
        known(git.tag) and { " ", git.tag },
        known(git.dirty) == true and { " ", lang.text("with changes that are not committed") },
      } or parts.code(known(facts.runbook.sha256) and facts.runbook.sha256:sub(1, 12)),
    },
    { title = "params", params_of(facts), wide = true },
  })
end

--- The head of a report.
---@param facts table
---@return any
function M.of(facts)
  return { e("h1", nil, lang.message(facts.runbook.title)), banner(facts), figures(facts), facts_of(facts) }
end

return M
