--- Backups that another system keeps: the target's command says what there is, and the policy says what is enough.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local config = require("opsh.host.config")
local json = require("opsh.native.json")
local moments = require("opsh.host.backup.moments")
local proc = require("opsh.native.proc")
local report = require("opsh.native.report")
local text = require("opsh.native.text")

local M = {}

local patience = 60 -- seconds
local usual_age = "2h"
local most_shown = 500 -- columns

--- One line of what a command wrote.
local function quoted(output)
  local line = text.printable((output:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")))
  return line == "" and "nothing" or text.fit(line, most_shown)
end

local function refuse(command, what, result)
  local said = ""
  if result then
    said = "; it printed " .. quoted(result.output)
    if result.errors:find("%S") then said = ("%s, and as an error %s"):format(said, quoted(result.errors)) end
  end
  errors.raise(
    "backup.attested",
    ("%s: %s%s"):format(command[1], what, said),
    ("run it by hand: %s"):format(table.concat(command, " "))
  )
end

local function run(command)
  local ok, result = host.protect(proc.run, { argv = command, timeout = patience })
  if not ok then refuse(command, "it cannot be run: " .. result.message) end
  if result.stopped == "interrupt" then errors.raise("interrupted", ("interrupted while %s ran"):format(command[1])) end
  if result.stopped then refuse(command, ("it did not end within %d s"):format(patience), result) end
  if result.exit ~= 0 then refuse(command, result.text, result) end
  return result
end

--- The object that the command printed, or why it is none.
local function read(output)
  local ok, found = host.protect(json.decode, output)
  if not ok or type(found) ~= "table" then return nil, "that is not one JSON object" end
  for _, name in ipairs({ "time", "system_identifier", "label" }) do
    -- A system identifier has more digits than a number of JSON's keeps.
    if type(found[name]) ~= "string" or found[name] == "" then return nil, ("%s must be a text"):format(name) end
  end
  if found.database ~= nil and type(found.database) ~= "string" then return nil, "database must be a text" end
  local verified = found.verified
  if type(verified) ~= "table" or type(verified.how) ~= "string" or type(verified.time) ~= "string" then
    return nil, 'verified must be { "how": name, "time": time }'
  end
  return found
end

local function lack_of_time(name, iso)
  local seconds = moments.seconds(iso)
  if not seconds then return ("%s is not a time in UTC such as 2026-11-21T18:45:00Z"):format(name) end
  if moments.is_future(seconds) then return ("%s is in the future"):format(name) end
end

local function lack_of(found, policy, identity)
  if found.system_identifier ~= identity.system_identifier then
    return ("it is a backup of system %s, and this is system %s"):format(
      text.printable(found.system_identifier),
      identity.system_identifier
    )
  end
  if found.database and found.database ~= identity.database then
    return ("it is a backup of database %s, and this is %s"):format(text.printable(found.database), identity.database)
  end
  local wrong = lack_of_time("time", found.time) or lack_of_time("verified.time", found.verified.time)
  if wrong then return wrong end
  local age, limit = moments.age(moments.seconds(found.time)), config.seconds(policy.max_age)
  if age > limit then
    return ("the backup is %s old, and the limit is %s"):format(report.duration(age), report.duration(limit))
  end
  for _, how in ipairs(policy.verified) do
    if found.verified.how == how then return nil end
  end
  return ("it was verified by %s, and the target accepts %s"):format(
    text.printable(found.verified.how),
    errors.either(policy.verified)
  )
end

--- Asks the command of a target, and refuses what its policy does not accept.
---@param backup table of the target: { attested, max_age }
---@param identity table of jobs.identify
---@return { level: "attested", label: string, time: string, verified: { how: string, time: string } }
function M.ask(backup, identity)
  local attested = backup.attested
  local result = run(attested.command)
  local found, wrong = read(result.output)
  if not found then refuse(attested.command, wrong, result) end
  wrong = lack_of(found, {
    max_age = attested.max_age or backup.max_age or usual_age,
    verified = attested.verified,
  }, identity)
  if wrong then refuse(attested.command, wrong, result) end
  return {
    level = "attested",
    label = found.label,
    time = found.time,
    system_identifier = found.system_identifier,
    database = found.database,
    verified = { how = found.verified.how, time = found.verified.time },
  }
end

return M
