--- `opsh doctor [RUNBOOK]`: whether opsh can work here, and what to do about what is not right.
local arguments = require("opsh.host.commands.arguments")
local doctor_text = require("opsh.host.present.doctor")
local errors = require("opsh.host.errors")
local findings_module = require("opsh.host.doctor.findings")
local here = require("opsh.host.doctor.here")
local host = require("opsh.native.host")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local programs = require("opsh.host.doctor.programs")
local rights = require("opsh.host.doctor.rights")
local runbooks = require("opsh.host.doctor.runbook")
local screen = require("opsh.host.present.screen")
local server = require("opsh.host.doctor.server")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

local patience = 60 -- seconds for one check

-- Mistakes on the command line end the command; what stands in a file or is not installed is a finding.
local findable = { ["usage.config"] = true, ["usage.conninfo"] = true }

local function is_finding(err)
  if err.kind == "interrupted" then return false end
  return findable[err.kind] or not err.kind:find("^usage")
end

--- Whether somebody said where to connect, also by libpq's environment.
local function is_named(given)
  if given.db or given.target or given.sandbox then return true end
  for _, name in ipairs({ "PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE", "PGUSER" }) do
    if system.environment(name) then return true end
  end
  return false
end

local function ways_to_name(settings)
  local names = {}
  for name in pairs(settings and settings.targets or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  local target = #names > 0 and ("--target NAME (%s)"):format(table.concat(names, ", "))
    or "--target NAME with a target in opsh.config.lua"
  return ("name one: %s, --db CONNINFO, --sandbox, or PGHOST, PGDATABASE, PGSERVICE"):format(target)
end

--- A read session for the doctor's own short queries.
local function connect(target, conninfo)
  local wanted = {}
  for name, value in pairs(target) do
    wanted[name] = value
  end
  wanted.conninfo, wanted.statement_seconds = conninfo, math.min(target.statement_seconds, patience)
  -- The reader keeps the rights of its login, as in a plan.
  if conninfo ~= target.conninfo then wanted.role = nil end
  if target.statement_seconds == 0 then wanted.statement_seconds = patience end
  return native_db.host_reader(wanted)
end

--- Opens a session; nothing, and a problem among the findings, when that fails.
local function try_connect(visit, group, conninfo)
  local ok, session = host.protect(connect, visit.place.target, conninfo)
  if ok then
    group:ok("reachable", native_db.describe({ conninfo = conninfo }))
    return session
  end
  if session.kind == "interrupted" then error(session, 0) end
  visit.unreachable = true
  if visit.is_named then
    group:failed("problem", "reachable", session)
  else
    group:problem(
      "reachable",
      "no target is named, and libpq's defaults reach no server: " .. session.message,
      ways_to_name(visit.settings)
    )
  end
  return nil
end

--- The groups that look through sessions; closes these whatever happens.
local function look_at_server(visit, runbook)
  local findings, target = visit.findings, visit.place.target
  local open = {}
  local ok, err = host.protect(function()
    local group = findings:group("server")
    open.writer = try_connect(visit, group, target.conninfo)
    if target.reader then open.reader = try_connect(visit, findings:group("reader"), target.reader) end
    local facts, reader_facts
    if open.reader then
      reader_facts = server.look(findings:group("reader"), visit, open.reader, false)
      visit.protected_by_reader = not reader_facts.superuser
    end
    if open.writer then
      facts = server.look(group, visit, open.writer, true)
      programs.compare(findings:group("programs"), visit.versions, facts)
      rights.look_writer(findings:group("rights"), visit, open.writer, facts, target.reader ~= nil)
    end
    if open.reader then rights.look_reader(findings:group("rights"), open.reader, reader_facts, facts) end
    if not runbook then return end
    if open.writer and (open.reader or not target.reader) then
      runbooks.look(findings:group("runbook"), runbook, open.writer, open.reader or open.writer, facts)
    else
      runbooks.without_server(findings:group("runbook"))
    end
  end)
  for _, session in pairs(open) do
    session:close()
  end
  if ok then return end
  if not err.kind:find("^connection") then error(err, 0) end
  visit.unreachable = true
  findings:group("server"):failed("problem", "connection", err)
end

local function open_place(visit, given)
  local ok, place = host.protect(workplace.open, given)
  if ok then
    visit.place = place
    visit.limits = { statement = place.target.statement_seconds, lock = place.target.lock_seconds }
    visit.time_zone = place.target.time_zone or "UTC"
    return place
  end
  if not is_finding(place) then error(place, 0) end
  visit.unreachable = true
  if place.kind == "usage.config" then
    place = { kind = place.kind, message = "not looked at: opsh.config.lua is not valid", hint = "mend it first" }
  end
  visit.findings:group("server"):failed("problem", "target", place)
  return nil
end

local function look(visit, given, word)
  local findings = visit.findings
  visit.settings = here.look(findings:group("opsh"), visit.out)
  visit.versions = programs.look(findings:group("programs"))
  local runbook = word and runbooks.load(findings:group("runbook"), word)
  visit.broken = word ~= nil and not runbook
  local place = open_place(visit, given)
  if place then
    local ok, err = host.protect(look_at_server, visit, runbook)
    place.close()
    if not ok then error(err, 0) end
  elseif runbook then
    runbooks.without_server(findings:group("runbook"))
  end
end

local function exit_code(visit)
  if visit.unreachable then return 3 end
  if visit.broken then return 1 end
  return visit.findings:count("problem") > 0 and 6 or 0
end

local function seconds_of(given)
  local value = given["older-than"] and given["older-than"][1]
  if not value then return 300 end
  local number = tonumber(value)
  if not number or number < 0 or number == math.huge then
    errors.raise("usage.value", ("--older-than wants a number of seconds, not %q"):format(value))
  end
  return number
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh doctor",
    description = "Says whether opsh can work here, and what to do about each thing that is not right. Only reads.",
    options = options.join({
      {
        name = "older-than",
        value = "SECONDS",
        default_text = "300",
        help = "Tell of transactions that are open longer than this.",
      },
    }, options.host),
    positionals = { { name = "RUNBOOK", help = "Also look at what this runbook needs." } },
  })
  if not given then return 0 end
  local visit = {
    findings = findings_module.new(),
    is_named = is_named(given),
    is_sandbox = given.sandbox ~= nil,
    older_than = seconds_of(given),
    out = screen.open(given),
  }
  look(visit, given, words[1])
  if visit.out.json then
    visit.out.document(doctor_text.document(visit.out, visit.findings))
  else
    visit.out.text(doctor_text.render(visit.out, visit.findings))
  end
  return exit_code(visit)
end
