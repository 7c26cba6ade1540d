--- `--answers FILE`: what a person answered to manual steps beforehand, as Lua data or JSON.
---
---     return {
---       ["create an achievement by hand"] = { answer = "yes", note = "ticket 812", evidence = "screen.png" },
---       ["the team knows"] = "yes",
---     }
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local fields = { answer = true, evidence = true, note = true }

local function fail(path, message, hint) errors.raise("usage.answers", ("%s: %s"):format(path, message), hint) end

local function decode(path)
  local source = system.read_file(path)
  if path:find("%.json$") then
    local ok, value = pcall(json.decode, source)
    if not ok then fail(path, value.message) end
    return value
  end
  local chunk, message = host.load(source, path)
  if not chunk then fail(path, message:gsub("^.-:(%d+: )", "line %1"), "it is a Lua file that returns a table") end
  local ok, value = host.protect(setfenv(chunk, {}))
  if not ok then fail(path, value.message, "it is data: no functions can be called in it") end
  return value
end

local function answer_of(path, name, given)
  if type(given) == "string" then given = { answer = given } end
  if type(given) ~= "table" then fail(path, ("%s: an answer is yes or no"):format(name)) end
  for field, value in pairs(given) do
    if not fields[field] or type(value) ~= "string" then
      fail(path, ("%s: it may have answer, note and evidence, all texts"):format(name))
    end
  end
  if given.answer ~= "yes" and given.answer ~= "no" then
    fail(path, ("%s: the answer must be yes or no"):format(name))
  end
  local evidence = given.evidence
  if evidence and evidence:sub(1, 1) ~= "/" then evidence = (path:match("^(.*)/[^/]*$") or ".") .. "/" .. evidence end
  if evidence and system.file_kind(evidence) ~= "file" then
    fail(path, ("%s: there is no file %s"):format(name, evidence), "evidence is named from the answers' folder on")
  end
  return { answer = given.answer, note = given.note, evidence = evidence, how = path }
end

--- Reads and checks answers; refuses one to a step that is not there.
---@param path string
---@param runbook table
---@return table<string, { answer: string, note?: string, evidence?: string, how: string }>
function M.read(path, runbook)
  if system.file_kind(path) ~= "file" then errors.raise("usage.answers", ("there is no file %s"):format(path)) end
  local given, asked, names, made = decode(path), {}, {}, {}
  if type(given) ~= "table" then fail(path, "it must be a table of answers by the names of steps") end
  for _, step in ipairs(runbook.steps) do
    if step.kind == "manual" then
      asked[step.name], names[#names + 1] = true, step.name
    end
  end
  for name, answer in pairs(given) do
    if not asked[name] then
      local meant = text.nearest(tostring(name), names)
      fail(
        path,
        ("there is no manual step %s"):format(tostring(name)),
        meant and ("did you mean %s?"):format(meant) or "its manual steps are " .. table.concat(names, ", ")
      )
    end
    made[name] = answer_of(path, name, answer)
  end
  return made
end

return M
