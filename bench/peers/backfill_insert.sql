-- The same backfill as one statement.
insert into competency_versions (organization_id, competency_id, version_group_id, name, description, effective_from,
                                 evolution_state, metadata, created_at, updated_at)
select distinct on (competency.id) competency.organization_id, competency.id, gen_random_uuid(), competency.name,
       competency.description, current_date, 'new_embryo',
       json_build_object('source', 'backfill', 'scenario_id', capability.discovered_in_scenario_id), now(), now()
from capabilities as capability
join capability_competencies as pivot on pivot.capability_id = capability.id
join competencies as competency on competency.id = pivot.competency_id
where capability.discovered_in_scenario_id is not null
  and not exists (select from competency_versions as version where version.competency_id = competency.id)
order by competency.id, capability.id, pivot.id;
