local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function log_path(id) return ("%s/state/opsh/runs/%s/audit.jsonl"):format(test.folder(), id or "*") end

--- The entries of a run's log, as `opsh audit show` gives them.
local function entries(id) return test.opsh({ "audit", "show", id, "--json" }).json() end

local function events(list)
  local names = {}
  for at, entry in ipairs(list) do
    names[at] = entry.event
  end
  return names
end

local function verify(database, ...) return test.opsh({ "audit", "verify", ... }, { db = database }) end

--- An apply of five batches; its database, id and script.
local function applied(fields, top, arguments, options)
  local database = test.database({ sql = sample.items(10) })
  fields = fields or {}
  fields.batch = fields.batch or "2"
  local path = test.write("sample.lua", sample.runbook(fields, top))
  options = options or {}
  options.db = database
  local result = test.opsh({ path, "--apply", "--json", unpack(arguments or {}) }, options)
  return database, result.json().run, path, result
end

-- Item 7 fails until the constraint is dropped.
local blocked = sample.items(10) .. "alter table item add constraint blocked check (not (done and id = 7));"
local unblock = "alter table item drop constraint blocked"

--- A run that stopped after three of its batches.
local function stopped(fields)
  local database = test.database({ sql = blocked })
  fields = fields or {}
  fields.batch = "2"
  local path = test.write("sample.lua", sample.runbook(fields))
  local result = test.opsh({ path, "--apply" }, { db = database })
  expect.equal(result.exit, 4)
  return database, result.errors:match("opsh resume (%S+)"), path
end

--- A script that ran, a table of what `sh` printed.
local function shell(line)
  local result = test.shell(line)
  expect.equal(result.exit, 0, line)
  return result.output
end

local function done(database) return database:value("select count(*) from item where done") end

describe("an apply", function()
  it("writes into the audit log who, what, why and with what, and what became of it", function()
    local fields = { verify = 'function(check) check:none("items left", "select from item where not done") end' }
    local database, id, path = applied(fields, nil, { "--reason", "ticket 17" })
    local list = entries(id)
    expect.equal(
      events(list),
      { "run started", "planned", "step started", "step finished", "checked", "run finished" }
    )
    local started = list[1].details
    expect.equal({ started.reason, started.title, started.script }, { "ticket 17", "sample", path })
    expect.matches(started.command, "^opsh .*sample.lua %-%-apply %-%-json %-%-reason 'ticket 17'$")
    expect.equal(started.sources[path], (shell("sha256sum " .. path):match("^%x+")))
    expect.equal(started.target.database, database.name)
    expect.equal(started.settings.TimeZone, "UTC")
    expect.matches(started.operator, "^[^@]+@[^@]+$")
    expect.equal(type(started.uid), "number")
    expect.equal(started.git, nil)
    local planned = list[2].details.steps[1]
    expect.equal({ planned.items, planned.writes[1].name, planned.journaled }, { 10, "item", true })
    local finished = list[4].details
    expect.equal({ finished.items, finished.batches, finished.counts.worked }, { 10, 5, 10 })
    expect.equal(list[5].details.checks, { { name = "items left", outcome = "pass", found = "0", expected = "0" } })
    expect.equal(list[6].details.totals.items, 10)
  end)

  it("records the reason in the ledger too, and the head of its log", function()
    local database, id = applied(nil, nil, { "--reason=ticket 17" })
    expect.equal(database:value("select reason from opsh.run"), "ticket 17")
    local head = database:query("select entries, sha256 from opsh.audit where run = $1", id)[1]
    local list = entries(id)
    expect.equal({ head.entries, head.sha256 }, { #list, list[#list].sha256 })
  end)

  it("refuses an empty reason", function() expect.equal(test.opsh({ "x.lua", "--reason=" }).exit, 2) end)

  it("keeps the log for its owner only, and each entry can be checked without opsh", function()
    local _, id = applied()
    expect.equal(shell("stat -c %a " .. log_path(id)), "600\n")
    local second = ([[sed -n 2p %s | sed 's/,"sha256":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum]]):format(log_path(id))
    expect.equal((shell(second):match("^%x+")), entries(id)[2].sha256)
    expect.equal(entries(id)[3].previous, entries(id)[2].sha256)
  end)

  it("records the commit of the script's repository, and whether anything differs from it", function()
    local database = test.database({ sql = sample.items(2) })
    local path = test.write("repository/sample.lua", sample.runbook())
    local git = ("git -C %s/repository -c user.name=x -c user.email=x@x "):format(test.folder())
    shell(git .. "init -q && " .. git .. "add . && " .. git .. "commit -q -m x")
    local commit = shell(git .. "rev-parse HEAD"):match("%x+")
    local first = test.opsh({ path, "--apply", "--json" }, { db = database }).json().run
    expect.equal(entries(first)[1].details.git, { commit = commit, dirty = false })
    database:execute("update item set done = false")
    test.write("repository/sample.lua", sample.runbook() .. "-- changed\n")
    local second = test.opsh({ path, "--apply", "--json" }, { db = database }).json().run
    expect.equal(entries(second)[1].details.git, { commit = commit, dirty = true })
  end)

  it("has no log when there is nothing to do, or when a precondition is not met", function()
    local database = test.database({ sql = sample.items(0) })
    expect.equal(test.opsh({ test.write("sample.lua", sample.runbook()), "--apply" }, { db = database }).exit, 0)
    database:execute("insert into item values (1, 'x')")
    local unmet = { preconditions = 'function(check) check:that("never", false) end' }
    local path = test.write("sample.lua", sample.runbook(nil, unmet))
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 5)
    expect.equal(shell("find state -name audit.jsonl"), "")
  end)

  it("does not say in its log what rows hold, in an error neither", function()
    local database = test.database({ sql = sample.items(3) })
    database:execute("alter table item add check (part <> 'secret-part')")
    local path = test.write(
      "sample.lua",
      sample.runbook({
        apply = [[function(tx)
          tx:exec("update item set part = 'secret-part' from :items as i where item.id = i.id")
        end]],
      })
    )
    local result = test.opsh({ path, "--apply", "--error-detail" }, { db = database })
    expect.contains(result.errors, "secret-part")
    local id = database:value("select id from opsh.run")
    local last = entries(id)[4]
    expect.equal({ last.event, last.details.state }, { "run stopped", "failed" })
    expect.equal({ last.details.error.kind, last.details.error.sqlstate }, { "constraint.check", "23514" })
    expect.lacks(shell("cat " .. log_path(id)), "secret-part")
  end)
end)

describe("the audit log", function()
  it("has what is announced before the database has it", function()
    local database = test.database({ sql = sample.items(4) })
    database:execute(test.opsh({ "schema" }).output)
    database:execute([[
      create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
      create trigger refuse before insert on opsh.run for each row execute function refuse()]])
    local path = test.write("sample.lua", sample.runbook())
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 1)
    local id = shell("ls state/opsh/runs"):match("%S+")
    expect.equal(events(entries(id)), { "run started", "planned", "run stopped" })
    database:execute([[
      drop trigger refuse on opsh.run;
      create trigger refuse before update on opsh.step for each row execute function refuse()]])
    test.opsh({ path, "--apply" }, { db = database })
    local second = database:value("select id from opsh.run")
    expect.equal(events(entries(second)), { "run started", "planned", "step started", "step finished", "run stopped" })
    expect.equal(database:value("select done_at is null as there from opsh.step"), true)
  end)

  it("that cannot be written lets nothing be applied, and not even the schema opsh be made", function()
    local database = test.database({ sql = sample.items(5) })
    local path, before = test.write("sample.lua", sample.runbook()), database:checksum()
    local reason = ("x"):rep(20000)
    -- 8 blocks of 512 or 1024 bytes: room for the planned rows, not for the first entry.
    local line = ('ulimit -f 8; exec "$OPSH" --db="%s" %s --apply --reason=%s'):format(database.conninfo, path, reason)
    local result = test.shell(line)
    expect.equal(result.exit, 5)
    expect.matches(result.errors, "the audit log cannot be written: %S+/audit.jsonl")
    expect.contains(result.errors, "make room there")
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
    expect.equal(shell("find state -name audit.jsonl"), "")
    -- The control: with that room it goes through.
    expect.equal(test.shell((line:gsub("ulimit %-f 8; ", ""))).exit, 0)
  end)

  it("that finds no more room stops the run part-way, and a resume finishes it", function()
    local fields = { batch = "2" }
    local path = test.write("sample.lua", sample.runbook(fields))
    local function apply(database, padding, limit)
      return test.shell(
        ('%s exec "$OPSH" --db="%s" %s --apply --reason=%s'):format(
          limit and ("ulimit -f %d;"):format(limit) or "",
          database.conninfo,
          path,
          ("x"):rep(padding)
        )
      )
    end
    -- How long three entries are; the fourth is then put across the limit.
    expect.equal(apply(test.database({ sql = sample.items(10) }), 1).exit, 0)
    local size = tonumber(shell(("head -n 3 %s | wc -c"):format(log_path())))
    local block = tonumber(shell("ulimit -f 1; head -c 4000 /dev/zero > block 2>/dev/null; wc -c < block"))
    local limit = 16 * 1024 / block
    shell("rm -r state/opsh block")
    local database = test.database({ sql = sample.items(10) })
    -- The reason stands in the entry twice: as itself and in the command line.
    local result = apply(database, math.floor((16 * 1024 - size - 60) / 2), limit)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "the audit log cannot be written")
    expect.equal({ done(database), database:value("select state from opsh.run") }, { 10, "stopped" })
    local id = database:value("select id from opsh.run")
    expect.equal(events(entries(id)), { "run started", "planned", "step started" })
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal(
      events(entries(id)),
      { "run started", "planned", "step started", "run resumed", "step started", "step finished", "run finished" }
    )
    expect.equal(database:value("select count(*) from opsh.batch"), 5)
    expect.equal(verify(database).exit, 0)
  end)

  it("goes on with a resume, which says who, why and from which state", function()
    local database, id = stopped()
    database:execute(unblock)
    expect.equal(test.opsh({ "resume", id, "--reason=mended" }, { db = database }).exit, 0)
    local list = entries(id)
    expect.equal(
      events(list),
      {
        "run started",
        "planned",
        "step started",
        "run stopped",
        "run resumed",
        "step started",
        "step finished",
        "run finished",
      }
    )
    expect.equal({ list[5].details.former_state, list[5].details.reason }, { "stopped", "mended" })
    expect.equal(verify(database, id).exit, 0)
  end)

  it("that was changed is not gone on with", function()
    local database, id = stopped()
    database:execute(unblock)
    shell(("sed -i 's/\"title\":\"sample\"/\"title\":\"simple\"/' %s"):format(log_path(id)))
    local result = test.opsh({ "resume", id }, { db = database })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "entry 1 was changed")
    expect.equal(done(database), 6)
    -- The way out: it stays on record that the log does not begin at its beginning.
    shell(("mv %s kept"):format(log_path(id)))
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal({ entries(id)[1].event, done(database) }, { "continued", 10 })
    expect.equal(verify(database).exit, 0)
  end)

  it("goes on from the database on another machine, and says so", function()
    local database, id = stopped()
    database:execute(unblock)
    shell("mv state/opsh elsewhere")
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    local list = entries(id)
    expect.equal({ list[1].event, list[1].sequence, list[2].event }, { "continued", 5, "run resumed" })
    local result = verify(database, id)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "entries before 5 are on another machine")
    -- One behind the other, the two are the whole log; the first alone is cut, as far as it can tell.
    shell(("cat elsewhere/runs/%s/audit.jsonl %s > whole"):format(id, log_path(id)))
    shell("cp whole " .. log_path(id))
    expect.equal(verify(database, id).exit, 0)
    shell(("cp elsewhere/runs/%s/audit.jsonl %s"):format(id, log_path(id)))
    expect.contains(verify(database, id).output, "it went on on another machine")
  end)
end)

describe("opsh audit verify", function()
  it("is content with what is sound, by run and in all, as text and as JSON", function()
    local database, id = applied()
    local result = verify(database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, id)
    expect.equal(verify(database, id:sub(1, 12)).exit, 0)
    local document = verify(database, "--json").json()
    expect.equal({ document.outcome, #document.runs, document.runs[1].entries }, { "good", 1, 5 })
  end)

  it("names the first bad entry, with exit status 6", function()
    local database, id = applied()
    shell(("cp %s sound"):format(log_path(id)))
    for damage, expected in pairs({
      ["sed -i '3s,work,wark,' FILE"] = { "changed", 3 },
      ["sed -i 2d FILE"] = { "missing", 2 },
      ["sed -i '2{h;d};3G' FILE"] = { "reordered", 2 },
      ["sed -i '4s/.\\{40\\}$//' FILE"] = { "cut_record", 4 },
      ["sed -i '$d' FILE"] = { "cut_tail", 5 },
      ["truncate -s -20 FILE"] = { "cut_record", 5 },
      ["truncate -s 0 FILE"] = { "cut_tail", 1 },
      ["printf '{\"seq' >> FILE"] = { "torn", 6 },
      ["rm FILE"] = { "no_file" },
    }) do
      shell((damage:gsub("FILE", log_path(id))))
      local result = verify(database, "--json")
      local document = result.json()
      expect.equal({ result.exit, document.outcome }, { 6, "bad" }, damage)
      local problem = document.runs[1].problem
      expect.equal({ problem.kind, problem.entry }, expected, damage)
      expect.contains(verify(database).output, "BAD", damage)
      shell(("cp sound %s"):format(log_path(id)))
    end
    expect.equal(verify(database).exit, 0)
  end)

  it("sees a log that was made anew, and a head that was taken out of the database", function()
    local database, id = applied()
    database:execute("update opsh.audit set sha256 = repeat('a', 64)")
    expect.contains(verify(database).output, "the chain was rewritten")
    database:execute("delete from opsh.audit")
    expect.contains(verify(database, id).output, "the database has no head of this log")
  end)

  it("says of a run that was started elsewhere that it is not judged, and is not content when asked for it", function()
    local database, id = applied()
    database:execute("update opsh.run set operator = 'anna@far-away'")
    shell("rm " .. log_path(id))
    local result = verify(database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, id .. ": started on far-away: the log is there")
    expect.equal(verify(database, id).exit, 6)
  end)

  it("names a run that went on and that the database does not know", function()
    local database, id = applied()
    database:execute("truncate opsh.run cascade")
    local result = verify(database)
    expect.equal(result.exit, 6)
    expect.contains(result.output, id)
    expect.contains(result.output, "the database does not know the run")
  end)

  it("leaves logs of other databases alone, unless it is asked for all", function()
    local _, id = applied()
    local other = test.database()
    expect.lacks(verify(other).output, id)
    expect.contains(verify(other, "--all").output, "of another database")
    expect.equal(verify(other, "--all").exit, 0)
  end)

  it("verifies a file alone, without a connection, and says what it cannot tell", function()
    local _, id = applied()
    local result = test.opsh({ "audit", "verify", "--file", log_path(id) }, { db = "host=/nowhere" })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "its end cannot be judged without the database")
    shell(("sed -i 2d %s"):format(log_path(id)))
    expect.equal(test.opsh({ "audit", "verify", "--file", log_path(id) }).exit, 6)
  end)

  it("says that a run is not there, and which action or run was meant", function()
    local database, id = applied()
    local result = verify(database, id:sub(1, -2) .. "z")
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean " .. id)
    expect.contains(test.opsh({ "audit", "verfy" }).errors, "did you mean verify?")
    expect.equal(test.opsh({ "audit", "show" }).exit, 2)
  end)

  it("shows a run that was killed before the ledger had it as interrupted, and not as missing", function()
    local database = test.database({ sql = sample.items(4) })
    database:execute(test.opsh({ "schema" }).output)
    database:execute([[
      create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return new; end $$;
      create trigger linger before insert on opsh.run for each row execute function linger()]])
    local process = test.spawn({ test.write("sample.lua", sample.runbook()), "--apply" }, { db = database })
    test.wait_until(
      "the start waits",
      function() return database:value("select exists (select from pg_stat_activity where wait_event = 'PgSleep')") end
    )
    process:signal("KILL")
    expect.equal(process:wait().signal, 9)
    expect.equal(#test.opsh({ "runs", "--json" }, { db = database }).json(), 0)
    local result = verify(database, "--all", "--json")
    local run = result.json().runs[1]
    expect.equal({ result.exit, run.state, run.entries, run.outcome }, { 0, "interrupted", 2, "good" })
  end)

  it("shows a run that was killed in its first batch as interrupted, and its resume in the same log", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write(
      "sample.lua",
      sample.runbook({
        apply = [[function(tx)
        tx:exec("update item set done = true from :items as i where item.id = i.id")
        tx:value("select case when to_regclass('go') is null then pg_sleep(60)::text end")
      end]],
      })
    )
    local process = test.spawn({ path, "--apply" }, { db = database })
    test.wait_until(
      "the batch waits",
      function() return database:value("select exists (select from pg_stat_activity where wait_event = 'PgSleep')") end
    )
    process:signal("KILL")
    process:wait()
    database:execute("create table go ()")
    local id = database:value("select id from opsh.run")
    -- A sleeping session does not notice that its client is gone.
    database:execute("select pg_terminate_backend(backend_pid) from opsh.run")
    test.wait_until(
      "the session is gone",
      function() return verify(database).output:find("interrupted", 1, true) end
    )
    expect.equal(verify(database).exit, 0)
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal(entries(id)[4].event, "run resumed")
    expect.equal({ verify(database).exit, done(database) }, { 0, 4 })
  end)
end)

describe("opsh audit show", function()
  it("prints what matters of each entry", function()
    local _, id = applied(nil, nil, { "--reason=ticket 17" })
    local result = test.opsh({ "audit", "show", id })
    expect.equal(result.exit, 0)
    for _, piece in ipairs({ "run started", "ticket 17", "planned", "work: 10 items, will write item", "batches 5" }) do
      expect.contains(result.output, piece)
    end
  end)

  it("says that the log it shows is not sound", function()
    local _, id = applied()
    shell(("sed -i 2d %s"):format(log_path(id)))
    local result = test.opsh({ "audit", "show", id })
    expect.equal(result.exit, 6)
    expect.contains(result.output, "entry 2 is missing")
  end)
end)

describe("a secret param", function()
  local top = { params = '{ token = { type = "string", secret = true, help = "Of the service." } }' }
  local fields = { plan = [["select id from item where not done and :token = 'open sesame'"]], batch = "2" }
  local environment = { OPSH_PARAM_TOKEN = "open sesame" }
  local blocked_at_3 = sample.items(4) .. "alter table item add constraint c check (not (done and id = 3))"

  local function stays_secret(database, ...)
    for _, result in ipairs({ ... }) do
      expect.lacks(result.output .. result.errors, "sesame")
    end
    expect.equal(test.shell("grep -r sesame state").exit, 1)
    expect.equal(database:value("select params->>'token' from opsh.run"), '["***"]')
  end

  it("on the command line is refused, and not repeated", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write("sample.lua", sample.runbook(fields, top))
    for _, words in ipairs({ { "--token", "open sesame" }, { "--token=open sesame" } }) do
      for _, rung in ipairs({ "--json", "--apply" }) do
        local result = test.opsh({ path, rung, unpack(words) }, { db = database, environment = environment })
        expect.equal(result.exit, 2)
        expect.contains(result.errors, "$OPSH_PARAM_TOKEN_FILE")
        expect.lacks(result.output .. result.errors, "sesame")
      end
    end
    expect.equal(done(database), 0)
  end)

  it("is taken from a file that only its owner can read, and shown and recorded nowhere", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local from = { OPSH_PARAM_TOKEN_FILE = test.write("token", "open sesame\n") }
    shell("chmod 640 token")
    local readable = test.opsh({ path, "--apply" }, { db = database, environment = from })
    expect.equal(readable.exit, 2)
    expect.contains(readable.errors, "chmod 600 " .. from.OPSH_PARAM_TOKEN_FILE)
    shell("chmod 600 token")
    local result = test.opsh({ path, "--apply" }, { db = database, environment = from })
    expect.equal({ result.exit, done(database) }, { 0, 4 })
    local id = database:value("select id from opsh.run")
    local shown = test.opsh({ "show", id }, { db = database })
    stays_secret(database, readable, result, shown, test.opsh({ "audit", "show", id }))
  end)

  it("that is too short to be hidden is refused", function()
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local result = test.opsh({ path }, { db = "host=/nowhere", environment = { OPSH_PARAM_TOKEN = "abc" } })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "four characters or more")
  end)

  it("is taken from the environment, and shown there neither", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local result = test.opsh({ path, "--apply", "--json" }, { db = database, environment = environment })
    expect.equal({ result.exit, done(database) }, { 0, 4 })
    expect.equal(result.json().params.token, { "***" })
    stays_secret(database, result)
  end)

  it("is wanted from the environment by a resume, which says so", function()
    local database = test.database({ sql = blocked_at_3 })
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local result = test.opsh({ path, "--apply" }, { db = database, environment = environment })
    expect.equal({ result.exit, done(database) }, { 4, 2 })
    database:execute("alter table item drop constraint c")
    local id = database:value("select id from opsh.run")
    local without = test.opsh({ "resume", id }, { db = database })
    expect.equal(without.exit, 2)
    expect.contains(without.errors, "set $OPSH_PARAM_TOKEN")
    local with = test.opsh({ "resume", id }, { db = database, environment = environment })
    expect.equal({ with.exit, done(database) }, { 0, 4 })
    stays_secret(database, result, without, with)
  end)

  it("that was not given is not taken from the environment by a resume", function()
    local plan = [["select id from item where not done and (:token::text is null or id > 100)"]]
    local optional = { plan = plan, batch = "2" }
    local database = test.database({ sql = blocked_at_3 })
    local path = test.write("sample.lua", sample.runbook(optional, top))
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 4)
    database:execute("alter table item drop constraint c")
    -- Planned again, behind what is done: with the token it would find nothing.
    shell("rm state/opsh/runs/*/*.plan")
    local id = database:value("select id from opsh.run")
    expect.equal(test.opsh({ "resume", id }, { db = database, environment = environment }).exit, 0)
    expect.equal(done(database), 4)
    expect.contains(events(entries(id)), "planned again")
  end)

  it("says in the help where it may come from, and in an error nothing of its value", function()
    local path = test.write("sample.lua", sample.runbook(fields, top))
    expect.contains(test.opsh({ path, "--help" }).output, "Of the service. Secret: from $OPSH_PARAM_TOKEN")
    local strict = { params = '{ token = { type = "integer", secret = true, required = true } }' }
    local other = test.write("strict.lua", sample.runbook(nil, strict))
    local missing = test.opsh({ other }, { db = "host=/nowhere" })
    expect.equal(missing.exit, 2)
    expect.contains(missing.errors, "set $OPSH_PARAM_TOKEN")
    local wrong = test.opsh({ other }, { db = "host=/nowhere", environment = { OPSH_PARAM_TOKEN = "sesame" } })
    expect.equal(wrong.exit, 2)
    expect.lacks(wrong.errors, "sesame")
  end)

  it("has no default, is no list and no switch", function()
    for _, param in ipairs({
      '{ type = "string", secret = true, default = "x" }',
      '{ type = "string", secret = true, list = true }',
      '{ type = "boolean", secret = true }',
    }) do
      local path = test.write("sample.lua", sample.runbook(nil, { params = "{ token = " .. param .. " }" }))
      local result = test.opsh({ path })
      expect.equal(result.exit, 1, param)
      expect.contains(result.errors, "param token is secret", param)
    end
  end)
end)
