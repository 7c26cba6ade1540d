--- A runbook at the prompt: its file, the values of its params, and a job that reads through the prompt's session. A
--- file of it that has changed is read again before it is used.
local copied = require("opsh.host.copied")
local digest = require("opsh.native.digest")
local errors = require("opsh.host.errors")
local failure = require("opsh.host.present.failure")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local scope = require("opsh.host.repl.scope")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local Brought = {}
Brought.__index = Brought

--- The declared param of a name.
local function named(runbook, name)
  local names = {}
  for at, param in ipairs(runbook.params) do
    if param.name == name then return param end
    names[at] = param.name
  end
  return nil, text.nearest(tostring(name), names)
end

--- A secret that was given before stays; nobody is asked for it twice.
local function read_params(runbook, given, before)
  local asked, kept = {}, {}
  for _, param in ipairs(runbook.params) do
    local former = before and named(before.runbook, param.name)
    local stays = param.secret and former and former.secret and before.read.values[param.name] ~= nil
    table.insert(stays and kept or asked, param)
  end
  local values, bound, texts = params.values(asked, given)
  for _, param in ipairs(kept) do
    local option = params.option_name(param.name)
    values[param.name], bound[param.name] = before.read.values[param.name], before.read.scope[param.name]
    texts[option] = before.read.texts[option]
  end
  return { values = values, scope = bound, texts = texts }
end

local function job_of(runbook, read, session)
  local job = jobs.new(runbook, nil, {}, {
    directory = "",
    sample = 0,
    values = function() return copied(read.values), copied(read.scope), read.texts end,
  })
  scope.connecting(job.state, session)
  return job
end

--- Loads a runbook for the prompt.
---@param path string
---@param given table<string, string[]> values of its params, by option name, among others
---@param runbook? table of load.load, when it is loaded already
---@param read? { values: table, scope: table, texts: table } what its params are, when they are read already
---@return table brought
function M.open(path, given, runbook, read)
  runbook = runbook or load.load(path, options.taken())
  local own = {}
  for _, param in ipairs(runbook.params) do
    local option = params.option_name(param.name)
    own[option] = given[option]
  end
  local self = setmetatable({ path = path, runbook = runbook, given = own }, Brought)
  self.read = read or read_params(runbook, own)
  return self
end

--- Works on a bench from here on. Raises before anything is changed there.
---@param bench table of workbench.open
function Brought:settle(bench)
  local job = job_of(self.runbook, self.read, bench.session)
  bench.session:declare(self.runbook)
  scope.look_in(bench.env, self.path:match("^(.*)/[^/]*$") or ".")
  self.bench, self.job, self.is_fresh = bench, job, true
end

--- The param of a name, or an error.
function Brought:param(name)
  local param, meant = named(self.runbook, name)
  if param then return param end
  errors.raise(
    "script.param",
    ("the runbook declares no param %s"):format(text.printable(tostring(name))),
    meant and ("did you mean %s?"):format(meant) or "=rb.params shows them"
  )
end

--- Gives a param another value, checked as that of the command line is.
---@param name string
---@param texts string[]|nil nothing: as if it was not given
function Brought:give(name, texts)
  local param = self:param(name)
  local option = params.option_name(param.name)
  local values, bound, canonical = params.values({ param }, { [option] = texts })
  local read = { values = copied(self.read.values), scope = copied(self.read.scope), texts = copied(self.read.texts) }
  read.values[name], read.scope[name], read.texts[option] = values[name], bound[name], canonical[option]
  self.job = job_of(self.runbook, read, self.bench.session)
  self.read = read
  self.given[option] = not param.secret and texts or nil
end

--- The params as values for :name, but for those that are secret.
function Brought:params_in_sql()
  local made = copied(self:use().read.scope)
  for _, param in ipairs(self.runbook.params) do
    if param.secret then made[param.name] = nil end
  end
  return made
end

--- The first of its files that is not what it was.
local function changed_file(runbook)
  for path, sha256 in pairs(runbook.sources) do
    if system.file_kind(path) ~= "file" or digest.sha256(system.read_file(path)) ~= sha256 then return path end
  end
  return nil
end

function Brought:load_again()
  local runbook = load.load(self.path, options.taken())
  local given = {}
  for _, param in ipairs(runbook.params) do
    local option = params.option_name(param.name)
    given[option] = self.given[option]
  end
  local made = setmetatable({ path = self.path, runbook = runbook, read = read_params(runbook, given, self) }, Brought)
  made:settle(self.bench)
  self.runbook, self.given, self.read, self.job = runbook, given, made.read, made.job
end

--- The error of a file that was changed: the version from before stays. What was shown already is not shown again.
function Brought:stay(file, err)
  if err.kind == "interrupted" then error(err, 0) end
  local said = ("%s %s"):format(err.message, err.where or "")
  if said ~= self.trouble then
    failure.show(err, errors.exit_code(err), { ["no-color"] = self.bench.given["no-color"] })
  end
  self.trouble = said
  self.bench.say(("%s changed and cannot be loaded: the runbook from before stays in use"):format(file))
end

--- To be called by whatever uses it: once a chunk it looks whether its files are what they were.
function Brought:use()
  if self.is_fresh then return self end
  self.is_fresh = true
  self.job.hands.default()
  local changed = changed_file(self.runbook)
  if not changed then
    self.trouble = nil
    return self
  end
  local file = text.printable(changed == self.runbook.real_path and self.path or changed)
  local ok, err = host.attempt(self.load_again, self)
  if not ok then
    self:stay(file, err)
    return self
  end
  self.trouble = nil
  local again = file == self.path and "loaded again" or self.path .. " is loaded again"
  self.bench.say(("%s changed: %s"):format(file, again))
  return self
end

--- What plans are made with: the native session, or, while a transaction writes, its batch, which sees what was tried.
function Brought:reader()
  local session, writing = self.bench.session:reader(), self.bench.writing
  if not writing then return session end
  -- A plan that fails must not end the transaction. It is over with the chunk.
  session:savepoint()
  return writing.batch
end

--- Another chunk begins.
function Brought:begin_chunk() self.is_fresh = false end

--- The first step that works on rows, else the first that has items.
function Brought:first_step()
  local first
  for _, step in ipairs(self.job.steps) do
    if step.kind == "items" and not step.schema then return step end
    first = first or step.kind == "items" and step
  end
  if first then return first end
  errors.raise("script.step", "no step of the runbook works on rows", "=rb.steps shows what they do")
end

--- The step of a name; without one the first that works on rows.
function Brought:step(name)
  if name == nil then return self:first_step() end
  local names = {}
  for at, step in ipairs(self.job.steps) do
    if step.name == name then return step end
    names[at] = step.name
  end
  local meant = type(name) == "string" and text.nearest(name, names)
  errors.raise(
    "script.step",
    ("the runbook has no step %s"):format(text.printable(tostring(name))),
    meant and ("did you mean %s?"):format(meant) or "its steps are " .. table.concat(names, ", ")
  )
end

local function same_texts(one, other)
  for name, texts in pairs(one) do
    if not other[name] or table.concat(texts, "\n") ~= table.concat(other[name], "\n") then return false end
  end
  for name in pairs(other) do
    if not one[name] then return false end
  end
  return true
end

--- What the prompt begins with.
function Brought:greeting()
  local path = text.printable(self.path)
  if not self.planned then return ("rb is %s: %s"):format(path, text.printable(self.runbook.title)) end
  return ("rb has plan %s of %s; \\apply applies it"):format(self.planned.id, path)
end

--- The job of the plan that \apply applies, while script and params are those that it was made of; nil without one.
function Brought:planned_job()
  local planned = self.planned and not self.planned.spent and self.planned.job
  local is_same = planned
    and planned.runbook.sha256 == self.runbook.sha256
    and same_texts(planned.params, self.read.texts)
  return is_same and planned or nil
end

return M
