--- The backup that a run relies on: what it was shown to be worth.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

local outcomes = {
  accepted = { tone = "good", title = "accepted" },
  refused = { tone = "bad", title = "refused" },
  none = { tone = "warn", title = "none, by --no-backup" },
  exempt = { tone = "idle", title = "not asked for" },
  asked = { tone = "idle", title = "asked for at the apply" },
}

local levels = { "written", "readable", "restored", "equal" }

--- The levels up to the one that is shown.
local function ladder(level)
  local content, reached = {}, true
  for at, name in ipairs(levels) do
    content[at] = { at > 1 and e("span.soft", nil, " → "), parts.state(reached and "good" or "idle", lang.text(name)) }
    if name == level then reached = false end
  end
  return content
end

local function is_level(level)
  for _, name in ipairs(levels) do
    if name == level then return true end
  end
  return false
end

--- The section; nothing where no backup is spoken of.
---@param facts table
---@return table|nil
function M.section(facts)
  local rehearsal = known(facts.rehearsal)
  local backup = known(facts.backup) or rehearsal and rehearsal.backup
  if not backup then return nil end
  local outcome = outcomes[known(backup.outcome)]
  local level, verified = known(backup.level), known(backup.verified)
  return {
    id = "backup",
    title = lang.text("Backup"),
    count = level and level ~= "none" and lang.text(level) or nil,
    content = {
      known(backup.message) and e("p", nil, parts.name(backup.message)),
      known(backup.hint) and e("p", nil, parts.name(backup.hint)),
      parts.definitions("dl.pairs", {
        { title = "outcome", outcome and parts.state(outcome.tone, lang.text(outcome.title)) },
        { title = "shown to be", is_level(level) and ladder(level) or level == "attested" and lang.text(level) },
        { title = "backup", parts.code(backup.id) or known(backup.label) },
        { title = "taken", parts.time(backup.taken) },
        { title = "age at the apply", known(backup.age_seconds) and parts.seconds(backup.age_seconds) },
        { title = "size", known(backup.size) and parts.bytes(backup.size) },
        { title = "file", parts.code(backup.file) },
        { title = "sha256", parts.code(backup.sha256) },
        { title = "verified by", verified and { parts.code(verified.how), " ", parts.time(verified.time) } },
      }),
    },
  }
end

return M
