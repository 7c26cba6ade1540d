--- The backup that an apply relies on, as a line of text and as JSON.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local moments = require("opsh.host.backup.moments")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")

local function name_of(backup)
  if backup.level == "attested" then
    return lang.format("%s, attested, verified by %s", backup.label, backup.verified.how)
  end
  return ("%s, %s"):format(backup.file:match("[^/]*$"), lang.text(backup.level))
end

local function age_of(backup) return moments.age(moments.seconds(backup.taken or backup.time)) end

local function described(backup)
  return text.printable(("%s, %s"):format(name_of(backup), lang.message(moments.age_text(age_of(backup)))))
end

--- In the heading of an apply's result; empty where none is wanted.
function M.heading(backup)
  if not backup or backup.outcome == "exempt" then return "" end
  if backup.outcome == "none" then return lang.text("backup   none, by --no-backup\n") end
  return backup.outcome == "accepted" and lang.format("backup   %s\n", described(backup)) or ""
end

--- Under a plan that has something to do: what an apply would rely on.
function M.outlook(backup)
  if not backup then return "" end
  if backup.outcome == "accepted" then return lang.format("An apply would rely on backup %s.\n", described(backup)) end
  if backup.outcome == "asked" then
    return lang.format("An apply would ask %s for a backup.\n", text.printable(backup.command))
  end
  if backup.outcome ~= "refused" then return "" end
  local next_step = backup.hint and lang.format("  next: %s\n", text.printable(lang.message(backup.hint))) or ""
  return lang.format("An apply would be refused: %s.\n", text.printable(lang.message(backup.message))) .. next_step
end

local keys = {
  "outcome",
  "level",
  "id",
  "file",
  "sha256",
  "taken",
  "age_seconds",
  "label",
  "verified",
  "message",
  "hint",
}

--- For the document of --json; null for a job that wants none.
function M.document(backup)
  -- What was asked for and did not come about is told by the error.
  if not backup or backup.outcome == "pending" then return null end
  local made = { age_seconds = backup.outcome == "accepted" and age_of(backup) or null }
  for _, key in ipairs(keys) do
    made[key] = made[key] or backup[key] or null
  end
  made.taken = backup.taken or backup.time or null
  return setmetatable(made, { __columns = keys })
end

return M
