local doctoring = require("doctoring")
local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local as, configure, finding = doctoring.as, doctoring.configure, doctoring.finding
local look, named = doctoring.look, doctoring.named

--- Sets something for the database of a test.
local function set(database, setting)
  local name = database:value("select current_database()::text as name")
  database:execute(("alter database %s set %s"):format(name, setting))
end

describe("a server", function()
  it("that does not count changes has a problem, and exits 6", function()
    local database = test.database()
    set(database, "track_counts = off")
    local document, result = look(database)
    expect.equal(result.exit, 6)
    local found = finding(document, "server", "track_counts")
    expect.equal(found.state, "problem")
    expect.matches(found.advice, "^alter database %S+ set track_counts = on$")
    expect.matches(test.opsh({ "doctor" }, { db = database }).output, "\n1 problem %(server track_counts%), ")
  end)

  it("whose database is read-only by default cannot be applied to", function()
    local database = test.database()
    set(database, "default_transaction_read_only = on")
    local document, result = look(database)
    expect.equal(result.exit, 6)
    expect.equal(finding(document, "server", "default_transaction_read_only").state, "problem")
  end)

  it("with synchronous_commit off needs nothing to be done", function()
    local database = test.database()
    set(database, "synchronous_commit = off")
    local document, result = look(database)
    expect.equal(result.exit, 0)
    expect.equal(finding(document, "server", "synchronous_commit").state, "note")
  end)

  it("shows the timeouts of the role beside those that opsh sets", function()
    local database = test.database()
    set(database, "statement_timeout = '7s'")
    local found = finding(look(database, { "--statement-timeout=90" }), "server", "statement_timeout").found
    expect.contains(found, "7.0 s (set for this database)")
    expect.contains(found, "1 min 30 s")
  end)

  it("is told about a transaction that somebody left open", function()
    local database = test.database({ sql = sample.items(2) })
    local held = test.shell(
      [[(echo "begin; select 1 from item;"; exec sleep 20) | psql -X -q -d "$CONNINFO" >/dev/null &
        idle="select from pg_stat_activity where state = 'idle in transaction' and datname = current_database()"
        until psql -X -q -A -t -d "$CONNINFO" -c "select exists ($idle)" | grep -q t; do sleep 0.05; done
        sleep 0.2
        "$OPSH" doctor --json --older-than=0.1 --db "$CONNINFO"
        psql -X -q -d "$CONNINFO" -c "select pg_terminate_backend(pid) from (select pid ${idle#select }) as a" \
          >/dev/null]],
      { environment = { CONNINFO = database.conninfo } }
    )
    local idle = finding(held.json(), "server", "idle in transaction")
    expect.equal(idle.state, "warning")
    expect.contains(idle.advice, "pg_terminate_backend(")
  end)

  it("is told about event triggers by name", function()
    local database = test.database({
      sql = [[create function watched() returns event_trigger language plpgsql as 'begin end';
              create event trigger watcher on ddl_command_end execute function watched();]],
    })
    expect.contains(finding(look(database), "server", "event triggers").found, "watcher (ddl_command_end)")
  end)
end)

describe("a login", function()
  local plain = "drop role if exists plain; create role plain login; "

  it("that is a superuser is warned that no right protects a plan", function()
    local role = finding(look(test.database()), "server", "role")
    expect.equal(role.state, "warning")
    expect.contains(role.found, "a plan cannot be protected by rights")
  end)

  it("that may not create the schema opsh has a problem with the grant that mends it", function()
    local database = test.database({ sql = plain })
    local document, result = look(as(database, "plain"))
    expect.equal(result.exit, 6)
    local ledger = finding(document, "rights", "ledger")
    expect.equal(ledger.state, "problem")
    expect.matches(ledger.advice, "^grant create on database %S+ to plain, or ")
    database:execute(ledger.advice:match("^(.-),"))
    expect.equal(finding(look(as(database, "plain")), "rights", "ledger").state, "ok")
  end)

  it("that may not write to the ledger has a problem with the grant that mends it", function()
    local database = test.database({ sql = plain .. test.opsh({ "schema" }).output })
    database:execute("insert into opsh.version (version, installed_by) values (1, 'test')")
    local granted = 0
    for _ = 1, 10 do
      local ledger = finding(look(as(database, "plain")), "rights", "ledger")
      if ledger.state == "ok" then break end
      database:execute(ledger.advice)
      granted = granted + 1
    end
    expect.equal(granted, 6)
  end)

  it("that finds a newer ledger has a problem", function()
    local database = test.database({ sql = test.opsh({ "schema" }).output })
    database:execute("insert into opsh.version (version, installed_by) values (99, 'test')")
    local ledger = finding(look(database), "rights", "ledger")
    expect.equal(ledger.state, "problem")
    expect.contains(ledger.found, "version 99")
  end)

  it("that may not call pg_control_system cannot plan, and the other checks go on", function()
    local database = test.database({ sql = plain .. "revoke execute on function pg_control_system() from public" })
    local document, result = look(as(database, "plain"))
    expect.equal(result.exit, 6)
    expect.equal(finding(document, "rights", "identity").state, "problem")
    expect.equal(#named(document, "rights", "ledger"), 1)
  end)

  it("that may not look somewhere is told so, and the other checks go on", function()
    local database = test.database({ sql = plain .. "revoke select on pg_replication_slots from public" })
    local document = look(as(database, "plain"))
    local slots = finding(document, "server", "replication slots")
    expect.equal(slots.state, "unknown")
    expect.contains(slots.found, "permission denied")
    expect.equal(finding(document, "server", "size").state, "ok")
    expect.contains(test.opsh({ "doctor" }, { db = as(database, "plain") }).output, "cannot tell")
  end)
end)

describe("a reader", function()
  local looker = "drop role if exists looker; create role looker login; "

  it("that may only read protects a plan", function()
    local database = test.database({ sql = sample.items(1) .. looker .. "grant select on item to looker" })
    configure(database.conninfo, as(database, "looker"))
    local document = look(nil, { "--target=shop" })
    expect.equal(finding(document, "rights", "reader").state, "ok")
    expect.equal(finding(document, "reader", "role").state, "ok")
    expect.equal(finding(document, "server", "role").state, "note")
  end)

  it("that may write is told which tables", function()
    local database = test.database({ sql = sample.items(1) .. looker .. "grant select, update on item to looker" })
    configure(database.conninfo, as(database, "looker"))
    local reader = finding(look(nil, { "--target=shop" }), "rights", "reader")
    expect.equal(reader.state, "warning")
    expect.contains(reader.found, "1 table: public.item")
  end)

  it("that is the login of connect is noted", function()
    local database = test.database()
    configure(database.conninfo, database.conninfo)
    local reader = finding(look(nil, { "--target=shop" }), "rights", "reader")
    expect.equal(reader.state, "note")
    expect.contains(reader.found, "the same login")
  end)

  it("that leads to another database is a problem", function()
    local database, other = test.database({ sql = looker }), test.database()
    configure(database.conninfo, as(other, "looker"))
    local document, result = look(nil, { "--target=shop" })
    expect.equal(result.exit, 6)
    expect.equal(named(document, "rights", "reader")[1].state, "problem")
  end)
end)
