local application = require("lib.drivers_application")
local quarantine = require("lib.drivers_schema")
local notify = require("opsh.notify")
local runbook = require("opsh.runbook")

local lead_tables = "('module_ct_cabinet_leads', 'module_ct_scouting_daily', 'module_ct_migrations')"

-- What is left of a licence or a phone number when they are compared; nothing when nothing is left.
local function licence(text) return ("nullif(regexp_replace(upper(%s), '[^A-Z0-9]', '', 'g'), '')"):format(text) end
local function phone(text) return ("nullif(regexp_replace(%s, '[^0-9]', '', 'g'), '')"):format(text) end

--- Whether the payload of the first event has a member that says something.
local function says(member)
  return ([[
    jsonb_typeof(first_event.payload_json) = 'object' and coalesce(first_event.payload_json -> '%s', 'null')
      not in ('null', '""', '0', 'false', '{}', '[]')
  ]]):format(member)
end

local candidates = [[
  candidate as materialized (
    select row_number() over (order by link.person_key, link.source_pk collate "C") as place, link.person_key,
           link.source_pk as driver_id, link.match_rule, link.linked_at, link.evidence, person.primary_phone,
           person.primary_license, person.primary_full_name, quarantine.status as known_status
    from canon.identity_links as link
    join canon.identity_registry as person using (person_key)
    left join canon.driver_orphan_quarantine as quarantine on quarantine.driver_id = link.source_pk
    where link.source_table = 'drivers'
      and not exists (select from canon.identity_links as lead
                      where lead.person_key = link.person_key and lead.source_table in ]] .. lead_tables .. [[)
      and case when :reprocess_quarantined then quarantine.status = 'quarantined'
               else coalesce(quarantine.status, 'purged') = 'purged' end
    order by place
    limit nullif(:limit, 0)),
  known_by as materialized (
    select candidate.place,
           nullif(coalesce(indexed.license_norm, ]]
  .. licence("coalesce(driver.license_normalized_number, driver.license_number)")
  .. [[), '') as licence,
           nullif(coalesce(indexed.phone_norm, ]] .. phone("driver.phone") .. [[), '') as phone
    from candidate
    left join canon.drivers_index as indexed using (driver_id)
    left join public.drivers as driver using (driver_id))
]]

local without_lead = [[
  select link.source_pk as driver_id, link.person_key, quarantine.status
  from canon.identity_links as link
  left join canon.driver_orphan_quarantine as quarantine on quarantine.driver_id = link.source_pk
  where link.source_table = 'drivers'
    and not exists (select from canon.identity_links as lead
                    where lead.person_key = link.person_key and lead.source_table in ]] .. lead_tables .. ")"

-- Events that speak for a candidate: 1 the payload names the driver, 2 a scouting event has the licence or the phone,
-- 3 the event already has the person, which is too weak for a driver that is in quarantine.
local evidence = [[
  named as (
    select candidate.place, event.id, 1 as level
    from observational.lead_events as event,
    lateral (values (payload_json ->> 'driver_id'), (payload_json ->> 'driverId'), (payload_json ->> 'id'),
                    (payload_json -> 'driver' ->> 'driver_id'), (payload_json -> 'driver' ->> 'driverId'),
                    (payload_json -> 'driver' ->> 'id')) as payload (driver_id)
    join candidate on candidate.driver_id = payload.driver_id),
  scouted as materialized (
    select id, ]] .. licence("payload_json ->> 'driver_license'") .. [[ as licence,
           ]] .. phone("payload_json ->> 'driver_phone'") .. [[ as phone
    from observational.lead_events where source_table = 'module_ct_scouting_daily'),
  found as (
    select * from named
    union all select place, id, 2 from known_by join scouted using (licence)
    union all select place, id, 2 from known_by join scouted using (phone)
    union all select place, event.id, 3 from candidate join observational.lead_events as event using (person_key)
              where not :reprocess_quarantined),
  ranked as (
    select place, event.id, level, event.source_table, event.source_pk,
           row_number() over (partition by place, level
                              order by event_date desc, created_at desc, event.id desc) as rank
    from (select place, id, min(level) as level from found group by place, id) as strongest
    join observational.lead_events as event using (id)),
  claim as materialized (
    select place, ranked.id, ranked.source_table, ranked.source_pk,
           row_number() over (partition by place order by level, rank) as number,
           taken.id is null and row_number() over (partition by ranked.id order by place) = 1 as is_first
    from ranked
    left join canon.identity_links as taken on taken.source_table = ranked.source_table
      and taken.source_pk = ranked.source_pk
    where rank <= case level when 3 then 10 else 20 end),
  claimed as (
    select place, count(*) as events, count(*) filter (where is_first) as links,
           min(id) filter (where number = 1) as first_event_id,
           coalesce(jsonb_agg(jsonb_build_object('event_id', id, 'source_table', source_table, 'source_pk', source_pk)
                              order by number) filter (where is_first), '[]') as used
    from claim group by place)
]]

return runbook({
  title = "Relink or quarantine drivers without leads",
  description = "Links every driver whose person has no lead to the lead events that speak for it; puts it into "
    .. "quarantine where there is none, or all are linked already. An event is linked once, for the first driver.",
  params = {
    limit = { type = "integer", help = "Only the first N drivers without leads, by person and driver; 0 is all." },
    reprocess_quarantined = {
      type = "boolean",
      default = false,
      help = "Look again at drivers in quarantine, for events that name them, their licence or their phone.",
    },
    schema = {
      type = "boolean",
      default = true,
      help = "Make the table, its views and its guard where they are missing; their owner must do that.",
    },
    app_dir = application.params.app_dir,
    url = application.params.url,
    api_token = application.params.api_token,
    smoke_tests = application.params.smoke_tests,
    webhook = application.params.webhook,
    window = application.params.window,
  },
  preconditions = application.preflight,
  steps = {
    quarantine.table,
    quarantine.views,
    quarantine.guard,
    {
      name = "relink or quarantine",
      after = quarantine.table.name,
      plan = "with" .. candidates .. "," .. evidence .. [[
        select candidate.driver_id, candidate.person_key, candidate.known_status, match_rule as creation_rule,
               coalesce(events, 0) as lead_events_count,
               case when links > 0 then 'resolved_relinked'
                    when :reprocess_quarantined then 'still_quarantined'
                    when events > 0 then 'quarantined_repair_failed'
                    else 'quarantined' end as action,
               case when links > 0 then 'resolved_relinked' else 'quarantined' end as status,
               case when events is null then 'no_events_found'
                    when ]] .. says("driver_id") .. [[ then 'payload_json.driver_id'
                    when ]] .. says("driver_license") .. " or " .. says("driver_phone") .. [[
                      then 'via_license_phone_mapping'
                    when first_event.person_key is not null then 'via_person_key' end as detected_driver_id_path,
               first_event.source_table as event_source_table, coalesce(links, 0) as links_created,
               coalesce(events - links, 0) as links_skipped, coalesce(used, '[]') as used,
               jsonb_build_object('creation_rule', match_rule, 'linked_at', linked_at, 'original_evidence', evidence,
                                  'primary_phone', primary_phone, 'primary_license', primary_license,
                                  'primary_full_name', primary_full_name)
                 || case when events > 0 then jsonb_build_object('lead_events_used', used) else '{}' end
                 || case when links = 0 then jsonb_build_object('failed_repair_attempts', events) else '{}' end
                 as evidence
        from candidate
        left join claimed using (place)
        left join observational.lead_events as first_event on first_event.id = first_event_id
      ]],
      key = "driver_id",
      classify = "action",
      skip = { "still_quarantined" },
      totals = { "links_created", "links_skipped" },
      writes = { "canon.identity_links", "canon.driver_orphan_quarantine" },
      summary = function(planned)
        local resolved, without = planned.labels.resolved_relinked, planned.labels.quarantined
        return { processed = planned.items, with_events = planned.items - without, without_events = without,
          links_created = planned.totals.links_created, links_skipped = planned.totals.links_skipped,
          quarantined = planned.items - resolved, resolved_relinked = resolved, errors = planned.failed }
      end,
      report = {
        file = "output/orphans_report",
        rows = "drivers",
        columns = { "driver_id", "person_key", "creation_rule", "lead_events_count", "action", "status",
          "detected_driver_id_path", "event_source_table", "error" },
      },
      -- Not when somebody has moved the driver, brought its person a lead, linked one of the events or decided about
      -- the quarantine since the plan. Links of this run are no lead: a person may have two drivers.
      -- identity_links has no index by person: an array, and large batches, so that it is read once for many items.
      batch = 5000,
      recheck = [[
        select item.driver_id
        from :items as item
        join canon.identity_links as link on link.source_table = 'drivers' and link.source_pk = item.driver_id
        where link.person_key = item.person_key
          and (select status from canon.driver_orphan_quarantine where driver_id = item.driver_id)
              is not distinct from item.known_status
          and item.person_key <> all (array(
            select lead.person_key from canon.identity_links as lead join :items as theirs using (person_key)
            where lead.match_rule <> 'LEAD_EVENT_RECONSTRUCTION' and lead.source_table in ]] .. lead_tables .. [[))
          and not exists (select from jsonb_to_recordset(item.used) as used (source_table text, source_pk text)
                          join canon.identity_links as taken using (source_table, source_pk))
        order by item.driver_id
        for no key update of link
      ]],
      apply = function(tx)
        local created = tx:exec([[
          insert into canon.identity_links (person_key, source_table, source_pk, snapshot_date, match_rule, match_score,
                                            confidence_level, evidence)
          select item.person_key, event.source_table, event.source_pk, event.event_date, 'LEAD_EVENT_RECONSTRUCTION',
                 100, 'HIGH', jsonb_build_object('created_by', 'fix_drivers_without_leads', 'event_id', event.id)
          from :items as item
          cross join lateral jsonb_to_recordset(item.used) as used (event_id int)
          join observational.lead_events as event on event.id = used.event_id
        ]])
        local recorded = tx:exec([[
          insert into canon.driver_orphan_quarantine as known (driver_id, person_key, detected_reason, creation_rule,
                                                               evidence_json, status, resolved_at, resolution_notes)
          select driver_id, person_key,
                 (case action when 'quarantined_repair_failed' then 'no_lead_has_events_repair_failed'
                              else 'no_lead_no_events' end)::orphan_detected_reason,
                 creation_rule, evidence, status::orphan_status, case action when 'resolved_relinked' then now() end,
                 case action
                   when 'resolved_relinked'
                     then 'Relinked from ' || links_created || ' lead_event(s). Created by fix_drivers_without_leads.'
                   when 'quarantined_repair_failed'
                     then 'Had lead_events but failed to create links (may already exist)'
                 end
          from :items as item
          on conflict (driver_id) do update
          set person_key = coalesce(known.person_key, excluded.person_key), status = excluded.status,
              resolved_at = excluded.resolved_at, resolution_notes = excluded.resolution_notes,
              evidence_json = excluded.evidence_json
        ]])
        return { links_created = created, drivers_recorded = recorded }
      end,
      verify = function(check, ctx)
        check:equal("links made", ctx.done.counts.links_created, ctx.done.totals.links_created)
        check:equal("drivers recorded", ctx.done.counts.drivers_recorded, ctx.done.items)
        for _, view in ipairs({ "v_cabinet_funnel_status", "v_payment_calculation", "v_ct4_eligible_drivers" }) do
          check:none("drivers in quarantine that ops." .. view .. " shows", ([[
            select shown.driver_id from ops.%s as shown
            join canon.driver_orphan_quarantine as quarantine on quarantine.driver_id = shown.driver_id
            where quarantine.status = 'quarantined'
          ]]):format(view))
        end
        application.check_metrics(check, ctx)
        check:none("drivers that were resolved without a note", [[
          select driver_id, status from canon.driver_orphan_quarantine
          where status in ('resolved_relinked', 'resolved_created_lead')
            and (resolution_notes is null or resolved_at is null)
        ]])
        if (ctx.params.limit or 0) > 0 then return end
        check:none("drivers without a lead that are not in quarantine", without_lead .. [[
          and quarantine.status is distinct from 'quarantined' order by link.source_pk
        ]])
        check:none("drivers without a lead and without a record", without_lead .. " and quarantine.driver_id is null")
      end,
    },
    application.frontend,
    application.tests,
    {
      name = "look at the dashboard",
      when = "smoke_tests",
      manual = "Does the dashboard show the card with the numbers of drivers without leads?",
    },
    {
      name = "look at the page",
      when = "smoke_tests",
      manual = "Does /orphans list them, and do its filters and its button for a dry run work?",
    },
  },
  finally = notify.ending("webhook"),
})
