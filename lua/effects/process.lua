--- Programs that a script asks for.
local credentials = require("opsh.host.effects.credentials")
local errors = require("opsh.host.errors")
local native = require("opsh.native.proc")
local places = require("opsh.host.effects.places")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")

local M = {}

-- So much of what a program said goes into an error's detail.
local shown_bytes = 2000

local function quoted(word)
  if word:find("^[%w_./=:@%%+,-]+$") then return word end
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

local function command_line(request)
  local words = {}
  for at, word in ipairs(request.argv) do
    words[at] = quoted(word)
  end
  return table.concat(words, " ")
end

--- What is run, as it is shown and recorded.
function M.describe(request) return "run " .. command_line(request) end

--- What a person would type.
function M.by_hand(request, world)
  return ("cd %s && %s"):format(quoted(places.resolve(world, request.directory or ".")), command_line(request))
end

local function environment(request, world)
  local made = {}
  for _, name in ipairs(request.passed) do
    local value = system.environment(name)
    if not value then
      errors.raise("effect.environment", ("there is no environment variable %s"):format(name), "set it")
    end
    made[name] = value
  end
  for name, value in pairs(request.set) do
    made[name] = value
  end
  for _, name in ipairs(request.secrets) do
    made[name] = credentials.value(world, name)
  end
  return made
end

--- A path is one from the folder that it runs in, as for everything else there.
local function program(request, world)
  local name = request.argv[1]
  if name:sub(1, 1) == "/" or not name:find("/", 1, true) then return name end
  return places.resolve(world, request.directory or ".") .. "/" .. name
end

--- Raises what can be known before it runs.
function M.foresee(request, world)
  local folder = places.resolve(world, request.directory or ".")
  if system.file_kind(folder) ~= "directory" then
    errors.raise("process.directory", ("there is no folder %s to run %s in"):format(folder, request.argv[1]))
  end
  environment(request, world)
  if not native.find(program(request, world)) then
    errors.raise(
      "process.not_found",
      ("there is no program %s"):format(program(request, world)),
      "look at PATH, or write its path"
    )
  end
end

local function is_expected(status, expect)
  if expect == "any" then return true end
  for _, wanted in ipairs(expect or { 0 }) do
    if wanted == status then return true end
  end
  return false
end

local function tail(output)
  return #output > shown_bytes and "..." .. output:sub(-shown_bytes) or output
end

local function fail(kind, request, how, result)
  local err = errors.of({ kind = kind, message = "" })
  err.message = ("%s: %s"):format(command_line(request), how)
  local said = result.errors ~= "" and result.errors or result.output
  err.detail = said ~= "" and secrets.redacted(tail(said)):gsub("%s+$", "") or nil
  err.status = result.exit
  error(err, 0)
end

--- Runs it to its end.
---@return table result { exit, output, errors }
---@return table facts { status } for the record
function M.perform(request, world)
  M.foresee(request, world)
  local result = native.run({
    argv = { program(request, world), unpack(request.argv, 2) },
    directory = places.resolve(world, request.directory or "."),
    environment = environment(request, world),
    input = request.input,
    timeout = request.timeout,
  })
  world.keep_output(request, result)
  if result.stopped == "interrupt" then errors.raise("interrupted", "interrupted while a program ran") end
  if result.stopped == "deadline" then
    fail("process.timeout", request, ("stopped after %g s; it may have done a part"):format(request.timeout), result)
  end
  if result.signal or not is_expected(result.exit, request.expect) then
    fail("process.failed", request, result.text, result)
  end
  return { exit = result.exit, output = result.output, errors = result.errors }, { status = result.exit }
end

M.not_done = {
  ["effect.environment"] = true,
  ["effect.secret"] = true,
  ["process.directory"] = true,
  ["process.not_found"] = true,
  ["process.start"] = true,
}

function M.foretold() return { exit = 0, output = "", errors = "" } end

return M
