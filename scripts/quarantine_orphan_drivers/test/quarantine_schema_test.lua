local quarantining = require("quarantining")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect
local opsh, schema_of, tables_of = quarantining.opsh, quarantining.schema_of, quarantining.tables_of

-- The database before the deployment: no table, no types, one of the views with all drivers in it.
local before = [[
  drop view ops.v_driver_orphans, ops.v_payment_calculation, ops.v_cabinet_funnel_status, ops.v_ct4_eligible_drivers;
  drop table canon.driver_orphan_quarantine;
  drop type orphan_status;
  drop type orphan_detected_reason;
  create view ops.v_payment_calculation as
    select m.person_key, m.origin_tag, m.driver_id, m.lead_date, r.id as rule_id, r.milestone_trips, r.amount,
           r.currency, m.trips_30d >= r.milestone_trips as milestone_achieved
    from observational.v_conversion_metrics as m join ops.payment_rules as r using (origin_tag);
  comment on view ops.v_payment_calculation is 'what is paid';
]]

-- May write what the runbook writes, and owns none of it.
local operator = [[
  create role operator login;
  grant pg_read_all_stats to operator;
  grant execute on function pg_control_system() to operator;
  do $$ begin execute format('grant create on database %I to operator', current_database()); end $$;
  grant usage on schema canon, ops, observational to operator;
  grant select on all tables in schema public, canon, ops, observational to operator;
  grant insert, update, delete on canon.identity_links, canon.driver_orphan_quarantine to operator;
  grant usage on all sequences in schema canon to operator;
]]

local function refused(database, sql)
  local ok, err = pcall(database.execute, database, sql)
  expect.equal(ok, false, sql)
  expect.contains(err.excerpt or "", "23001")
end

describe("the schema of the quarantine", function()
  it("is made where it is missing, keeps drivers out of the views, and is taken back", function()
    local database = quarantining.database(quarantining.few, before)
    local schema, tables = schema_of(database), tables_of(database)
    local plan = opsh(database)
    expect.equal(plan.exit, 0)
    expect.contains(plan.output, "create table canon.driver_orphan_quarantine")
    expect.contains(plan.output, "planned after quarantine table")

    local document = opsh(database, "--apply", "--json").json()
    expect.equal(document.outcome, "done")
    expect.equal(quarantining.work(document).done.items > 0, true)
    local paid = quarantining.check(document, "drivers in quarantine that ops.v_payment_calculation shows")
    expect.equal(paid.outcome, "pass")
    expect.equal(opsh(database, "--apply", "--json").json().outcome, "nothing to do")

    local undone = quarantining.undo(database, document.run)
    expect.equal(undone.exit, 0, undone.errors)
    expect.equal(schema_of(database), schema)
    expect.equal(tables_of(database), tables)
  end)

  it("lets rows only grow, and an undo of rows through", function()
    local database = quarantining.database(quarantining.few)
    local schema, tables = schema_of(database), tables_of(database)
    local first = opsh(database, "--apply", "--limit=10", "--json").json()
    refused(database, "delete from canon.driver_orphan_quarantine")
    refused(database, "truncate canon.driver_orphan_quarantine")
    refused(database, "update canon.driver_orphan_quarantine set creation_rule = 'another'")
    refused(database, "set opsh.rung = 'undo'; delete from canon.driver_orphan_quarantine")
    database:execute("begin; update canon.driver_orphan_quarantine set status = 'purged'; rollback")

    local second = opsh(database, "--apply", "--json").json()
    expect.equal(quarantining.step(second, "append-only quarantine").done.items, 0)
    for _, run in ipairs({ second.run, first.run }) do
      local undone = quarantining.undo(database, run)
      expect.equal(undone.exit, 0, undone.errors)
    end
    expect.equal(schema_of(database), schema)
    expect.equal(tables_of(database), tables)
  end)

  it("would keep rows from an undo that its guard did not know, and none from a DELETE without it", function()
    local database = quarantining.database(quarantining.few)
    local bare = opsh(database, "--apply", "--no-schema", "--limit=10", "--json").json()
    database:execute("begin; delete from canon.driver_orphan_quarantine; rollback")
    expect.equal(quarantining.undo(database, bare.run).exit, 0)
    local guarded = opsh(database, "--apply", "--limit=10", "--json").json()
    database:execute([[
      create or replace function canon.driver_orphan_quarantine_append_only() returns trigger language plpgsql as
      $$ begin raise 'nobody passes'; end $$]])
    local undone = quarantining.undo(database, guarded.run)
    expect.equal(undone.exit, 8, undone.errors)
    expect.contains(undone.output, "10 rows were left as they are")
  end)

  it("is refused to who is not its owner before anything is written, and can be left out", function()
    local database = quarantining.database(quarantining.few, operator)
    local login = database.conninfo:gsub("user=%S+", "user=operator")
    local result = opsh(login, "--apply")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "ops.v_driver_orphans belongs to opsh, and operator may not change or replace it")
    expect.contains(result.errors, "leave out what --schema brings in")
    expect.equal(database:value("select to_regnamespace('opsh') is null"), true)

    local without = opsh(login, "--apply", "--no-schema", "--json")
    expect.equal(without.exit, 0, without.errors)
    expect.equal(#without.json().steps, 1)
  end)
end)
