--- `opsh report RUN`: makes a run's report files again, of its folder and the ledger.
local arguments = require("opsh.host.commands.arguments")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local ledger = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local present = require("opsh.host.present.reports")
local report_files = require("opsh.host.report.files")
local screen = require("opsh.host.present.screen")
local workplace = require("opsh.host.workplace")

local _, array = json.metatables()

local output = {
  name = "output",
  value = "DIR",
  help = "Let the report files begin in this folder.",
  default_text = "that of the run",
  group = "ladder",
}

local function make(place, id, folder)
  local session = native_db.host_reader(place.target)
  local ok, result = host.protect(function()
    local run = ledger.run(session, id)
    local files = report_files.again(session, place.state .. "/runs/" .. run.id, run.id, folder)
    if #files > 0 then return files end
    errors.raise(
      "usage.run",
      ("run %s has no report files that could be made again here"):format(run.id),
      "a step that is done and declares a report has, on the machine that it ran on"
    )
  end)
  session:close()
  if not ok then error(result, 0) end
  return result
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh report",
    description = "Makes the report files of a run again: the items of its steps with what became of each.",
    options = options.join({ output }, options.host),
    positionals = { { name = "RUN", help = "Its id, or the beginning of it.", required = true } },
  })
  if not given then return 0 end
  local folder = given.output and report_files.folder(given.output[1])
  local out, place = screen.open(given), workplace.open(given)
  local ok, result = host.protect(make, place, words[1], folder)
  place.close()
  if not ok then error(result, 0) end
  if out.json then
    local list = setmetatable({}, array)
    for at, file in ipairs(result) do
      list[at] = present.file(file)
    end
    out.document(list)
  else
    out.text(present.lines(result))
  end
  return 0
end
