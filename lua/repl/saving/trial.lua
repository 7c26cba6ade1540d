--- A runbook that is about to be saved, tried on its fixture: on a throw-away server, by this very opsh.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local proc = require("opsh.native.proc")
local sandbox = require("opsh.native.sandbox")
local digest = require("opsh.native.digest")
local system = require("opsh.native.system")

local M = {}

local patience = 120
local tried = "the runbook was tried on its fixture"

local Trial = {}
Trial.__index = Trial

--- A folder for the files of the trial, which are rows of somebody's database: only its owner can look into it.
---@param name string of the runbook
---@param environment table<string, string> with which its test starts opsh
function M.open(name, environment)
  local folder = ("%s/opsh-save-%s"):format(system.environment("TMPDIR") or "/tmp", digest.random_hex(6))
  for _, inner in ipairs({ "fixture", "test" }) do
    system.make_directory(("%s/%s/%s"):format(folder, name, inner))
  end
  return setmetatable({ folder = folder, name = name, databases = 0, environment = environment }, Trial)
end

--- Writes a file of it.
---@param path string as it will be called beside the runbook
function Trial:write(path, text) system.write_file(self.folder .. "/" .. path, text) end

function Trial:path(path) return self.folder .. "/" .. path end

local function fail(what, said, hint)
  errors.raise("refused.save", ("%s: %s"):format(what, said), type(hint) == "string" and hint or nil)
end

--- A database with the fixture.
function Trial:database()
  self.server = self.server or sandbox.start({})
  self.databases = self.databases + 1
  local conninfo = self.server:create_database("save_" .. self.databases)
  for _, file in ipairs({ "schema", "rows" }) do
    local ok, err = host.attempt(sandbox.load, conninfo, self:path(("%s/fixture/%s.sql"):format(self.name, file)))
    if not ok then
      if err.kind == "interrupted" then error(err, 0) end
      fail(
        "the fixture cannot be loaded into another database",
        err.message,
        err.hint or "keep=COLUMN writes the values of a column as they are, where a mask does not fit"
      )
    end
  end
  return conninfo
end

local function run(self, arguments, environment)
  local argv = { system.real_path("/proc/self/exe"), unpack(arguments) }
  local with = { XDG_STATE_HOME = self.folder .. "/state", LC_MESSAGES = "C" }
  for name, value in pairs(environment or {}) do
    with[name] = value
  end
  local result = proc.run({ argv = argv, directory = self.folder, environment = with, timeout = patience })
  if result.stopped == "interrupt" then errors.raise("interrupted", "interrupted while the runbook was tried") end
  if result.stopped then fail(tried, ("it did not end within %d s"):format(patience)) end
  return result
end

--- The document of one run on its fixture; an error says why it did not get through.
local function document(self, conninfo, ...)
  local result = run(self, { "--db=" .. conninfo, self:path(self.name .. ".lua"), "--json", ... }, self.environment)
  local ok, made = pcall(json.decode, result.output)
  if not ok then fail(tried, result.errors) end
  return made, result
end

local function require_done(made)
  local err = made.error
  if type(err) ~= "table" or not err.message then return end
  local hint = err.hint
  if err.kind == "sql.undefined_table" then hint = "with=TABLE takes another table into the fixture" end
  fail(tried, err.message, hint)
end

--- Tables that change beside those that are declared: by cascades and triggers.
local function undeclared(self, conninfo)
  local made = document(self, conninfo, "--simulate=all")
  local names = {}
  for _, changed in ipairs(type(made.simulation) == "table" and made.simulation.tables or {}) do
    if not changed.declared then names[#names + 1] = changed.table end
  end
  return names
end

--- What the plan finds in the fixture, what an apply counts, what the plan finds then, and whether an undo took it all
--- back; or only the tables that it has to declare besides.
---@return { planned: integer, counts: table<string, integer>, left: integer, undone: boolean }|nil
---@return string[]|nil undeclared
function Trial:observe(conninfo)
  local made = document(self, conninfo, "--apply")
  if type(made.error) == "table" and made.error.kind == "proof.undeclared" then
    local names = undeclared(self, conninfo)
    if #names > 0 then return nil, names end
  end
  require_done(made)
  local step = made.steps[1]
  if step.planned.items == 0 then return { planned = 0 } end
  local after = document(self, conninfo)
  require_done(after)
  local undo = run(self, { "--db=" .. conninfo, "undo", made.run, "--apply", "--json" }, self.environment)
  return {
    planned = step.planned.items,
    counts = step.done and step.done.counts or {},
    left = after.steps[1].planned.items,
    undone = undo.exit == 0,
  }
end

--- Runs its test.
---@return integer|nil passed nil when one does not
---@return string|nil what and why
function Trial:test()
  local result = run(self, { "test", self:path(self.name .. "/test"), "--json" })
  local ok, made = pcall(json.decode, result.output)
  if ok and made.failed == 0 and made.passed then return made.passed end
  for _, test in ipairs(ok and made.tests or {}) do
    if test.outcome == "failed" then return nil, ("%s: %s"):format(test.name, test.message) end
  end
  return nil, result.errors
end

function Trial:close()
  if self.server then self.server:stop() end
  system.remove_tree(self.folder)
end

return M
