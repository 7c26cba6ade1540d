--- Starts this very opsh for a test, in a home and a state folder of its own.
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local place = require("opsh.host.test.place")
local proc = require("opsh.native.proc")
local system = require("opsh.native.system")

local M = {}

--- Environment variables that all that tests start gets.
---@type table<string, string>
M.variables = {}

local patience = 60
local signals = { HUP = 1, INT = 2, KILL = 9, TERM = 15, CONT = 18, STOP = 19 }

--- This opsh.
function M.binary() return system.real_path("/proc/self/exe") end

local function environment(given)
  local folder = place.current().folder
  local made = {
    HOME = folder .. "/home",
    XDG_STATE_HOME = folder .. "/state",
    OPSH = M.binary(),
    -- What a test reads is English, whatever the machine speaks.
    LC_MESSAGES = "C",
    -- The empty cluster that a sandbox starts from is made once for all.
    XDG_CACHE_HOME = system.environment("XDG_CACHE_HOME") or (system.environment("HOME") or "/tmp") .. "/.cache",
  }
  for _, variables in ipairs({ M.variables, given or {} }) do
    for name, value in pairs(variables) do
      made[name] = value
    end
  end
  return made
end

local function command(argv, options)
  return {
    argv = argv,
    directory = options.directory or place.current().folder,
    environment = environment(options.environment),
    input = options.input,
    timeout = options.timeout or patience,
    -- A killed worker must not leave something behind that works in its folder.
    death_signal = signals.KILL,
  }
end

local function shown(argv)
  local parts = {}
  for at, word in ipairs(argv) do
    parts[at] = word:find("^[%w_./=:@,+-]+$") and word or ("%q"):format(word)
  end
  return table.concat(parts, " ")
end

--- Adds `json()`, and remembers the result for the report of a failure.
local function finished(result, what)
  result.what = what
  function result.json()
    local ok, value = pcall(json.decode, result.output)
    if ok then return value end
    errors.raise("test.failed", "the output is not one JSON document: " .. value.message, nil, nil, result.output)
  end
  place.current().last = result
  return result
end

local function run(argv, options, what)
  local result = finished(proc.run(command(argv, options)), what)
  if result.stopped == "interrupt" then errors.raise("interrupted", "interrupted while opsh ran") end
  if result.stopped == "deadline" then
    errors.raise("test.failed", ("%s did not end within %d s"):format(what, options.timeout or patience))
  end
  return result
end

local function arguments_of(args, options)
  local argv = { M.binary() }
  local db = options.db
  if db then argv[2] = "--db=" .. (type(db) == "table" and db.conninfo or db) end
  for _, argument in ipairs(args) do
    argv[#argv + 1] = tostring(argument)
  end
  return argv, "opsh " .. shown({ unpack(argv, 2) })
end

--- Runs opsh to its end.
function M.opsh(args, options)
  options = options or {}
  local argv, what = arguments_of(args, options)
  return run(argv, options, what)
end

--- Runs a line of shell to its end; "$OPSH" is this opsh.
function M.shell(line, options) return run({ "/bin/sh", "-c", line }, options or {}, "sh -c " .. line) end

local Process = {}
Process.__index = Process

function Process:signal(name) self.child:signal(signals[name] or error("there is no signal " .. tostring(name), 2)) end

function Process:running() return self.child:running() end

--- What it wrote to standard output so far.
function Process:output()
  self.written = self.written .. (self.child:read_output() or "")
  return self.written
end

--- What it wrote to standard error so far.
function Process:errors() return system.read_file(self.errors_path) end

--- Waits for the end; the result is that of `opsh`.
function Process:wait(seconds)
  local result = self.child:wait(seconds or patience)
  if not result then
    errors.raise(
      "test.failed",
      ("%s still runs after %d s"):format(self.what, seconds or patience),
      nil,
      nil,
      self:errors()
    )
  end
  result.output, result.errors = self.written .. result.output, self:errors()
  return finished(result, self.what)
end

--- Starts opsh and comes back at once.
function M.spawn(args, options)
  options = options or {}
  local argv, what = arguments_of(args, options)
  local process = setmetatable({ what = what, written = "" }, Process)
  process.errors_path = place.write(("errors-%d"):format(#place.current().at_end), "")
  -- exec: the process that gets the signals is opsh itself.
  local shell = command({ "/bin/sh", "-c", 'exec "$@" 2>"$OPSH_ERRORS"', "sh", unpack(argv) }, options)
  shell.environment.OPSH_ERRORS = process.errors_path
  process.child = proc.spawn(shell)
  place.at_end(function() process.child:close() end)
  return process
end

--- Waits until `condition()` holds; a test that waits in vain fails with `what`.
function M.wait_until(what, condition, seconds)
  local ends = system.clock() + (seconds or 20)
  while true do
    local held = condition()
    if held then return held end
    if system.clock() > ends then errors.raise("test.failed", "waited in vain: " .. what) end
    system.sleep(0.01)
  end
end

return M
