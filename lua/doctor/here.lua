--- The doctor looks at opsh itself: its libraries, its configuration, its files, the terminal.
local config = require("opsh.host.config")
local counted = require("opsh.host.counted")
local host = require("opsh.native.host")
local libraries = require("opsh.host.libraries")
local native = require("opsh.native.doctor")
local native_db = require("opsh.native.db")
local report = require("opsh.native.report")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

local M = {}

-- A spool of some million rows must fit.
local little_space = 1024 * 1024 * 1024

-- OpenResty's fork of LuaJIT has functions that the original does not.
local function fork() return type(rawget(jit, "prngstate")) == "function" and "OpenResty's fork" or "the original" end

local function look_at_libraries(group)
  local used = libraries.used()
  for _, library in ipairs(used) do
    if library.name == "LuaJIT" then group:ok("Lua", ("LuaJIT %s, %s"):format(library.running, fork())) end
    if library.running and library.running ~= library.compiled then
      local found = ("built with %s, runs with %s"):format(library.compiled, library.running)
      if library.running:match("^%d+") == library.compiled:match("^%d+") then
        group:note(library.name, found, "fine as long as it is the same major version")
      else
        group:warning(library.name, found, "build opsh again on this machine: tools/build")
      end
    end
  end
  group:ok("libraries", libraries.line(used))
end

local function targets(group, settings, path)
  local names = {}
  for name in pairs(settings.targets) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    for _, key in ipairs({ "connect", "reader" }) do
      local conninfo = settings.targets[name][key]
      local ok, err = host.protect(native_db.describe, { conninfo = conninfo or "" })
      if not ok then
        group:problem(("target %s"):format(name), ("%s: %s"):format(key, err.message), err.hint)
      elseif conninfo and secrets.in_conninfo(conninfo) then
        group:problem(
          ("target %s"):format(name),
          ("%s has a password in %s, which opsh refuses"):format(key, path),
          "move it to the passfile (~/.pgpass) or a service file, which only you can read"
        )
      end
    end
  end
  return names
end

--- Where the configuration is; its folder also when it is not valid.
local function configuration(group)
  local ok, settings, folder = host.protect(config.load)
  if not ok then
    if settings.kind ~= "usage.config" then error(settings, 0) end
    group:problem("opsh.config.lua", settings.message .. " (" .. settings.where .. ")", settings.hint or "mend it")
    return nil, settings.where:match("^(.*)/[^/]*$")
  end
  if not folder then
    group:ok("opsh.config.lua", "none in this folder or above; --db and libpq's environment work without one")
    return settings, nil
  end
  local path = folder .. "/opsh.config.lua"
  local names = targets(group, settings, path)
  for at, name in ipairs(names) do
    if settings.targets[name].protected then names[at] = name .. " (protected)" end
  end
  local known = #names > 0 and "targets: " .. table.concat(names, ", ") or "no targets"
  group:ok("opsh.config.lua", ("%s, %s"):format(path, known))
  for _, name in ipairs(settings.runbooks) do
    local runbooks = name:sub(1, 1) == "/" and name or folder .. "/" .. name
    if system.file_kind(runbooks) ~= "directory" then
      group:warning("runbooks", ("there is no folder %s"):format(runbooks), "make it, or correct runbooks in " .. path)
    end
  end
  return settings, folder
end

--- The directory itself, or the nearest one above it that is there.
local function nearest_directory(path)
  while path ~= "" and not system.file_kind(path) do
    path = path:match("^(.*)/[^/]*$") or ""
  end
  return path == "" and "/" or path
end

local function state_directory(group, path)
  local there = nearest_directory(path)
  if system.file_kind(there) ~= "directory" then
    group:problem("state directory", ("%s is no directory"):format(there), "move that file away")
    return
  end
  if not native.may_write(there) then
    local who = system.user()
    group:problem(
      "state directory",
      ("%s may not write in %s, and the planned rows go below it"):format(who, there),
      ("give %s to %s, or set XDG_STATE_HOME to another directory"):format(there, who)
    )
  elseif there ~= path then
    group:ok("state directory", ("%s, not there yet; opsh makes it"):format(path))
  else
    local status, content = native.file_status(path), native.directory_content(path)
    local mode, held =
      bit.band(status.mode, 511), ("%s in %s"):format(report.bytes(content.bytes), counted(content.files, "file"))
    if not status.is_own then
      group:warning("state directory", ("%s belongs to %s"):format(path, status.owner), "work as one user, or chown it")
    elseif bit.band(mode, 63) ~= 0 then
      group:warning(
        "state directory",
        ("%s is open to others, mode %04o; it holds row values"):format(path, mode),
        "chmod 700 " .. path
      )
    else
      group:ok("state directory", ("%s, mode %04o, %s"):format(path, mode, held))
    end
  end
  local free = native.free_space(there)
  if free < little_space then
    group:warning(
      "free space",
      ("%s for the planned rows of runs"):format(report.bytes(free)),
      "make room on " .. there
    )
  else
    group:ok("free space", ("%s at %s"):format(report.bytes(free), there))
  end
end

local function locale_name()
  for _, name in ipairs({ "LC_ALL", "LC_CTYPE", "LANG" }) do
    local value = system.environment(name)
    if value and value ~= "" then return name, value end
  end
end

local function terminal(group, out)
  local name, value = locale_name()
  if not value or not value:lower():gsub("-", ""):find("utf8", 1, true) then
    group:note(
      "locale",
      (value and ("%s=%s is not UTF-8"):format(name, value) or "none is set") .. "; opsh writes UTF-8 all the same",
      "export LANG=C.UTF-8 where the terminal shows UTF-8"
    )
  else
    group:ok("locale", ("%s=%s"):format(name, value))
  end
  local stdout = system.terminal(1)
  if not stdout.terminal then
    group:ok("terminal", "output goes to a file or a pipe: no colours, lines are not cut")
  else
    local colors = out.bold and "colours" or "no colours"
    group:ok("terminal", ("%s columns, %s"):format(report.number(stdout.columns), colors))
  end
end

--- Returns the settings of opsh.config.lua, or nothing when it is not valid.
---@param group table of findings
---@param out table the screen
function M.look(group, out)
  group:ok("opsh", host.version())
  local settings, folder
  group:try("libraries", nil, function() look_at_libraries(group) end)
  group:try("opsh.config.lua", nil, function()
    settings, folder = configuration(group)
  end)
  group:try("state directory", nil, function() state_directory(group, workplace.state_directory(folder)) end)
  group:try("terminal", nil, function() terminal(group, out) end)
  return settings
end

return M
