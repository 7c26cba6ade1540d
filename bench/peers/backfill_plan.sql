-- What scripts/backfill_versions.lua plans, as one would write it by hand.
select distinct on (competency.id) competency.id as competency_id,
       capability.discovered_in_scenario_id as scenario_id
from capabilities as capability
join capability_competencies as pivot on pivot.capability_id = capability.id
join competencies as competency on competency.id = pivot.competency_id
where capability.discovered_in_scenario_id is not null
  and not exists (select from competency_versions as version where version.competency_id = competency.id)
order by competency.id, capability.id, pivot.id;
