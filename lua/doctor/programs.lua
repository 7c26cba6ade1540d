--- The doctor looks for PostgreSQL's programs on this machine: sandboxes and backups need them.
local host = require("opsh.native.host")
local native = require("opsh.native.doctor")
local proc = require("opsh.native.proc")
local system = require("opsh.native.system")

local M = {}

local patience = 10 -- seconds for one --version

--- "pg_dump (PostgreSQL) 15.20 (Debian ...)" -> "15.20"
local function version_of(path)
  local result = proc.run({ argv = { path, "--version" }, timeout = patience })
  if result.stopped == "interrupt" then return nil end
  return result.exit == 0 and result.output:match("%(PostgreSQL%) (%S+)") or nil
end

local function find(name, directory)
  local beside = directory and directory .. "/" .. name
  return beside and system.file_kind(beside) and beside or native.find_program(name)
end

local function client(group, name, directory)
  local path = find(name, directory)
  if not path then
    group:note(name, "not found in PATH", "install the package postgresql-client")
    return nil
  end
  local version = version_of(path)
  if not version then
    group:warning(name, ("%s does not say its version"):format(path), "check it: " .. path .. " --version")
    return nil
  end
  group:ok(name, ("%s, %s"):format(version, path))
  return version
end

--- Returns the versions that were found, by name.
---@param group table of findings
---@return table<string, string>
function M.look(group)
  local ok, server = host.protect(native.server_programs)
  if ok then
    local version = server.version:match("^%S+")
    group:ok("postgres, initdb", ("%s, %s"):format(version, server.directory))
  elseif server.kind == "interrupted" then
    error(server, 0)
  else
    group:note("postgres, initdb", server.message .. "; only --sandbox and opsh test need them", server.hint)
  end
  local versions = {}
  for _, name in ipairs({ "psql", "pg_dump", "pg_restore" }) do
    group:try(name, nil, function() versions[name] = client(group, name, ok and server.directory or nil) end)
  end
  return versions
end

--- Whether the dump programs are new enough for the server.
---@param versions table<string, string>
---@param server { number: integer, version: string }
function M.compare(group, versions, server)
  local major = math.floor(server.number / 10000)
  for _, name in ipairs({ "pg_dump", "pg_restore" }) do
    local own = versions[name] and tonumber(versions[name]:match("^%d+"))
    if own and own < major then
      group:warning(
        name .. " for this server",
        ("%s is older than the server, %s: it can make no backup of it"):format(versions[name], server.version),
        ("install postgresql-client-%d, or set OPSH_PG_BIN to its bin directory"):format(major)
      )
    end
  end
end

return M
