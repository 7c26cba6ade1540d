--- `opsh backup`: makes a backup and shows what it is worth. `opsh backup list` and `opsh backup prune` are others.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local certificates = require("opsh.host.backup.certificates")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local making = require("opsh.host.backup.making")
local options = require("opsh.host.options")
local present = require("opsh.host.present.backup")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local others = { list = "backup_list", prune = "backup_prune" }

local own_options = {
  {
    name = "level",
    value = "LEVEL",
    default_text = "equal",
    help = "Stop there: written, readable, restored or equal.",
    group = "backup",
  },
  {
    name = "tables",
    value = "A,B",
    help = "Only the rows of these tables; the certificate says so.",
    group = "backup",
  },
  {
    name = "jobs",
    value = "N",
    help = "Dump over N sessions at once, into a directory of files.",
    group = "backup",
  },
  options.scratch,
  options.reason,
}

--- The names in a list with commas; one in double quotes may have any of them in it.
local function names_in(list)
  local names, name, is_quoted = {}, {}, false
  for letter in (list .. ","):gmatch(".") do
    if letter == '"' then is_quoted = not is_quoted end
    if letter == "," and not is_quoted then
      names[#names + 1] = table.concat(name):match("^%s*(.-)%s*$")
      name = {}
    else
      name[#name + 1] = letter
    end
  end
  for _, found in ipairs(names) do
    if found == "" then
      errors.raise("usage.value", "--tables has an empty name", "names with commas between them: --tables=a,app.b")
    end
  end
  if is_quoted then errors.raise("usage.value", "--tables has a double quote without its other one") end
  return names
end

--- The command that shows more of a backup; nothing when all is shown. It wants no target: what the database held is in
--- the certificate.
local function next_command(certificate, path)
  return certificate.level ~= "equal" and again.runbook({}, "certify", { path }) or nil
end

local function make(out, place, given, command)
  local certificate, path = making.make(place, {
    level = given.level and given.level[1],
    tables = given.tables and names_in(given.tables[1]),
    jobs = options.jobs_of(given),
    scratch = given.scratch and given.scratch[1],
    reason = options.reason_of(given),
    command = command,
  }, out)
  if out.json then
    out.document(present.document(certificate, path, "made"))
  else
    out.text(present.certificate(out, certificate, path, next_command(certificate, path)))
  end
  return 0
end

local function refuse_word(word)
  local meant = text.nearest(word, { "list", "prune" })
  errors.raise(
    "usage.word",
    ("opsh backup makes one, and takes no %s"):format(word),
    meant and ("did you mean opsh backup %s?"):format(meant) or "opsh backup list, or opsh certify FILE"
  )
end

return function(before, rest)
  if others[rest[1]] then
    return require("opsh.host.commands." .. others[rest[1]])(before, { unpack(rest, 2) })
  end
  local given, words = arguments.read(before, rest, {
    program = "opsh backup",
    description = "Makes a backup of the target's database, and shows what it is worth: that it was written, that it "
      .. "reads, that it restores into a throw-away server, and that what came out is what the database held.\n\n"
      .. "opsh backup list shows those that there are; opsh backup prune removes old ones.",
    options = options.join(own_options, options.host),
    positionals = { { name = "list | prune", help = "Instead: see opsh backup list --help." } },
  })
  if not given then return 0 end
  if words[1] then refuse_word(words[1]) end
  if given.level then certificates.require_level(given.level[1]) end
  local out, place = screen.open(given), workplace.open(given)
  workplace.announce(place.target, "backup")
  local ok, result = host.protect(make, out, place, given, again.runbook(before, "backup", rest))
  place.close()
  if not ok then error(result, 0) end
  return result
end
