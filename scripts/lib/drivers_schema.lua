--- What the quarantine of drivers needs of the schema: its table, the views that leave out who is in quarantine, and
--- the guard that keeps its history. The application's own migration makes the same table: who comes first makes it.
local schema = require("opsh.schema")

local M = {}

local quarantine = "canon.driver_orphan_quarantine"

--- Types, table and indexes. The indexes are not built concurrently: the table is new, or has a few thousand rows.
M.table = {
  name = "quarantine table",
  when = "schema",
  schema = true,
  atomic = true,
  writes = { quarantine },
  plan = [[
    select place, what, ddl, undo_ddl
    from (values
      (1, 'type orphan_detected_reason', to_regtype('orphan_detected_reason')::oid, $ddl$
        create type orphan_detected_reason as enum
          ('no_lead_no_events', 'no_lead_has_events_repair_failed', 'legacy_driver_without_origin', 'manual_detection')
      $ddl$, 'drop type orphan_detected_reason'),
      (2, 'type orphan_status', to_regtype('orphan_status')::oid, $ddl$
        create type orphan_status as enum ('quarantined', 'resolved_relinked', 'resolved_created_lead', 'purged')
      $ddl$, 'drop type orphan_status'),
      (3, 'table', to_regclass('canon.driver_orphan_quarantine')::oid, $ddl$
        create table canon.driver_orphan_quarantine (
          driver_id varchar primary key,
          person_key uuid references canon.identity_registry on delete set null,
          detected_at timestamptz not null default now(),
          detected_reason orphan_detected_reason not null,
          creation_rule varchar,
          evidence_json jsonb,
          status orphan_status not null default 'quarantined',
          resolved_at timestamptz,
          resolution_notes text)
      $ddl$, 'drop table canon.driver_orphan_quarantine'),
      (4, 'index of status', to_regclass('canon.idx_driver_orphan_quarantine_status')::oid, $ddl$
        create index idx_driver_orphan_quarantine_status on canon.driver_orphan_quarantine (status)
      $ddl$, 'drop index canon.idx_driver_orphan_quarantine_status'),
      (5, 'index of reason', to_regclass('canon.idx_driver_orphan_quarantine_detected_reason')::oid, $ddl$
        create index idx_driver_orphan_quarantine_detected_reason on canon.driver_orphan_quarantine (detected_reason)
      $ddl$, 'drop index canon.idx_driver_orphan_quarantine_detected_reason'),
      (6, 'index of person', to_regclass('canon.idx_driver_orphan_quarantine_person_key')::oid, $ddl$
        create index idx_driver_orphan_quarantine_person_key on canon.driver_orphan_quarantine (person_key)
      $ddl$, 'drop index canon.idx_driver_orphan_quarantine_person_key'),
      (7, 'index of detection', to_regclass('canon.idx_driver_orphan_quarantine_detected_at')::oid, $ddl$
        create index idx_driver_orphan_quarantine_detected_at on canon.driver_orphan_quarantine (detected_at)
      $ddl$, 'drop index canon.idx_driver_orphan_quarantine_detected_at'))
      as wanted (place, what, found, ddl, undo_ddl)
    where found is null
  ]],
  key = { "place", "what" },
  undo = schema.undo,
}

local driver_orphans = [[
  select known.driver_id, known.person_key, known.detected_at, known.detected_reason, known.creation_rule,
         known.evidence_json, known.status, known.resolved_at, known.resolution_notes,
         person.primary_phone, person.primary_license, person.primary_full_name, person.confidence_level,
         (select count(*) from canon.identity_links as link
          where link.source_table = 'drivers' and link.source_pk = known.driver_id) as driver_links_count,
         (select count(*) from observational.lead_events as event
          where event.payload_json ->> 'driver_id' = known.driver_id) as lead_events_count
  from canon.driver_orphan_quarantine as known
  left join canon.identity_registry as person on person.person_key = known.person_key]]

local cabinet_funnel_status = [[
  select link.source_pk as driver_id, link.person_key,
         case when metrics.first_connection_date is null then 'registered_complete'
              when coalesce(metrics.trips_30d, 0) = 0 then 'connected_no_trips'
              when metrics.trips_30d >= 25 then 'reached_m25'
              when metrics.trips_30d >= 5 then 'reached_m5'
              else 'reached_m1' end as funnel_status
  from canon.identity_links as link
  left join lateral (select * from observational.v_conversion_metrics as every
                     where every.driver_id = link.source_pk order by lead_date desc limit 1) as metrics on true
  where link.source_table = 'drivers'
    and not exists (select from canon.driver_orphan_quarantine as known
                    where known.driver_id = link.source_pk and known.status = 'quarantined')]]

local payment_calculation = [[
  select metrics.person_key, metrics.origin_tag, metrics.driver_id, metrics.lead_date, rule.id as rule_id,
         rule.milestone_trips, rule.amount, rule.currency,
         metrics.trips_30d >= rule.milestone_trips as milestone_achieved
  from observational.v_conversion_metrics as metrics
  join ops.payment_rules as rule on rule.origin_tag = metrics.origin_tag
  where metrics.driver_id is not null
    and not exists (select from canon.driver_orphan_quarantine as known
                    where known.driver_id = metrics.driver_id and known.status = 'quarantined')]]

local ct4_eligible_drivers = [[
  select distinct metrics.driver_id, metrics.person_key, metrics.origin_tag
  from observational.v_conversion_metrics as metrics
  join canon.identity_links as link
    on link.source_table = 'drivers' and link.source_pk = metrics.driver_id
  where link.confidence_level <> 'LOW'
    and not exists (select from canon.driver_orphan_quarantine as known
                    where known.driver_id = metrics.driver_id and known.status = 'quarantined')]]

--- In the order of the team's deployment; none depends on another.
M.views = schema.views({
  name = "views without drivers in quarantine",
  when = "schema",
  views = {
    { view = "ops.v_driver_orphans", query = driver_orphans },
    { view = "ops.v_cabinet_funnel_status", query = cabinet_funnel_status },
    { view = "ops.v_payment_calculation", query = payment_calculation },
    { view = "ops.v_ct4_eligible_drivers", query = ct4_eligible_drivers },
  },
})

--- A row says what became of a driver: that may change, and why it was put there may not. person_key goes when the
--- person does.
M.guard = schema.append_only({
  name = "append-only quarantine",
  when = "schema",
  after = M.table.name,
  table = quarantine,
  columns = { "person_key", "evidence_json", "status", "resolved_at", "resolution_notes" },
})

return M
