local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local native_db = require("opsh.native.db")
local text = require("opsh.native.text")
local words = require("opsh.host.repl.words")
local workplace = require("opsh.host.workplace")

--- The host options with another target in the place of theirs.
local function options_for(given, name, value)
  local made = {}
  for option, values in pairs(given) do
    made[option] = values
  end
  made.db, made.target, made.sandbox, made.keep = nil, nil, nil, nil
  if name ~= "db" then made.insecure = nil end
  made[name] = { value }
  return made
end

--- The same server, another database.
local function beside(place, database)
  local target = {}
  for name, value in pairs(place.target) do
    target[name] = value
  end
  target.dbname = database
  target.described = native_db.describe(target)
  return {
    target = target,
    state = place.state,
    config = place.config,
    folder = place.folder,
    -- What has to be closed is the other one's.
    close = function() end,
  }
end

local function place_of(bench, word)
  local settings = config.load()
  if settings.targets[word] then return workplace.open(options_for(bench.given, "target", word)) end
  if word:find("=", 1, true) or word:find("://", 1, true) then
    return workplace.open(options_for(bench.given, "db", word))
  end
  return beside(bench.session:place(), word)
end

return {
  name = "c",
  arguments = "[TARGET|DATABASE|CONNINFO]",
  help = "goes to another target of opsh.config.lua, database or server; values are kept",
  complete = function()
    local names = {}
    for name in pairs(config.load().targets) do
      names[#names + 1] = name
    end
    table.sort(names)
    return names
  end,
  run = function(bench, rest)
    local given = words.of(rest)
    if #given > 1 then
      errors.raise(
        "usage.word",
        "\\c takes a target, a database or a connection string",
        ("as in \\c 'dbname=%s user=%s'"):format(given[1], given[2])
      )
    end
    if given[1] then bench.session:move(place_of(bench, (given[1]:gsub('^"(.*)"$', "%1")))) end
    local described = text.printable(bench.session:place().target.described)
    bench.say(("%s, read only"):format(described))
  end,
}
