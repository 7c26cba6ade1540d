--- Where all of it comes from: the environment, the sources, and the audit log with the state of its chain.
local html = require("opsh.host.page.html")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

local verdicts = {
  good = { tone = "good", title = "whole: every entry is as it was written" },
  bad = { tone = "bad", title = "broken" },
  ["not judged"] = { tone = "idle", title = "not judged: no database was asked" },
}

local function settings(environment)
  local names, entries = {}, {}
  for name in pairs(parts.list(environment.settings)) do
    names[#names + 1] = name
  end
  table.sort(names)
  for at, name in ipairs(names) do
    entries[at] = { title = name, own = true, parts.code(environment.settings[name]) }
  end
  return parts.definitions("dl.pairs", entries)
end

local function environment(facts)
  local own, target, reading = facts.environment, facts.target, known(facts.reading)
  local evidence = reading and known(reading.evidence)
  local set = settings(own)
  return {
    parts.definitions("dl.pairs", {
      { title = "opsh", known(own.opsh) },
      { title = "libpq", known(own.libpq) },
      { title = "server", known(own.server) },
      { title = "database", parts.code(target.database) },
      { title = "user", parts.code(target.user) },
      { title = "system identifier", parts.code(target.system_identifier) },
      { title = "insecure, because", known(target.insecure) },
      { title = "command", parts.code(facts.command) },
      {
        title = "the plan was read",
        reading and {
          lang.text(reading.level),
          known(reading.user) and { ", ", parts.code(reading.user) },
          evidence and lang.format(
            "; %d changed rows in statistics, transaction id: %s",
            evidence.changed_rows,
            evidence.transaction_id and lang.text("yes") or lang.text("none")
          ),
        },
      },
    }),
    set and parts.folded(lang.text("settings of the session"), set),
  }
end

local function sources(facts)
  local rows = {}
  for at, source in ipairs(parts.list(facts.runbook.sources)) do
    rows[at] = { parts.code(source.path), parts.code(source.sha256) }
  end
  local listed = parts.table({ { title = "source" }, { title = "sha256" } }, rows)
  return listed and parts.folded(lang.text("sources of the runbook"), listed)
end

local function sessions(facts)
  local rows = {}
  for at, session in ipairs(parts.list(facts.times.sessions)) do
    rows[at] = {
      parts.time(session.started),
      parts.time(session.ended) or lang.text("not known"),
      parts.seconds(session.seconds),
      known(session.operator),
      known(session.reason) and e("bdi", nil, session.reason),
    }
  end
  if #rows < 2 then return nil end
  return parts.table({
    { title = "began" },
    { title = "ended" },
    { title = "took", number = true },
    { title = "by whom" },
    { title = "why" },
  }, rows, lang.text("Sessions that worked on it"))
end

local function chain(log)
  local verdict = verdicts[log.verdict]
  local problem = known(log.problem)
  return {
    parts.definitions("dl.pairs", {
      { title = "chain", parts.state(verdict.tone, lang.text(verdict.title)) },
      { title = "first fault", problem and { parts.name(problem.message), " ", parts.code(problem.kind) } },
      { title = "entries", parts.number(log.entries) },
      { title = "sha256 of the last", parts.code(log.sha256) },
      {
        title = "head in the database",
        known(log.recorded)
          and { lang.format("entry %d, ", log.recorded.entries), parts.code(log.recorded.sha256) },
      },
      { title = "file", parts.code(log.file) },
    }),
  }
end

local function entries(log)
  local rows = {}
  for at, entry in ipairs(parts.list(log.log)) do
    rows[at] = {
      tostring(entry.sequence),
      parts.time(entry.time),
      e("details", { ["data-closed"] = true }, {
        e("summary", nil, e("bdi", nil, entry.event)),
        parts.code(json.document(entry.details)),
      }),
    }
  end
  return {
    parts.table({
      { title = "entry", number = true },
      { title = "time" },
      { title = "event" },
    }, rows),
    (known(log.left_out) or 0) > 0
      and e("p.soft", nil, lang.format("%s more, between these, are in the file.", parts.number(log.left_out))),
  }
end

--- The section.
---@param facts table
---@return table
function M.section(facts)
  local log = known(facts.audit)
  return {
    id = "audit",
    title = lang.text("Audit log"),
    count = log and parts.number(log.entries),
    content = {
      log and { chain(log), entries(log) },
      e("h3", nil, lang.text("Environment")),
      environment(facts),
      sessions(facts),
      sources(facts),
    },
  }
end

return M
