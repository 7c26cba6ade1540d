local accepted_prompt = require("lib.accepted_prompt")
local answer_import = require("lib.answer_import")
local import_audit = require("lib.import_audit")
local json = require("opsh.json")
local llm_response = require("lib.llm_response")
local runbook = require("opsh.runbook")
local stratos = require("lib.stratos")

local function judge(row, ctx)
  local label, reason = import_audit.standing(row.metadata, ctx.params.retry)
  if label then return label, nil, reason end
  local errors = llm_response.errors(row.answer, ctx.params.strict)
  return #errors > 0 and "validation_failed" or "import", { errors = json.encode(errors) }
end

local function import(tx, item, counts)
  local _, answer = llm_response.errors(item.answer)
  local ids, report = answer_import.run(tx, answer, item.scenario_id, item.organization_id, counts)
  local row = import_audit.outcome(item, "success", "report", report)
  row.scenario_id, row.more = item.scenario_id, json.object({ llm_mappings = ids })
  return row
end

return runbook({
  title = "Accepted prompts and import of the model's answers",
  description = "Gives scenarios the prompt and metadata of their generation, and imports the answers of complete "
    .. "generations: capabilities, competencies and skills. Every attempt gets an entry in import_audit.",
  params = stratos.params({
    strict = { type = "boolean", default = false, help = "An answer with an empty list is not usable." },
    retry = { type = "boolean", default = false, help = "Also what failed, or was not usable, before." },
    accept = { type = "integer", list = true, help = "Generations to accept through the API, with imports on." },
  }, "app_dir", "app_tests", "url", "api_token", "smoke_tests", "webhook", "window"),
  folders = { ":app_dir" },
  redact = { "answer", "metadata" },
  preconditions = function(check, ctx)
    stratos.preflight(check, ctx, accepted_prompt.tables, answer_import.tables)
    stratos.imports_are_off(check, ctx)
  end,
  finally = stratos.notice,
  steps = {
    stratos.tests("ScenarioGeneration|LlmResponseValidator"),
    stratos.maintenance,
    accepted_prompt.columns,
    accepted_prompt.foreign_key,
    accepted_prompt.index,
    {
      name = "accepted prompts",
      after = accepted_prompt.columns.name,
      plan = [[
        select scenario.id as scenario_id, generation.id as generation_id, generation.metadata::text as metadata,
               ]] .. accepted_prompt.is_changed .. [[ as is_changed
        from scenarios as scenario
        join scenario_generations as generation on generation.id = scenario.source_generation_id
        where ]] .. accepted_prompt.is_missing,
      key = "scenario_id",
      -- A backfill fills the scenarios of a generation first, and then adds its entry to the metadata.
      classify = function(row)
        local entries = import_audit.entries(row.metadata)
        if entries and import_audit.newest(entries, "result") then return "already_filled" end
        return row.is_changed and "fill" or "nothing_to_fill"
      end,
      skip = { "already_filled", "nothing_to_fill" },
      writes = { "scenarios" },
      summary = function(planned)
        return { scenarios_matched = planned.seen - planned.labels.already_filled, scenarios_changed = planned.items }
      end,
      recheck = "select scenario.id as scenario_id from scenarios as scenario where scenario.id = any(:keys) and "
        .. accepted_prompt.is_missing .. " order by scenario.id for no key update",
      apply = function(tx)
        return { filled = tx:exec(accepted_prompt.update .. [[
          from scenario_generations as generation
          where generation.id = scenario.source_generation_id and scenario.id = any(:keys)
        ]]) }
      end,
      verify = function(check, ctx)
        check:equal("scenarios filled", ctx.done.counts.filled, ctx.done.items)
        check:none("scenarios without the prompt of their generation", [[
          select scenario.id as scenario_id, generation.id as generation_id
          from scenarios as scenario
          join scenario_generations as generation on generation.id = scenario.source_generation_id
          where scenario.accepted_prompt is null and generation.prompt is not null
          order by scenario.id
        ]])
      end,
    },
    {
      name = "import answers",
      after = accepted_prompt.columns.name,
      -- Of several scenarios of a generation the first counts.
      plan = [[
        select generation.id as generation_id, generation.metadata::text as metadata,
               generation.llm_response::text as answer, scenario.id as scenario_id, scenario.organization_id
        from scenario_generations as generation
        join lateral (select id, organization_id from scenarios
                      where source_generation_id = generation.id order by id limit 1) as scenario on true
        where generation.status = 'complete'
      ]],
      key = "generation_id",
      classify = judge,
      skip = { "skipped_already_imported", "tried_before" },
      reject = import_audit.problems,
      writes = { "scenario_generations", "capabilities", "competencies", "skills", "scenario_capabilities",
        "capability_competencies", "competency_skills" },
      summary = function(planned)
        local labels = planned.labels
        return { considered = planned.seen, planned_import = labels.import, tried_before = labels.tried_before,
          validation_failed = labels.validation_failed, skipped_already_imported = labels.skipped_already_imported }
      end,
      -- Somebody may have generated it again, or imported it, since the plan.
      recheck = [[
        select generation.id as generation_id
        from :items as item join scenario_generations as generation on generation.id = item.generation_id
        where generation.status = 'complete' and generation.metadata::text is not distinct from item.metadata
          and generation.llm_response::text is not distinct from item.answer
        order by generation.id
        for no key update of generation
      ]],
      -- What the database refuses of one generation leaves the others alone.
      max_failures = "100%",
      apply = function(tx, items)
        local counts, outcomes = { success = 0, validation_failed = 0 }, {}
        for at, item in ipairs(items) do
          local result = item.label == "import" and "success" or "validation_failed"
          counts[result] = counts[result] + 1
          outcomes[at] = result == "success" and import(tx, item, counts)
            or import_audit.outcome(item, result, "errors", json.decode(item.errors))
        end
        import_audit.record(tx, outcomes)
        return counts
      end,
      on_failure = function(tx, item, err)
        import_audit.record(tx, { import_audit.outcome(item, "failed", "error", err.sqlstate or err.kind) })
      end,
      verify = function(check, ctx)
        local tried = ctx.done.counts.success + ctx.done.counts.validation_failed
        check:equal("answers tried", tried, ctx.planned.items - ctx.done.skipped - ctx.done.failed)
        check:equal("answers imported", ctx.done.counts.success, ctx.done.labels.import)
        check:equal("answers not usable", ctx.done.counts.validation_failed, ctx.done.labels.validation_failed)
      end,
    },
    accepted_prompt.migrations,
    stratos.maintenance_off,
    stratos.flag({ name = "answers are validated", when = "accept", flag = "VALIDATE_LLM_RESPONSE", value = true }),
    stratos.flag({ name = "imports on", when = "accept", flag = "IMPORT_GENERATION", value = true }),
    stratos.accept,
    { name = "imports as before", when = "accept", ends = "imports on" },
    stratos.answers(),
    stratos.look("incubated entities",
      "Open three imported scenarios (ScenarioDetail): does the block Incubadas show their entities?"),
    stratos.look("promotion",
      "Promote the entities of one of them (approve): are they promoted, and is it in the audit log?"),
  },
})
