--- `opsh runs`: what the target's ledger knows; `opsh runs prune` is in prune.lua.
local arguments = require("opsh.host.commands.arguments")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local history = require("opsh.host.page.history")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local ledger = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local report = require("opsh.native.report")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local _, array = json.metatables()

local html = {
  name = "html",
  value = "FILE",
  help = "Write a page of all reports on this machine, to filter and to look back; no database is asked.",
}

--- The page of all reports of the state folder.
local function write_page(given, path)
  for _, name in ipairs({ "limit", "db", "target", "sandbox" }) do
    if given[name] then
      errors.raise(
        "usage.option",
        ("--html and --%s exclude each other"):format(name),
        "the page is made of the reports on this machine, and has filters"
      )
    end
  end
  local out = screen.open(given)
  local _, folder = config.load()
  local made = history.write(workplace.state_directory(folder), path)
  if out.json then
    out.document({ path = path, runs = made.runs, without_report = made.without })
  else
    out.text(lang.format("%s in %s\n", lang.counted(made.runs, "report"), path))
  end
  return 0
end

local function state_of(run)
  return ledger.undone(run) or run.interrupted and "interrupted" or run.state
end

local function title_of(run)
  lang.beside(run.runbook)
  return lang.message(run.title)
end

--- Whether the runs were for several targets: one database may be more than one.
local function has_several_targets(runs)
  for _, run in ipairs(runs) do
    if run.target ~= runs[1].target then return true end
  end
  return false
end

local function render(out, runs)
  if #runs == 0 then return lang.text("no runs in this database\n") end
  local rows, with_targets = {}, has_several_targets(runs)
  for at, run in ipairs(runs) do
    rows[at] = {
      run.id,
      lang.text(state_of(run)),
      title_of(run),
      report.number(run.items),
      report.number(run.left_out),
      run.started,
      report.duration(run.seconds),
      run.operator,
    }
    if with_targets then table.insert(rows[at], 4, text.printable(run.target or "")) end
  end
  local columns = {
    { title = "run" },
    { title = "state" },
    { title = "runbook" },
    { title = "items", right = true },
    { title = "left out", right = true },
    { title = "started (UTC)" },
    { title = "took", right = true },
    { title = "by" },
  }
  if with_targets then table.insert(columns, 4, { title = "target" }) end
  return out.table(columns, rows)
end

return function(before, rest)
  if rest[1] == "prune" then return require("opsh.host.commands.prune")(before, { unpack(rest, 2) }) end
  local given = arguments.read(before, rest, {
    program = "opsh runs",
    description = "Lists the runs of this database, newest first. opsh runs prune drops old journals.",
    options = options.join(
      { { name = "limit", value = "N", default_text = "50", help = "At most this many." }, html },
      options.host
    ),
  })
  if not given then return 0 end
  if given.html then return write_page(given, given.html[1]) end
  local limit = tonumber(given.limit and given.limit[1] or 50)
  if not limit or limit < 1 or limit ~= math.floor(limit) then
    errors.raise("usage.value", ("--limit wants a whole number from 1, not %q"):format(given.limit[1]))
  end
  local out, place = screen.open(given), workplace.open(given)
  local ok, result = host.protect(function()
    local reader = native_db.host_reader(place.target)
    local runs = ledger.runs(reader, limit)
    reader:close()
    for _, run in ipairs(runs) do
      run.state = state_of(run)
    end
    if out.json then
      out.document(setmetatable({ unpack(runs) }, array))
    else
      out.text(render(out, runs))
    end
    return 0
  end)
  place.close()
  if not ok then error(result, 0) end
  return result
end
