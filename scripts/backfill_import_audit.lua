local accepted_prompt = require("lib.accepted_prompt")
local import_audit = require("lib.import_audit")
local json = require("opsh.json")
local llm_response = require("lib.llm_response")
local runbook = require("opsh.runbook")
local stratos = require("lib.stratos")

-- What an audit says.
local entry = [[
  jsonb_build_object('result', case when filled.scenarios is null then 'already_populated' else 'populated' end,
                     'scenarios', coalesce(filled.scenarios, '[]'), 'valid', item.llm_valid,
                     'errors', item.errors::jsonb)
]]

local function judge(row, ctx)
  local entries, problem, reason = import_audit.entries(row.metadata)
  if problem then return problem, nil, reason end
  local audited = import_audit.newest(entries, "valid")
  if audited and not (ctx.params.retry and audited.valid == false) then return "already_audited" end
  local errors = llm_response.errors(row.answer, ctx.params.strict)
  return row.scenarios_changed > 0 and "populated" or "already_populated",
    { errors = json.encode(errors), llm_valid = #errors == 0, llm_invalid = #errors > 0 }
end

return runbook({
  title = "Accepted prompts and import audit",
  description = "Gives scenarios the prompt and metadata of their generation, and appends an entry to the import_audit "
    .. "of each generation: what changed, and whether the model's answer is usable.",
  params = stratos.params({
    strict = { type = "boolean", default = false, help = "An answer with an empty list is not usable." },
    retry = { type = "boolean", default = false, help = "Audit those again whose answer was not usable." },
    refuse_secrets = { type = "boolean", default = false, help = "Name prompts with a secret in them, and stop." },
    enable_import = { type = "boolean", default = false, help = "Switch imports on at the end, with --app-dir." },
  }, "app_dir", "app_tests", "smoke_tests", "webhook", "window"),
  folders = { ":app_dir" },
  redact = { "answer", "metadata" },
  preconditions = function(check, ctx)
    stratos.preflight(check, ctx, accepted_prompt.tables)
    if ctx.params.refuse_secrets then accepted_prompt.hold_no_secrets(check, ctx) end
  end,
  finally = stratos.notice,
  steps = {
    stratos.tests("ScenarioGeneration|LlmResponseValidator"),
    accepted_prompt.columns,
    accepted_prompt.foreign_key,
    accepted_prompt.index,
    {
      name = "fill and audit",
      after = accepted_prompt.columns.name,
      plan = [[
        select generation.id as generation_id, generation.metadata::text as metadata,
               generation.llm_response::text as answer,
               count(*) filter (where is_matched) as scenarios_matched,
               count(*) filter (where is_changed) as scenarios_changed,
               count(*) filter (where is_matched and scenario.accepted_prompt is null and generation.prompt is not null)
                 as prompts_filled,
               count(*) filter (where is_matched and scenario.accepted_prompt_metadata is null
                                  and generation.metadata is not null) as metadata_filled,
               count(*) filter (where ]] .. accepted_prompt.has_secret .. [[) as prompts_with_secrets
        from scenario_generations as generation
        join scenarios as scenario on scenario.source_generation_id = generation.id,
        lateral (select ]] .. accepted_prompt.is_missing .. [[ as is_matched) as matching,
        lateral (select is_matched and ]] .. accepted_prompt.is_changed .. [[ as is_changed) as changing
        group by generation.id
      ]],
      key = "generation_id",
      classify = judge,
      skip = { "already_audited" },
      reject = import_audit.problems,
      totals = { "scenarios_matched", "scenarios_changed", "prompts_filled", "metadata_filled", "prompts_with_secrets",
        "llm_valid", "llm_invalid" },
      writes = { "scenarios", "scenario_generations" },
      max_failures = "1%",
      summary = function(planned)
        local labels = planned.labels
        return { generations_linked = planned.seen, audited = planned.items, populated = labels.populated,
          already_populated = labels.already_populated, errors = planned.rejected }
      end,
      -- Somebody may have generated it again, or imported it, since the plan.
      recheck = [[
        select generation.id as generation_id
        from :items as item join scenario_generations as generation on generation.id = item.generation_id
        where generation.id = any(:keys) and generation.metadata::text is not distinct from item.metadata
          and generation.llm_response::text is not distinct from item.answer
        order by generation.id
        for no key update of generation
      ]],
      -- The scenarios first: they get the metadata as it was, without this audit.
      apply = function(tx)
        local changed = tx:query(accepted_prompt.update .. [[
          from :items as item join scenario_generations as generation on generation.id = item.generation_id
          where scenario.source_generation_id = generation.id and generation.id = any(:keys)
            and ]] .. accepted_prompt.is_missing .. " and " .. accepted_prompt.is_changed .. [[
          returning scenario.id, generation.id as generation_id
        ]])
        local audited = tx:exec([[
          update scenario_generations as generation
          set updated_at = now(), metadata = ]] .. import_audit.append("generation.metadata", entry) .. [[
          from :items as item
          left join (select generation_id, jsonb_agg(id order by id) as scenarios
                     from :changed as changed group by generation_id) as filled using (generation_id)
          where generation.id = item.generation_id and generation.id = any(:keys)
        ]], { changed = changed })
        return { scenarios_changed = #changed, audited = audited }
      end,
      verify = function(check, ctx)
        check:equal("scenarios changed", ctx.done.counts.scenarios_changed, ctx.done.totals.scenarios_changed)
        local expected = ctx.planned.items - ctx.done.skipped - ctx.done.failed
        check:equal("generations audited", ctx.done.counts.audited, expected)
        check:none("scenarios of audited generations without their prompt", [[
          select scenario.id as scenario_id, generation.id as generation_id
          from scenarios as scenario
          join scenario_generations as generation on generation.id = scenario.source_generation_id
          where generation.metadata::text ~ '"source" *: *"backfill"'
            and scenario.accepted_prompt is null and generation.prompt is not null
          order by scenario.id
        ]])
        stratos.log_is_clean(check, ctx)
      end,
    },
    accepted_prompt.migrations,
    stratos.look("scenarios in the application",
      "Open three scenarios: is the accepted prompt there, and does the dialog of incubated entities show data?"),
    stratos.flag({ name = "imports on", when = "enable_import", flag = "IMPORT_GENERATION", value = true }),
  },
})
