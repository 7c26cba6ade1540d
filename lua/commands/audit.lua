--- `opsh audit verify|show`: whether the audit logs are what was written, and what they say.
local arguments = require("opsh.host.commands.arguments")
local audit_files = require("opsh.host.runbook.audit_files")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local present = require("opsh.host.present.audit")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local _, array = json.metatables()
local null = json.decode("null")

--- The one of `ids` that begins with `given`.
local function run_named(given, ids, where)
  if given == "" then errors.raise("usage.run", "RUN is empty", "opsh audit verify lists them") end
  local found = {}
  for _, id in ipairs(ids) do
    if id == given then return id end
    if id:sub(1, #given) == given then found[#found + 1] = id end
  end
  if #found == 1 then return found[1] end
  if #found > 1 then
    errors.raise("usage.run", ("%d runs begin with %s"):format(#found, given), "write more of the id")
  end
  local meant = text.nearest(given, ids)
  errors.raise(
    "usage.run",
    ("there is no run %s %s"):format(given, where),
    meant and ("did you mean %s?"):format(meant) or "opsh audit verify lists them"
  )
end

--- Those that were asked for: by name, else the runs of this database.
local function chosen(judged, words, all)
  local by_id, ids, made = {}, {}, {}
  for at, one in ipairs(judged) do
    by_id[one.run], ids[at] = one, one.run
    if all or not one.other_database then made[#made + 1] = one end
  end
  if #words == 0 then return made end
  made = {}
  for at, word in ipairs(words) do
    local one = by_id[run_named(word, ids, "in this database, nor a log of it here")]
    -- Whoever asks for one run must not take "not judged" for "good".
    if one.elsewhere then one.problem = { kind = "no_file", message = one.elsewhere } end
    made[at] = one
  end
  return made
end

local function document(judged, bad)
  local runs = {}
  for at, made in ipairs(judged) do
    runs[at] = {
      run = made.run,
      state = made.state,
      file = made.file,
      first = made.first or null,
      entries = made.entries,
      sha256 = made.sha256 or null,
      recorded = made.recorded or null,
      outcome = made.problem and "bad" or made.elsewhere and "not judged" or "good",
      problem = made.problem or null,
      other_database = made.other_database or null,
    }
  end
  return { outcome = bad and "bad" or "good", runs = setmetatable(runs, array) }
end

local function report(out, judged)
  local bad = false
  for _, made in ipairs(judged) do
    bad = bad or made.problem ~= nil
  end
  if out.json then
    out.document(document(judged, bad))
  else
    out.text(present.verdicts(out, judged))
  end
  return bad and 6 or 0
end

local actions = {}

function actions.verify(out, given, words)
  if given.file then
    if #words > 0 or given.all then
      errors.raise("usage.option", "--file stands alone", "without it, the logs of the target's runs are verified")
    end
    local made = audit_files.verify(given.file[1], "")
    local entries = made.entries > 0 and audit_files.entries(given.file[1]) or {}
    made.run, made.state, made.alone = entries[1] and entries[1].run or "", "", true
    return report(out, { made })
  end
  local place = workplace.open(given)
  local ok, judged = host.protect(function()
    local reader = native_db.host_reader(place.target)
    local all = audit_files.judge(reader, place.state)
    reader:close()
    return all
  end)
  place.close()
  if not ok then error(judged, 0) end
  return report(out, chosen(judged, words, given.all))
end

function actions.show(out, given, words)
  if given.file or given.all or #words ~= 1 then
    errors.raise("usage.word", "opsh audit show takes one RUN and nothing else", "opsh audit show RUN")
  end
  local _, folder = config.load()
  local state = workplace.state_directory(folder)
  local path = audit_files.path(state, run_named(words[1], audit_files.here(state), "with a log in " .. state))
  local entries = audit_files.entries(path)
  if out.json then
    out.document(setmetatable(entries, array))
    return 0
  end
  for _, entry in ipairs(entries) do
    out.text(present.entry(out, entry))
  end
  local problem = audit_files.verify(path, "").problem
  if problem then out.text(("\n%s  %s\n"):format(out.color(31, "BAD"), text.printable(problem.message))) end
  return problem and 6 or 0
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh audit",
    description = "Every run writes what it decides and does into an audit log, before it does it. verify says whether"
      .. " the logs are what was written, and names the first entry that is not; show prints the entries of one.",
    options = options.join({
      { name = "file", value = "FILE", help = "Verify this file alone, without a connection (verify)." },
      { name = "all", help = "Also the logs of other databases in this state folder (verify)." },
    }, options.host),
    positionals = {
      { name = "ACTION", help = "verify or show.", required = true },
      { name = "RUN", help = "Its id, or the beginning of it; for verify several, or all of the target.", list = true },
    },
  })
  if not given then return 0 end
  local action = table.remove(words, 1)
  if not actions[action] then
    local meant = text.nearest(action, { "verify", "show" })
    errors.raise(
      "usage.command",
      ("opsh audit knows no %s"):format(action),
      meant and ("did you mean %s?"):format(meant) or "verify or show"
    )
  end
  return actions[action](screen.open(given), given, words)
end
