local runbook = require("opsh.runbook")
local stratos = require("lib.stratos")

return runbook({
  title = "Backfill competency_versions",
  description = "Gives every competency of a capability that was discovered in a scenario its first version.",
  params = stratos.params({
    scenario = { type = "integer", help = "Only capabilities discovered in this scenario." },
    limit = { type = "integer", help = "Only the first N competencies, by id." },
    competency = { type = "integer", help = "One whose versions the API must give, with --url." },
    queue = { type = "string", help = "Supervisor's name of the queue workers, which rest meanwhile: worker:*" },
  }, "app_dir", "app_tests", "url", "api_token", "webhook", "window"),
  folders = { ":app_dir" },
  preconditions = function(check, ctx)
    stratos.preflight(check, ctx, {
      capabilities = { "id", "discovered_in_scenario_id" },
      capability_competencies = { "id", "capability_id", "competency_id" },
      competency_versions = { version_group_id = "uuid", effective_from = "date", metadata = "json" },
    })
    check:that("--competency comes with --url", ctx.params.url or not ctx.params.competency, "give both or none")
  end,
  finally = stratos.notice,
  steps = {
    stratos.tests("BackfillCompetencyVersionsTest"),
    stratos.queue,
    {
      name = "create missing versions",
      -- A competency may come through several capabilities: the first one, by id, gives the scenario.
      plan = [[
        select distinct on (competency.id) competency.id as competency_id,
               capability.discovered_in_scenario_id as scenario_id
        from capabilities as capability
        join capability_competencies as pivot on pivot.capability_id = capability.id
        join competencies as competency on competency.id = pivot.competency_id
        where capability.discovered_in_scenario_id is not null
          and (:scenario is null or capability.discovered_in_scenario_id = :scenario)
          and not exists (select from competency_versions as version where version.competency_id = competency.id)
        order by competency.id, capability.id, pivot.id
        limit :limit
      ]],
      key = "competency_id",
      tally = "scenario_id",
      writes = { "competency_versions" },
      summary = function(planned, ctx)
        local figures = ctx:one([[
          with scanned as not materialized (
            select capability.id from capabilities as capability
            where capability.discovered_in_scenario_id is not null
              and (:scenario is null or capability.discovered_in_scenario_id = :scenario)),
          pivots as not materialized (
            select pivot.competency_id
            from scanned join capability_competencies as pivot on pivot.capability_id = scanned.id)
          select (select count(*) from scanned) as capabilities_scanned,
                 (select count(*) from pivots) as pivot_rows,
                 (select count(*) from competencies as competency
                  where competency.id in (select competency_id from pivots)
                    and exists (select from competency_versions as version
                                where version.competency_id = competency.id)) as competencies_already_versioned
        ]])
        figures.to_create, figures.scenarios_touched = planned.items, #planned.tally
        return figures
      end,
      -- Somebody may have given a competency its version since the plan.
      recheck = [[
        select competency.id as competency_id from competencies as competency
        where competency.id = any(:keys)
          and not exists (select from competency_versions as version where version.competency_id = competency.id)
        order by competency.id
        for no key update
      ]],
      apply = function(tx)
        return {
          created = tx:exec([[
          insert into competency_versions (organization_id, competency_id, version_group_id, name, description,
                                           effective_from, evolution_state, metadata, created_at, updated_at)
          select competency.organization_id, competency.id, gen_random_uuid(), competency.name, competency.description,
                 current_date, 'new_embryo',
                 json_build_object('source', 'backfill', 'scenario_id', item.scenario_id), now(), now()
          from :items as item join competencies as competency on competency.id = item.competency_id
        ]]),
        }
      end,
      verify = function(check, ctx)
        check:equal("versions created", ctx.done.counts.created, ctx.planned.items - ctx.done.skipped)
        check:none(
          "backfilled versions without their fields",
          [[
          select id, competency_id from competency_versions
          where metadata::text ~ '"source" *: *"backfill"'
            and (version_group_id is null or competency_id is null or effective_from is null)
        ]]
        )
        if ctx.params.limit then return end
        check:none(
          "competencies left without a version",
          [[
          select competency.id as competency_id from competencies as competency
          where not exists (select from competency_versions as version where version.competency_id = competency.id)
            and exists (select from capability_competencies as pivot
                        join capabilities as capability on capability.id = pivot.capability_id
                        where pivot.competency_id = competency.id
                          and capability.discovered_in_scenario_id is not null
                          and (:scenario is null or capability.discovered_in_scenario_id = :scenario))
        ]]
        )
      end,
    },
    stratos.queue_on,
    stratos.answers(function(ask, ctx)
      if not ctx.params.competency then return end
      local path = ("/api/competencies/%d/versions"):format(ctx.params.competency)
      ask("the API gives the versions of a competency", path, { success = true })
    end),
  },
})
