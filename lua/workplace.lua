--- Where a command works: its target, and the folder for its plans and runs.
local config = require("opsh.host.config")
local copied = require("opsh.host.copied")
local errors = require("opsh.host.errors")
require("opsh.host.runbook.rows")
local lang = require("opsh.host.lang")
local log = require("opsh.native.log")
local native_db = require("opsh.native.db")
local sandbox = require("opsh.native.sandbox")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

--- `.opsh/` beside opsh.config.lua, else under the XDG state directory.
function M.state_directory(config_folder)
  if config_folder then return config_folder .. "/.opsh" end
  local base = system.environment("XDG_STATE_HOME")
  if base and base:sub(1, 1) == "/" then return base .. "/opsh" end
  local home = system.environment("HOME")
  return home and home ~= "" and home .. "/.local/state/opsh" or "/tmp/opsh-" .. system.user()
end

local function seconds(given, name, fallback)
  local value = given[name] and given[name][1]
  if not value then return fallback end
  local number = tonumber(value)
  -- The server counts milliseconds in 31 bits, and less than one of them would be no limit at all.
  if not number or not (number == 0 or (number >= 0.001 and number <= 2147483)) then
    errors.raise(
      "usage.value",
      ("--%s wants a number of seconds from 0.001 to 2147483, not %q"):format(name, value),
      "0 means no limit"
    )
  end
  return number
end

local function one_of(given)
  local chosen = {}
  for _, name in ipairs({ "db", "target", "sandbox" }) do
    if given[name] then chosen[#chosen + 1] = "--" .. name end
  end
  if #chosen > 1 then
    errors.raise("usage.option", table.concat(chosen, " and ") .. " exclude each other", "say once where to connect")
  end
  if given.keep and not given.sandbox and not given.rehearse then
    errors.raise(
      "usage.option",
      "--keep is for the server that --sandbox starts",
      "add --sandbox or --sandbox=FILE.sql, or leave --keep out"
    )
  end
end

--- A connection string is seen in the list of processes, in the shell's history and in the repository.
local function refuse_password(conninfo, what)
  if not conninfo or not secrets.in_conninfo(conninfo) then return end
  errors.raise(
    "usage.password",
    ("%s has a password in it"):format(what),
    "take it out, and put it into the passfile (~/.pgpass) or a service file, with chmod 600: opsh reads both"
  )
end

local function configured(targets, name)
  local found = targets[name]
  if found then
    refuse_password(found.connect, ("connect of target %s"):format(name))
    refuse_password(found.reader, ("reader of target %s"):format(name))
    refuse_password(found.backup and found.backup.scratch, ("backup.scratch of target %s"):format(name))
    refuse_password(found.tools and found.tools.connect, ("tools.connect of target %s"):format(name))
    return found
  end
  local names = {}
  for known in pairs(targets) do
    names[#names + 1] = known
  end
  local meant = text.nearest(name, names)
  errors.raise(
    "usage.target",
    ("there is no target %s in opsh.config.lua"):format(name),
    meant and ("did you mean %s?"):format(meant) or "add it under targets, or use --db"
  )
end

--- Why a connection may be insecure, as it was given on the command line.
local function insecure_of(given)
  local reason = given.insecure and given.insecure[1]
  if not reason then return nil end
  if given.target or given.sandbox then
    errors.raise(
      "usage.option",
      "--insecure is for --db and libpq's environment",
      'a target of opsh.config.lua says it itself: insecure = "why"'
    )
  end
  if not reason:find("%S") then errors.raise("usage.value", "--insecure is empty", "say why, it is recorded") end
  return reason
end

--- What a target says of its backups, with the paths in it from the root on.
---@param chosen table a target of opsh.config.lua
---@param config_folder string
function M.backup_of(chosen, config_folder)
  if not chosen.backup then return nil end
  local made = copied(chosen.backup)
  made.dir = made.dir and config.resolved(made.dir, config_folder)
  if made.attested then
    made.attested = copied(made.attested)
    local command = copied(made.attested.command)
    -- A bare name is looked for in PATH.
    if command[1]:find("/", 1, true) then command[1] = config.resolved(command[1], config_folder) end
    made.attested.command = command
  end
  return made
end

local function in_sandbox(file, state, keep)
  if keep then
    local kept = sandbox.start_detached({ load = file, state_directory = state })
    return { conninfo = kept.conninfo, kept = true }
  end
  if file ~= "" then
    local server = sandbox.start({ load = file })
    return { conninfo = server:conninfo(), server = server }
  end
  local running = sandbox.find(state)
  if running then return { conninfo = running.conninfo } end
  local server = sandbox.start({})
  return { conninfo = server:conninfo(), server = server }
end

--- The target with its reader login, where it names one.
function M.reading(target)
  local options = copied(target)
  -- The role is for the login of `connect`: what it may write, the reader must not.
  if target.reader then
    options.conninfo, options.role = target.reader, nil
  end
  return options
end

--- A read session on it.
function M.reader(target) return native_db.reader(M.reading(target)) end

--- What pg_stat_activity shows of the sessions that are opened from here on: "opsh apply 20261121-151851-6dee".
---@param doing string the rung
---@param run? string
function M.announce(target, doing, run)
  target.application = table.concat({ "opsh", doing, run }, " ")
end

--- The workplace that the host options describe; nothing is connected to but a sandbox that they ask for.
---@param given table<string, string[]> host options
---@return table { target, state, config, folder, close, ends } `folder` is that of opsh.config.lua; `ends`: the
--- database is gone when the command is
function M.open(given)
  one_of(given)
  local settings, folder = config.load()
  local state = M.state_directory(folder)
  local target
  -- Before anything is started: a wrong value must not leave a server behind.
  local statement_seconds = seconds(given, "statement-timeout", 1800)
  local lock_seconds = seconds(given, "lock-timeout", 5)
  local insecure = insecure_of(given)
  if given.sandbox then
    target = in_sandbox(given.sandbox[1], state, given.keep ~= nil)
  elseif given.target then
    local chosen = configured(settings.targets, given.target[1])
    target = {
      name = given.target[1],
      conninfo = chosen.connect or "",
      reader = chosen.reader,
      role = chosen.role,
      insecure = chosen.insecure,
      time_zone = chosen.time_zone,
      protected = chosen.protected,
      budgets = chosen.budgets,
      plan_max_age = chosen.plan_max_age,
      idle = chosen.idle,
      backup = M.backup_of(chosen, folder),
      tools = chosen.tools,
    }
  else
    -- An empty --db is an unset variable in somebody's script, not a wish for the default.
    if given.db and given.db[1] == "" then
      errors.raise(
        "usage.value",
        "--db is empty",
        "leave it out to connect by libpq's own environment (PGHOST, PGDATABASE, ...)"
      )
    end
    refuse_password(given.db and given.db[1], "--db")
    target = { conninfo = given.db and given.db[1] or "", insecure = insecure }
  end
  target.statement_seconds, target.lock_seconds, target.sandbox = statement_seconds, lock_seconds, given.sandbox ~= nil
  target.described = native_db.describe(target)
  local server, kept = target.server, target.kept
  target.server, target.kept = nil, nil
  return {
    target = target,
    state = state,
    config = settings,
    folder = folder,
    ends = server ~= nil,
    close = function()
      if server then server:stop() end
      -- Said after a failure too: to look at what is in it is what it was kept for.
      if kept then log.info(lang.text("the sandbox goes on; opsh --sandbox uses it, opsh sandbox stop ends it")) end
    end,
  }
end

return M
