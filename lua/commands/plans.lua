--- `opsh plans`: the plans that are kept here; `opsh plans show ID` shows one again.
local arguments = require("opsh.host.commands.arguments")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local lang = require("opsh.host.lang")
local options = require("opsh.host.options")
local plans = require("opsh.host.runbook.plans")
local present = require("opsh.host.present.plans")
local report = require("opsh.native.report")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local function show(out, state, targets, id)
  local plan = plans.named(state, targets, id)
  if out.json then
    system.write_out(plans.shown(plan, "json"))
    return
  end
  out.text(lang.format(
    "made %s UTC, %s ago: %s\n\n",
    os.date("!%Y-%m-%d %H:%M:%S", plan.made),
    report.duration(plan.age),
    present.state(plan)
  ))
  out.text(plans.shown(plan, "txt"))
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh plans",
    description = "Lists the plans that an apply can be compared with, newest first; show prints one again as it was"
      .. " shown. Connects to nothing.",
    options = options.plain(),
    positionals = {
      { name = "ACTION", help = "show; without it, the plans are listed." },
      { name = "ID", help = "Of a plan, or the beginning of it (show)." },
    },
  })
  if not given then return 0 end
  local out = screen.open(given)
  local settings, folder = config.load()
  local state = workplace.state_directory(folder)
  if #words == 0 then
    local listed = plans.list(state, settings.targets)
    if out.json then
      out.document(present.list_document(listed))
    else
      out.text(present.list(out, listed))
    end
    return 0
  end
  if words[1] ~= "show" then
    local meant = text.nearest(words[1], { "show" })
    errors.raise(
      "usage.command",
      ("opsh plans knows no %s"):format(words[1]),
      meant and "did you mean opsh plans show?" or "opsh plans show ID shows one again"
    )
  end
  if not words[2] then errors.raise("usage.word", "opsh plans show wants an ID", "opsh plans lists them") end
  show(out, state, settings.targets, words[2])
  return 0
end
