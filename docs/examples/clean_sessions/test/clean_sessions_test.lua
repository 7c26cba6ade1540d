local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local files = { "../fixture/schema.sql", "../fixture/data.sql" }
local as_of = "--as-of=2026-03-01T00:00Z"

local function token(n) return ("00000000-0000-4000-8000-%012d"):format(n) end

local function opsh(database, ...)
  return test.opsh({ test.beside("../../clean_sessions.lua"), ... }, { db = database })
end

--- The n of the sessions in a table, in order.
local function numbers(database, from)
  local list = "select coalesce(array_agg((data ->> 'n')::int order by (data ->> 'n')::int), '{}') from "
  return database:value(list .. from)
end

local staying = { 5, 6, 7, 8, 9, 10, 11 }
local going = { 1, 2, 3, 4, 12, 13, 14, 15 }

-- exit 8: it rejects sessions with a payment.
test.ladder("../../clean_sessions.lua", { files = files, params = { as_of }, exit = 8 })

describe("clean_sessions", function()
  it("moves what is meant, whole, and says by which run", function()
    local database = test.database({ files = files })
    database:execute("create table was as select * from session; create table event_was as select * from session_event")
    local applied = opsh(database, as_of, "--apply", "--json")
    expect.equal(applied.exit, 8)
    expect.equal(numbers(database, "session"), staying)
    expect.equal(numbers(database, "session_archive"), going)
    expect.none(database:query([[
      select token, account_id, kind, created_at, expires_at, last_seen_at, revoked, ip, data from was
      except (select token, account_id, kind, created_at, expires_at, last_seen_at, revoked, ip, data from session
              union all
              select token, account_id, kind, created_at, expires_at, last_seen_at, revoked, ip, data
              from session_archive)
    ]]), "sessions lost or changed")
    expect.none(database:query([[
      select id, session_token, at, what from event_was
      except (select id, session_token, at, what from session_event
              union all select id, session_token, at, what from session_event_archive)
    ]]), "events lost or changed")
    expect.equal(database:value("select count(*) from session_event_archive"), 7)
    expect.equal(database:value([[
      select count(distinct run)
      from (select run from session_archive union all select run from session_event_archive) as r
    ]]), 1)
    expect.equal(
      database:value("select count(*) from session_archive where archived_at < now() - interval '1 hour'"),
      0
    )
    expect.equal(database:value("select session_token from login_alert where id = 1"), nil)
  end)

  it("counts what stays, and names what somebody must look at", function()
    local database = test.database({ files = files })
    expect.equal(opsh(database, as_of, "--apply").exit, 8)
    local plan = opsh(database, as_of)   -- the archive is there: what is left is planned at once
    expect.matches(plan.output, "api%s+2\n")
    expect.matches(plan.output, "unresolved alert%s+1\n")
    expect.matches(plan.output, "payment%s+2\n")
    expect.contains(plan.output, token(8))
    expect.contains(plan.output, "payment_intent 1, 2")
    expect.contains(plan.output, token(10))
  end)

  it("counts days as it is told", function()
    local database = test.database({ files = files })
    expect.equal(opsh(database, as_of, "--days=31", "--apply").exit, 8)
    expect.equal(numbers(database, "session"), { 4, 5, 6, 7, 8, 9, 10, 11 })
  end)

  it("refuses a moment in the future, and days below zero", function()
    local database = test.database({ files = files })
    expect.equal(opsh(database, "--as-of=2999-01-01T00:00Z", "--apply").exit, 5)
    expect.equal(opsh(database, as_of, "--days=-400", "--apply").exit, 5)
    expect.equal(opsh(database, "--apply").exit, 2)
    expect.equal(database:value("select count(*) from session"), 15)
  end)

  it("is refused when a session came alive since the plan that somebody read", function()
    local database = test.database({ files = files })
    expect.equal(opsh(database, "--as-of=2020-01-01T00:00Z", "--apply").exit, 0)   -- makes the archive, no more
    expect.equal(opsh(database, as_of).exit, 0)
    database:execute("update session set expires_at = '2027-01-01Z' where token = '" .. token(1) .. "'")
    local applied = opsh(database, as_of, "--apply")
    expect.equal(applied.exit, 5)
    expect.contains(applied.output .. applied.errors, token(1))
    expect.equal(numbers(database, "session_archive"), {})
  end)

  -- Somebody uses sessions while the apply, which has planned them, is at work: it has to wait for the locks, and to
  -- see what came of them.
  local function used_meanwhile(what, kept)
    it("leaves a session alone when " .. what.name, function()
      local database = test.database({ files = files })
      expect.equal(opsh(database, "--as-of=2020-01-01T00:00Z", "--apply").exit, 0)
      test.shell(("psql -qX -d \"$DB\" -c \"begin; %s; select pg_sleep(2); commit\" >/dev/null 2>&1 &")
        :format(what.sql), { environment = { DB = database.conninfo } })
      test.wait_until("somebody holds the lock", function()
        return database:value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1
      end)
      local applied = opsh(database, as_of, "--apply")
      expect.equal(applied.exit, 8)
      expect.contains(applied.output, "changed since the plan, left out  1")
      expect.equal(numbers(database, "session"), kept)
      expect.equal(numbers(database, "session join session_archive using (token, data)"), {})
    end)
  end

  used_meanwhile({ name = "it is used again",
    sql = "update session set expires_at = '2027-01-01Z' where token = '" .. token(1) .. "'" },
    { 1, 5, 6, 7, 8, 9, 10, 11 })
  used_meanwhile({ name = "a payment comes to point to it",
    sql = "insert into payment_intent (session_token, amount, state) values ('" .. token(12) .. "', 1, 'open')" },
    { 5, 6, 7, 8, 9, 10, 11, 12 })
  used_meanwhile({ name = "an alert is raised for it",
    sql = "insert into login_alert (session_token, raised_at) values ('" .. token(2) .. "', '2026-03-01Z')" },
    { 2, 5, 6, 7, 8, 9, 10, 11 })

  it("is taken back by an undo, tokens of alerts too", function()
    local database = test.database({ files = files })
    local before = database:checksum()
    expect.equal(opsh(database, as_of, "--apply").exit, 8)
    local run = database:value("select distinct run from session_archive")
    expect.equal(test.opsh({ "undo", run, "--apply" }, { db = database }).exit, 0)
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select session_token from login_alert where id = 1"), token(3))
  end)
end)
