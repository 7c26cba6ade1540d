local json = require("opsh.json")
local quarantining = require("quarantining")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local opsh, prepared, tables_of = quarantining.opsh, quarantining.prepared, quarantining.tables_of
local work_of, check_named = quarantining.work, quarantining.check

--- No line of check.sql counts anything wrong.
local function expect_correct(database)
  for line in database:run_file("../fixture/check.sql"):gmatch("[^\n]+") do
    expect.matches(line, "|0$")
  end
end

local function expect_reported(database, document)
  local step = work_of(document)
  for _, row in ipairs(database:query("select field, value from expected.summary where mode = 'apply'")) do
    local found = step.summary[row.field]
    if row.field == "errors" then found = type(step.done) == "table" and step.done.failed or 0 end
    expect.equal(found, row.value, row.field)
  end
end

--- The report files in this folder are those of the first 100 drivers, with the figures of the document.
local function expect_files(document, folder, is_plan)
  local found = json.decode(test.shell(("cat %s/output/orphans_report_*.json"):format(folder)).output)
  expect.equal(found.dry_run, is_plan)
  expect.equal(#found.drivers, 100)
  for name, value in pairs(work_of(document).summary) do
    expect.equal(found.stats[name], value, name)
  end
  expect.equal(found.drivers[1].outcome, is_plan and "planned" or "done")
  local lines = test.shell(("cat %s/output/orphans_report_*.csv"):format(folder)).output
  expect.matches(lines, "^driver_id,person_key,creation_rule,lead_events_count,action,status,detected_driver_id_path,"
    .. "event_source_table,error")
  expect.equal(select(2, lines:gsub("\n", "")), 101)
end

local outside = "drivers without a lead that are not in quarantine"

--- Makes what the reference expects; returns the run.
local function quarantine(database, ...)
  local plan = opsh(database, "--json")
  expect.equal(plan.exit, 0)
  expect_reported(database, plan.json())

  local apply = opsh(database, "--apply", "--json", ...)
  local left = database:value(
    "select value from expected.acceptance where name = 'drivers_without_lead_outside_quarantine'"
  )
  expect.equal(apply.exit, left > 0 and 6 or 0)
  local document = apply.json()
  expect_reported(database, document)
  expect.equal(work_of(document).done.counts.links_created, work_of(document).summary.links_created)
  expect_correct(database)
  local check = check_named(document, outside)
  expect.equal(check.found, tostring(left))
  for _, row in ipairs(check.rows) do
    expect.equal(row.status, "resolved_relinked", "a row that nobody may touch")
  end
  return document.run
end

describe("the quarantine of drivers without leads", function()
  it("relinks and quarantines what the reference expects", function() quarantine(prepared({ n = 1000, seed = 1 })) end)

  it("relinks and quarantines hard cases in small batches, once, and takes it all back", function()
    local database = prepared({ n = 1000, seed = 2, hard = 1 })
    local tables = tables_of(database)
    local run = quarantine(database, "--batch=150")
    local again = opsh(database, "--apply", "--json")
    expect.equal(again.exit, 0)
    expect.equal(again.json().outcome, "nothing to do")
    expect.equal(quarantining.undo(database, run).exit, 0)
    expect.equal(tables_of(database), tables, "undo left a table changed")
  end)

  it("keeps to the first drivers that --limit names, by person and driver, and reports each", function()
    local database = prepared({ n = 1000, seed = 1 }, quarantining.foresee_of_100)
    test.shell("mkdir planned")
    expect_files(opsh(database, "--json", "--limit=100", "--output=planned").json(), "planned", true)
    local apply = opsh(database, "--apply", "--json", "--limit=100")
    expect.equal(apply.exit, 0)
    expect_reported(database, apply.json())
    expect_files(apply.json(), ".", false)
    expect.none(database:query([[
      (select driver_id from canon.driver_orphan_quarantine except select driver_id from before.quarantine)
      except select driver_id from expected.drivers]]))
  end)

  it("takes drivers out of quarantine with --reprocess-quarantined when an event names them by now", function()
    local database = prepared({ n = 1000, seed = 1 })
    expect.equal(opsh(database, "--apply").exit, 0)
    expect.equal(opsh(database, "--apply", "--reprocess-quarantined", "--json").json().outcome, "nothing to do")
    local driver = database:query([[
      select driver_id, detected_at::text as detected_at, detected_reason::text as reason
      from canon.driver_orphan_quarantine where detected_reason = 'no_lead_no_events' and status = 'quarantined'
      order by driver_id limit 1]])[1]
    database:execute(([[
      insert into observational.lead_events (source_table, source_pk, event_date, payload_json)
      values ('module_ct_cabinet_leads', 'late', '2026-01-01', jsonb_build_object('driver_id', '%s'))]]):format(
      driver.driver_id
    ))
    expect.equal(opsh(database, "--apply", "--json").json().outcome, "nothing to do")
    local document = opsh(database, "--apply", "--reprocess-quarantined", "--json").json()
    expect.equal(work_of(document).done.items, 1)
    expect.equal(work_of(document).done.counts.links_created, 1)
    expect.equal(
      database:query(
        [[select detected_at::text as detected_at, detected_reason::text as reason, status::text as status
          from canon.driver_orphan_quarantine where driver_id = $1]],
        driver.driver_id
      )[1].status,
      "resolved_relinked"
    )
  end)

  it("leaves a driver alone whose event somebody links between the plan and its batch", function()
    local database = prepared({ n = 1000, seed = 1 })
    local last = database:query([[
      select driver_id, used -> 0 ->> 'source_table' as source_table, used -> 0 ->> 'source_pk' as source_pk
      from expected.drivers where links_created = 1 order by driver_id desc limit 1]])[1]
    database:execute(([[
      create function interfere() returns trigger language plpgsql as $$
      begin
        insert into canon.identity_links (person_key, source_table, source_pk, snapshot_date, match_rule, match_score,
                                          confidence_level)
        select person_key, '%s', '%s', now(), 'SOMEBODY', 1, 'LOW' from canon.identity_registry limit 1
        on conflict do nothing;
        return null;
      end $$;
      create trigger interfere after insert on canon.driver_orphan_quarantine for each statement
      execute function interfere();]]):format(last.source_table, last.source_pk))
    -- So few drivers are one batch of the runbook's.
    local apply = opsh(database, "--apply", "--json", "--batch=50")
    expect.equal(work_of(apply.json()).done.skipped, 1)
    expect.equal(apply.exit, 6, "it is neither linked nor in quarantine")
    expect.equal(check_named(apply.json(), outside).rows[1].driver_id, last.driver_id)
    expect.equal(
      database:value("select count(*) from canon.driver_orphan_quarantine where driver_id = $1", last.driver_id),
      0
    )
  end)
end)
