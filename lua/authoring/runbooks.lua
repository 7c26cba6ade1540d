--- The runbooks that there are, and when each was run last.
local audit_files = require("opsh.host.runbook.audit_files")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local ledger = require("opsh.host.runbook.ledger")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local system = require("opsh.native.system")

local M = {}

local most_runs = 1000

--- A module beside the runbooks is none, and says nothing of being one.
local function is_module(path, err)
  return err.kind == "script.no_runbook" and not system.read_file(path):find("opsh.runbook", 1, true)
end

local function add(list, path, is_named)
  local ok, runbook = host.protect(load.load, path, options.taken())
  if ok then
    list[#list + 1] = { path = path, real_path = runbook.real_path, runbook = runbook }
    return
  end
  if runbook.kind == "interrupted" then error(runbook, 0) end
  if is_named or not is_module(path, runbook) then list[#list + 1] = { path = path, err = runbook } end
end

--- The runbooks of files and folders, in their order; of one that does not load `err` says why.
---@param paths string[]
---@return { path: string, real_path?: string, runbook?: table, err?: table }[]
function M.find(paths)
  local list = {}
  for _, path in ipairs(paths) do
    local kind = system.file_kind(path)
    if not kind or kind == "other" then
      errors.raise("usage.script", ("there is no file or folder %s"):format(path), "name runbooks, or folders of them")
    end
    for _, name in ipairs(kind == "directory" and system.list(path) or {}) do
      local inner = path:gsub("/$", "") .. "/" .. name
      if name:find("%.lua$") and name ~= "opsh.config.lua" and system.file_kind(inner) == "file" then
        add(list, inner, false)
      end
    end
    if kind ~= "directory" then add(list, path, true) end
  end
  return list
end

local function entry_of(line)
  local ok, entry = host.protect(json.decode, line)
  return ok and type(entry) == "table" and type(entry.details) == "table" and entry or nil
end

--- The newest apply of each script that this state folder knows: by the script's path.
---@param state string
---@return table<string, { id: string, state: string, started: string }>
function M.last_runs_here(state)
  local folder = state .. "/runs"
  local names = system.file_kind(folder) == "directory" and system.list(folder) or {}
  local found, undone = {}, {}
  for at = #names, math.max(1, #names - most_runs + 1), -1 do
    local path = ("%s/%s/%s"):format(folder, names[at], audit_files.file_name)
    local text = system.file_kind(path) == "file" and system.read_file(path) or ""
    local first, last = entry_of(text:match("^[^\n]*")), entry_of(text:match("([^\n]*)\n?$"))
    if first and first.event == "run started" then
      local details = first.details
      local is_done = last and last.event == "run finished"
      if details.undo_of then
        if is_done then undone[details.undo_of] = true end
      elseif details.script and not found[details.script] then
        local is_stopped = last and last.event == "run stopped"
        found[details.script] = {
          id = names[at],
          state = undone[names[at]] and "undone"
            or is_done and last.details.outcome
            or is_stopped and last.details.state
            or "interrupted",
          started = first.time:gsub("T", " "):gsub("%..*$", ""),
        }
      end
    end
  end
  return found
end

--- The same, as the ledger of a target has it.
---@param reader userdata
function M.last_runs_of(reader)
  local found = {}
  for _, run in ipairs(ledger.runs(reader, most_runs)) do
    if not run.undo_of and not found[run.runbook] then
      found[run.runbook] = {
        id = run.id,
        state = ledger.undone(run) or run.interrupted and "interrupted" or run.state,
        started = run.started,
      }
    end
  end
  return found
end

return M
