--- What a scenario takes from the generation that it comes from, as long as it has no prompt or no metadata: the
--- columns for it, as schema steps, and SQL, in which the tables are named scenario and generation.
local schema = require("opsh.schema")
local secrets = require("opsh.secrets")

local M = {}

--- What must be there before, as opsh.preflight.schema takes it.
M.tables = {
  scenarios = { id = "bigint", organization_id = "bigint", updated_at = "timestamp(0) without time zone" },
  scenario_generations = { id = "bigint", prompt = "text", llm_response = "json", metadata = "json" },
}

M.columns = schema.columns({
  table = "scenarios",
  columns = {
    { name = "source_generation_id", type = "bigint" },
    { name = "accepted_prompt", type = "text" },
    { name = "accepted_prompt_redacted", type = "boolean", default = "true", not_null = true },
    { name = "accepted_prompt_metadata", type = "json" },
  },
})

M.foreign_key = schema.foreign_key({
  table = "scenarios",
  columns = "source_generation_id",
  references = "scenario_generations",
  on_delete = "set null",
  constraint = "scenarios_source_generation_id_foreign",
})

M.index = schema.index({
  table = "scenarios",
  index = "scenarios_source_generation_id_index",
  columns = "source_generation_id",
})

M.is_missing = "(scenario.accepted_prompt is null or scenario.accepted_prompt_metadata is null)"

--- Whether the scenario would not be what it is.
M.is_changed = [[
  (coalesce(scenario.accepted_prompt, generation.prompt), generation.redacted, generation.metadata::text)
  is distinct from
  (scenario.accepted_prompt, scenario.accepted_prompt_redacted, scenario.accepted_prompt_metadata::text)
]]

--- The beginning of the UPDATE: its FROM follows. The metadata is taken to the letter.
M.update = [[
  update scenarios as scenario
  set accepted_prompt = coalesce(scenario.accepted_prompt, generation.prompt),
      accepted_prompt_redacted = generation.redacted, accepted_prompt_metadata = generation.metadata, updated_at = now()
]]

--- The application's migrations that this does, the columns and the backfill: artisan migrate need not do them again,
--- which would stop at the columns.
M.migrations = {
  name = "record the migrations",
  when = "app_dir",
  after = M.columns.name,
  plan = [[
    select wanted.migration
    from (values ('2026_02_07_120000_add_generation_fields_to_scenarios_table'),
                 ('2026_02_07_130000_backfill_accepted_prompt_metadata')) as wanted (migration)
    where not exists (select from migrations as done where done.migration = wanted.migration)
  ]],
  key = "migration",
  writes = { "migrations" },
  apply = function(tx)
    return { recorded = tx:exec([[
      insert into migrations (migration, batch)
      select item.migration, (select coalesce(max(batch), 0) + 1 from migrations) from :items as item
    ]]) }
  end,
}

--- Whether the prompt that a scenario has, or gets, looks as if it had a key, a token or a password in it.
M.has_secret = [[
  coalesce(accepted_prompt, case when is_matched then prompt end)
  ~ 'AKIA[0-9A-Z]{16}|sk-[A-Za-z0-9]{20,}|password=\S+'
]]

--- A check that no such prompt has a secret in it, by all that opsh.secrets knows: it names scenarios and kinds.
function M.hold_no_secrets(check, ctx)
  secrets.none(check, ctx, {
    name = "no prompt has a secret in it",
    key = "scenario_id",
    query = [[
      select scenario.id as scenario_id, coalesce(scenario.accepted_prompt, generation.prompt) as accepted_prompt
      from scenarios as scenario
      join scenario_generations as generation on generation.id = scenario.source_generation_id
      order by scenario.id
    ]],
  })
end

return M
