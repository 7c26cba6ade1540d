--- Who works here, with what, and from which commit: facts for the audit log.
local doctor = require("opsh.native.doctor")
local host = require("opsh.native.host")
local proc = require("opsh.native.proc")
local system = require("opsh.native.system")

local M = {}

local git_seconds = 2

--- The person at this process.
function M.operator()
  return {
    operator = system.user() .. "@" .. system.host(),
    uid = system.uid(),
    pid = system.pid(),
    terminal = system.terminal(0).terminal,
  }
end

--- Versions of what takes part.
---@param server string of the server, as it says itself
function M.versions(server)
  local made = { opsh = host.version(), server = server }
  for _, library in ipairs(doctor.libraries()) do
    if library.name == "libpq" then made.libpq = library.running or library.compiled end
  end
  return made
end

-- Reads only: not even the index is refreshed, and no monitor that the repository names is started.
local function git(folder, ...)
  local ok, result = host.protect(proc.run, {
    argv = { "git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", folder, ... },
    environment = { LC_ALL = "C" },
    timeout = git_seconds,
  })
  return ok and result.exit == 0 and not result.stopped and result.output or nil
end

--- The commit that the script's repository is at, its tag when it has one, and whether anything there differs from it.
--- Nothing when there is no repository, no commit or no git; `dirty` is missing when git took too long to say.
---@param script string absolute path
---@return { commit: string, tag?: string, dirty?: boolean }|nil
function M.repository(script)
  local folder = script:match("^(.*)/[^/]*$")
  -- What was typed has none.
  if not folder then return nil end
  local status = git(folder, "status", "--porcelain=v2", "--branch")
  local commit = (status or ""):match("# branch.oid (%x+)") or (git(folder, "rev-parse", "HEAD") or ""):match("%x+")
  if not commit then return nil end
  local dirty
  if status then dirty = ("\n" .. status):find("\n[^#]") ~= nil end
  local tag = git(folder, "describe", "--tags", "--exact-match", commit)
  return { commit = commit, tag = tag and tag:match("%S+"), dirty = dirty }
end

return M
