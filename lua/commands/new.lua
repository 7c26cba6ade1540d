--- `opsh new NAME`: a runbook with its fixture and its test.
local again = require("opsh.host.commands.again")
local answers = require("opsh.host.authoring.answers")
local arguments = require("opsh.host.commands.arguments")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local made_files = require("opsh.host.authoring.made")
local new_runbook = require("opsh.host.authoring.new_runbook")
local options = require("opsh.host.options")
local params = require("opsh.host.authoring.params")
local request = require("opsh.host.authoring.request")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

--- A read session on the target, when one is named: nothing is guessed from the environment.
local function session_on(place, given)
  if given.target or given.db or given.sandbox then return workplace.reader(place.target) end
end

--- Where a first plan is made: as this command line says it, else the first target that there is.
local function place_word(given, targets)
  for _, name in ipairs({ "target", "db", "sandbox" }) do
    local value = given[name] and given[name][1]
    if value then return { ("--%s%s"):format(name, value ~= "" and "=" .. value or "") } end
  end
  local names = {}
  for name in pairs(targets) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names[1] and { "--target=" .. names[1] } or {}
end

--- The three commands that come next.
local function next_commands(paths, wanted, place)
  local plan = { "opsh", again.quoted(paths[1]) }
  for _, list in ipairs({ params.words(wanted.params), place }) do
    for _, word in ipairs(list) do
      plan[#plan + 1] = again.quoted(word)
    end
  end
  local test, script = again.quoted(paths[4]), again.quoted(paths[1])
  return { "opsh test " .. test, "opsh lint " .. script, table.concat(plan, " ") }
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh new",
    description = "Writes a runbook, its fixture and its test, which pass at once. With a target it reads the table's"
      .. " columns and key there; without one it makes up a table to begin with. On a terminal it asks for what is not"
      .. " given.",
    options = options.join(answers.options, options.host),
    positionals = { { name = "NAME", help = "Of the runbook, and of its files.", required = true } },
  })
  if not given then return 0 end
  local out = screen.open(given)
  new_runbook.check_name(words[1])
  local folder = made_files.shown(new_runbook.folder())
  if system.file_kind(folder .. "/" .. words[1] .. ".lua") then
    errors.raise(
      "usage.exists",
      ("%s/%s.lua is there already"):format(folder, words[1]),
      "nothing was written; take another name, or remove what is there"
    )
  end
  local place = workplace.open(given)
  local ok, wanted, kind = host.protect(function()
    local session = session_on(place, given)
    local wanted, kind = request.read(given, words[1], session)
    if session then session:close() end
    return wanted, kind
  end)
  place.close()
  if not ok then error(wanted, 0) end
  local paths, notes = new_runbook.write(folder, wanted, kind)
  for _, note in ipairs(notes) do
    out.say(note)
  end
  made_files.show(out, { made = paths }, next_commands(paths, wanted, place_word(given, place.config.targets)))
  return 0
end
