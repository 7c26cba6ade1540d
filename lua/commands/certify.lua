--- `opsh certify`: shows more of a dump that is there.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local certificates = require("opsh.host.backup.certificates")
local certifying = require("opsh.host.backup.certifying")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local options = require("opsh.host.options")
local present = require("opsh.host.present.backup")
local screen = require("opsh.host.present.screen")
local workplace = require("opsh.host.workplace")

local own_options = {
  {
    name = "level",
    value = "LEVEL",
    default_text = "as far as it can be shown",
    help = "Go so far, and fail when that cannot be shown: written, readable, restored or equal.",
    group = "backup",
  },
  options.scratch,
  options.reason,
}

-- Libpq's environment may lead anywhere: a database that a dump is held against is one that was named.
local function names_database(given) return given.db or given.target or given.sandbox end

local function require_reached(certificate, level)
  if not level or certificates.level_at_least(certificate, level) then return end
  local notes = certificate.notes or {}
  errors.raise(
    "backup.level",
    ("it is %s, and %s cannot be shown%s"):format(certificate.level, level, notes[1] and ": " .. notes[#notes] or ""),
    certificate.compared_with and "make a backup with opsh backup: what it held is known then"
      or "give the database that it is of (--target or --db), to compare it with"
  )
end

local function work(out, place, given, path, command)
  local level = given.level and given.level[1]
  local certificate, dump = certifying.raise(
    { state = place.state, target = names_database(given) and place.target, config = place.config },
    path,
    {
      level = level,
      scratch = given.scratch and given.scratch[1],
      reason = options.reason_of(given),
      command = command,
    },
    out
  )
  if out.json then
    out.document(present.document(certificate, dump, "certified"))
  else
    out.text(present.certificate(out, certificate, dump))
  end
  require_reached(certificate, level)
  return 0
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh certify",
    description = "Shows more of a dump: raises the certificate of one that opsh made, or makes one for any other.\n\n"
      .. "Only what was counted at its snapshot can be shown to be right. Of a dump that opsh did not make, the tables "
      .. "that are the same in the live database now are, when one is given.",
    options = options.join(own_options, options.host),
    positionals = { { name = "FILE", help = "The dump, a file or a directory, or its certificate.", list = true } },
  })
  if not given then return 0 end
  if #words ~= 1 then
    errors.raise(
      "usage.word",
      #words == 0 and "opsh certify wants a FILE"
        or ("opsh certify takes one FILE, and these are %d: %s"):format(#words, table.concat(words, ", ")),
      "opsh certify FILE; opsh backup list shows those of opsh"
    )
  end
  if given.level then certificates.require_level(given.level[1]) end
  local out, place = screen.open(given), workplace.open(given)
  workplace.announce(place.target, "certify")
  local ok, result = host.protect(work, out, place, given, words[1], again.runbook(before, "certify", rest))
  place.close()
  if not ok then error(result, 0) end
  return result
end
