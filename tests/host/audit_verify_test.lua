local test = require("opsh.test")
local auditing = require("auditing")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local log_path = auditing.log_path
local entries = auditing.entries
local verify = auditing.verify
local applied = auditing.applied
local shell = auditing.shell
local done = auditing.done

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
    expect.contains(result.output, "role-less")
    expect.contains(result.output, "no earlier plan to compare with")
  end)

  it("prints what an apply was compared with, and of a simulation that it was rolled back", function()
    local database = test.database({ sql = sample.items(10) })
    local path = test.write("sample.lua", sample.runbook())
    local function run(...) return test.opsh({ path, "--json", ... }, { db = database }).json() end
    local plan = run().plan.id
    local simulated = test.opsh({ "audit", "show", run("--simulate").run }).output
    expect.contains(simulated, "simulation finished")
    expect.matches(simulated, "rolled back%s+transaction %d+ is aborted")
    local applied_one = test.opsh({ "audit", "show", run("--apply").run }).output
    expect.contains(applied_one, plan .. "; step 1: 0 came, 0 went, 0 changed")
    expect.lacks(simulated .. applied_one, "details")
  end)

  it("says that the log it shows is not sound", function()
    local _, id = applied()
    shell(("sed -i 2d %s"):format(log_path(id)))
    local result = test.opsh({ "audit", "show", id })
    expect.equal(result.exit, 6)
    expect.contains(result.output, "entry 2 is missing")
  end)
end)
