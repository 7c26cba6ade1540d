local test = require("opsh.test")
local auditing = require("auditing")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local log_path = auditing.log_path
local entries = auditing.entries
local events = auditing.events
local verify = auditing.verify
local applied = auditing.applied
local stopped = auditing.stopped
local shell = auditing.shell
local done = auditing.done
local unblock = auditing.unblock

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

  it("records the commit of the script's repository, its tag, and whether anything differs from it", function()
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
    database:execute("update item set done = false")
    shell(git .. "tag v1.2")
    local third = test.opsh({ path, "--apply", "--json" }, { db = database }).json().run
    expect.equal(entries(third)[1].details.git, { commit = commit, tag = "v1.2", dirty = true })
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
