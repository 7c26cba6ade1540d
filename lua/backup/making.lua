--- Makes a backup: a dump under an exported snapshot, what the database held in that very snapshot, and a certificate
--- that is raised as far as asked for.
local audit = require("opsh.host.runbook.audit")
local audit_files = require("opsh.host.runbook.audit_files")
local certificates = require("opsh.host.backup.certificates")
local errors = require("opsh.host.errors")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local native_backup = require("opsh.native.backup")
local native_db = require("opsh.native.db")
local proving = require("opsh.host.backup.proving")
local scratches = require("opsh.host.backup.scratch")
local stages = require("opsh.host.present.stages")
local system = require("opsh.native.system")

local M = {}

-- The server ends a transaction in which nothing was said for so long (15 min); this is said now and then.
local awake_every = 60

-- A column that older servers do not have is read by way of JSON. On a standby the position is what it has replayed.
local snapshot_facts = [[
  select d.datname::pg_catalog.text as name, d.oid::pg_catalog.text as oid,
         pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text as encoding,
         d.datcollate::pg_catalog.text as "collate", d.datctype::pg_catalog.text as ctype,
         pg_catalog.to_jsonb(d) ->> 'datlocprovider' as locale_provider,
         p.lsn::pg_catalog.text as lsn,
         pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text as xid,
         c.timeline_id as timeline, pg_catalog.pg_database_size(d.oid)::pg_catalog.float8 as bytes
  from pg_catalog.pg_database as d, pg_catalog.pg_control_checkpoint() as c,
       lateral (select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                            else pg_catalog.pg_current_wal_lsn() end as lsn) as p
  where d.datname = pg_catalog.current_database()]]

local size_of_tables = [[
  select pg_catalog.sum(pg_catalog.pg_total_relation_size(t.name::pg_catalog.regclass))::pg_catalog.float8 as bytes
  from pg_catalog.unnest($1::pg_catalog.text[]) as t (name)]]

local function file_name(database, id, in_parallel)
  local safe = database:gsub("[^%w_.-]", "_"):sub(1, 100):gsub("^%.", "_")
  return ("%s-%s.%s"):format(safe, id, in_parallel and "dir" or "dump")
end

--- What is looked at in the snapshot before the dump begins.
local function look(session, job)
  local made = { identity = jobs.identify(session), facts = session:read(snapshot_facts)[1] }
  -- Before anything that makes a subtransaction, in which no snapshot can be exported.
  made.snapshot = session:read("select pg_catalog.pg_export_snapshot() as name")[1].name
  -- As gentle to the server as pg_dump beside it.
  made.inventory = native_backup.inventory(session, { tables = job.options.tables, workers = (job.jobs or 1) - 1 })
  made.chosen = job.options.tables and made.inventory:chosen()
  made.bytes = made.facts.bytes
  if made.chosen then made.bytes = session:read(size_of_tables, { n = 1, made.chosen })[1].bytes or 0 end
  return made
end

local function begin_log(place, job, looked)
  local directory = audit_files.directory(place.state, "backups", job.id)
  system.make_directory(directory)
  local log = audit.open(directory, job.id)
  local details = audit.circumstances({
    command = job.options.command,
    reason = job.options.reason,
    target = place.target,
    identity = looked.identity,
  })
  details.file, details.level, details.tables = job.path, job.level, looked.chosen
  log:append("backup started", details)
  return log
end

--- pg_dump writes while this session counts; both see the same snapshot.
local function dump_and_count(job, session, looked, out)
  local target, stage = job.target, stages.stage(out, "writing", "written")
  local inventory, spoken = looked.inventory, system.clock()
  local dump = native_backup.dump({
    session = session,
    tools = target.tools,
    snapshot = looked.snapshot,
    role = target.role,
    file = job.path,
    tables = looked.chosen,
    jobs = job.jobs,
    -- Reading it gives the hash as well.
    hash = job.level == "written",
    lock_seconds = target.lock_seconds,
  })
  local ok, facts, contents = host.protect(function()
    local count, at = inventory:count(), 0
    while inventory:next() do
      at = at + 1
      stage.update(dump:bytes(), ("counting %d of %d tables, %s"):format(at, count, inventory:next()))
      inventory:step()
      dump:step(0)
    end
    local made = stages.watch(dump, stage, nil, function()
      if system.clock() - spoken < awake_every then return end
      spoken = system.clock()
      session:read("select 1 as awake")
    end)
    return made, inventory:finish()
  end)
  if not ok then
    stage.broken()
    dump:close()
    error(facts, 0)
  end
  stage.done(facts.size)
  for _, warning in ipairs(facts.warnings) do
    out.say("pg_dump: " .. warning)
  end
  return dump, facts, contents
end

local function certificate_of(job, looked, facts, contents)
  local identity, database = looked.identity, looked.facts
  return {
    certificate = 1,
    id = job.id,
    file = job.path:match("[^/]*$"),
    format = facts.format,
    size = facts.size,
    sha256 = facts.sha256,
    origin = "opsh",
    database = {
      name = database.name,
      oid = database.oid,
      system_identifier = identity.system_identifier,
      server_version = identity.server_version,
      encoding = database.encoding,
      collate = database.collate,
      ctype = database.ctype,
      locale_provider = database.locale_provider,
      bytes = database.bytes,
    },
    taken = { time = job.time, lsn = database.lsn, xid = database.xid, timeline = database.timeline },
    tools = {
      opsh = host.version(),
      pg_dump = facts.version,
      prefix = job.target.tools and job.target.tools.prefix,
    },
    only_tables = looked.chosen,
    tables = contents.tables,
    sequences = contents.sequences,
    large_objects = contents.large_objects,
    objects = contents.objects,
    roles = contents.roles,
    not_compared = contents.not_compared,
    steps = {},
    notes = {},
  }
end

--- From the snapshot to a dump on the disk.
local function write(place, job, out)
  -- Before the snapshot, on this machine's clock, which is asked how old it is.
  job.time = os.date("!%Y-%m-%dT%H:%M:%SZ")
  local session = native_db.host_reader(job.target)
  local ok, subject = host.protect(function()
    local looked = look(session, job)
    guards.admit(place, looked.identity, {}, false)
    job.open_scratch(looked)
    local log = begin_log(place, job, looked)
    local made = { path = job.path, log = log, out = out, jobs = job.jobs, level = job.level }
    proving.recording(made, function()
      local dump, facts, contents = dump_and_count(job, session, looked, out)
      made.archive = dump:archive({ directory = job.target.tools and job.target.tools.directory })
      dump:close()
      made.certificate = certificate_of(job, looked, facts, contents)
      made.step = { level = "written", seconds = facts.seconds, bytes = facts.size }
      if job.level == "written" then proving.reached(made, made.step) end
    end)
    made.statement_seconds = job.target.statement_seconds
    return made
  end)
  session:close()
  if not ok then error(subject, 0) end
  return subject
end

local function raise(subject, scratch)
  if subject.level == "written" then return end
  subject.certificate.level = "written"
  subject.certificate.steps = { proving.step(subject.step) }
  proving.readable(subject)
  if not scratch then return end
  local restored = proving.restored(subject, scratch)
  if subject.level == "equal" then proving.equal(subject, restored) end
end

local function prepare(place, options)
  local target = place.target
  local configured = target.backup or {}
  local job = {
    id = ladder.new_run_id(),
    level = certificates.require_level(options.level or "equal"),
    jobs = options.jobs or configured.jobs,
    target = target,
    options = options,
  }
  if target.tools and target.tools.prefix and options.jobs then
    errors.raise(
      "usage.option",
      "--jobs writes several files, and what runs behind tools.prefix cannot write them here",
      "leave --jobs out"
    )
  end
  return job
end

--- Makes a backup of the target's database.
---@param place table of workplace.open
---@param options { level?: string, tables?: string[], jobs?: integer, scratch?: string, reason?: string, command?:
--- string } `level`: "equal" unless given
---@param out table of screen.open
---@return table certificate
---@return string path of the dump
--- Errors: "backup.*", "permission.*", those of connecting. What was reached before an error stays certified.
function M.make(place, options, out)
  local job = prepare(place, options)
  local folder, scratch = certificates.folder(place), nil
  system.make_directory(folder)
  local conninfo = options.scratch or place.target.backup and place.target.backup.scratch
  -- Where it cannot be tried is better known before a long dump than after it.
  function job.open_scratch(looked)
    job.path = folder .. "/" .. file_name(looked.facts.name, job.id, job.jobs)
    if job.level == "written" or job.level == "readable" then return end
    scratch = scratches.open({
      conninfo = conninfo,
      version = looked.identity.server_version,
      need_bytes = looked.bytes,
      roles = looked.inventory:roles(),
    })
  end
  local subject
  local ok, err = host.protect(function()
    subject = write(place, job, out)
    proving.recording(subject, function() raise(subject, scratch) end)
  end)
  if scratch then scratch:close(out) end
  if subject then
    subject.archive:close()
    subject.log:close()
  end
  if not ok then error(err, 0) end
  return subject.certificate, job.path
end

return M
