--- Flags in environment files: lines `NAME=value`, the others are left as they are.
local errors = require("opsh.host.errors")
local files = require("opsh.host.effects.file")
local places = require("opsh.host.effects.places")
local system = require("opsh.native.system")

local M = {}

function M.describe(request)
  if request.verb == "set" then return ("set %s=%s in %s"):format(request.flag, request.value, request.path) end
  return ("%s %s %s %s"):format(
    request.verb == "get" and "read" or "take",
    request.flag,
    request.verb == "get" and "in" or "out of",
    request.path
  )
end

--- The value as it is written, at the beginning of a text: up to the closing quote, a comment or the end.
local function written_at(rest)
  local quote = rest:match("^[\"']")
  local at = 2
  while quote and at <= #rest do
    local byte = rest:sub(at, at)
    if byte == quote then return rest:sub(1, at) end
    at = at + (byte == "\\" and quote == '"' and 2 or 1)
  end
  return rest:match("^(.-)%s+#") or rest:match("^(.-)%s*$")
end

--- A line of the file in its parts: what stands before the value, the value as it is written, what comes after it.
local function parts(line, flag)
  local before = line:match("^%s*" .. flag .. "%s*=") or line:match("^%s*export%s+" .. flag .. "%s*=")
  if not before then return nil end
  local rest = line:sub(#before + 1)
  if not rest:find("^%s+#") then
    local blanks = rest:match("^%s*")
    before, rest = before .. blanks, rest:sub(#blanks + 1)
  end
  local written = written_at(rest)
  return before, written, rest:sub(#written + 1)
end

local function value_of(written)
  local single = written:match("^'(.*)'$")
  if single then return single end
  local double = written:match('^"(.*)"$')
  if double then return (double:gsub("\\(.)", "%1")) end
  return written
end

local function written_as(value)
  if value:find("^[%w_./:@%%+,-]*$") then return value end
  return '"' .. value:gsub('[\\"$`]', "\\%0") .. '"'
end

--- The lines of a file with their ends, and the numbers of those that set the flag.
local function look(request, world)
  local path = places.file(world, request.path)
  local lines, found = {}, {}
  for line in system.read_file(path):gmatch("[^\n]*\n?") do
    if line ~= "" then
      lines[#lines + 1] = line
      if parts(line:match("^(.-)\r?\n?$"), request.flag) then found[#found + 1] = #lines end
    end
  end
  if #found > 1 then
    errors.raise(
      "file.flag",
      ("%s sets %s twice, in lines %d and %d"):format(path, request.flag, found[1], found[2]),
      "leave one of them: programs differ in which of the two they take"
    )
  end
  return path, lines, found[1]
end

local function changed(lines, at, request)
  local ending = (lines[1] or ""):match("\r\n$") and "\r\n" or "\n"
  if request.verb == "unset" then
    if at then table.remove(lines, at) end
  elseif at then
    local content, own = lines[at]:match("^(.-)(\r?\n?)$")
    local before, _, after = parts(content, request.flag)
    lines[at] = before .. written_as(request.value) .. after .. own
  else
    if #lines > 0 and not lines[#lines]:find("\n$") then lines[#lines] = lines[#lines] .. ending end
    lines[#lines + 1] = ("%s=%s%s"):format(request.flag, written_as(request.value), ending)
  end
  return table.concat(lines)
end

--- Raises when the file is not there, says the flag twice or cannot be written.
function M.foresee(request, world)
  local path = look(request, world)
  local obstacle = request.verb ~= "get" and system.obstacle(path)
  if obstacle then error(obstacle, 0) end
end

function M.perform(request, world)
  local path, lines, at = look(request, world)
  if request.verb ~= "get" then
    system.replace_file(path, changed(lines, at, request))
    return nil, {}
  end
  if not at then return nil, {} end
  local _, written = parts(lines[at]:match("^(.-)\r?\n?$"), request.flag)
  return value_of(written), {}
end

M.not_done = setmetatable({ ["file.flag"] = true }, { __index = files.not_done })

function M.foretold() return nil end

return M
