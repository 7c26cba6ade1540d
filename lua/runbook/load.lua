--- From a path to a checked runbook.
local cage = require("opsh.host.cage")
local config = require("opsh.host.config")
local declaration = require("opsh.host.runbook.declaration")
local errors = require("opsh.host.errors")
local digest = require("opsh.native.digest")
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local runbook_module = require("opsh.runbook")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local function no_such_script(path)
  local folder = path:match("^(.*)/[^/]*$") or "."
  local names = {}
  if system.file_kind(folder) == "directory" then
    for _, name in ipairs(system.list(folder)) do
      if name:match("%.lua$") then names[#names + 1] = name end
    end
  end
  local meant = text.nearest(path:match("[^/]*$"), names)
  if meant then meant = (path:match("^(.*/)[^/]*$") or "") .. meant end
  errors.raise(
    "usage.script",
    ("there is no script %s"):format(path),
    meant and ("did you mean %s?"):format(meant) or "opsh --help lists the commands; a runbook is given by its path"
  )
end

local function no_runbook(path, value)
  local hint = "end the script with: return runbook { title = ..., steps = { ... } }"
  if type(value) == "table" then
    hint = 'wrap the table: local runbook = require("opsh.runbook"); return runbook { ... }'
  end
  errors.raise(
    "script.no_runbook",
    value == nil and "the script returns nothing" or "the script returns no runbook",
    hint,
    path
  )
end

--- One hash for the script and all its modules.
local function identity(sources)
  local paths = {}
  for path in pairs(sources) do
    paths[#paths + 1] = path
  end
  table.sort(paths)
  local parts = {}
  for _, path in ipairs(paths) do
    parts[#parts + 1] = sources[path]
  end
  return digest.sha256(table.concat(parts, "\n"))
end

--- Loads and checks the runbook at `path`.
---@param path string as given
---@param taken table<string, boolean> option names that its params may not have
---@return table runbook { path, real_path, source, sources, sha256, title, params, steps, ... }
function M.load(path, taken)
  if system.file_kind(path) ~= "file" then no_such_script(path) end
  local ok, value, sources, source = host.protect(cage.run, path, { modules = config.modules() })
  if not ok then error(value, 0) end
  local declared = runbook_module.declaration(value)
  if type(declared) ~= "table" then no_runbook(path, value) end
  local runbook = declaration.check(declared, path, source, taken)
  runbook.path, runbook.real_path, runbook.source = path, system.real_path(path), source
  runbook.sources, runbook.sha256 = {}, identity(sources)
  for name, sha256 in pairs(sources) do
    runbook.sources[system.real_path(name)] = sha256
  end
  lang.of(sources, path)
  return runbook
end

--- Puts the line of the script on an error about SQL that stands in it: found by the statement's own text.
---@param runbook table
---@param err table
---@param statement string
function M.place(runbook, err, statement)
  if err.where and not err.where:find("^opsh/") then return err end
  local at = runbook.source:find(statement, 1, true)
  if not at then
    err.where = runbook.path
    return err
  end
  local _, lines = runbook.source:sub(1, at):gsub("\n", "")
  local within = err.excerpt and tonumber(err.excerpt:match("^line (%d+):")) or 1
  err.where = ("%s:%d"):format(runbook.path, lines + within)
  return err
end

return M
