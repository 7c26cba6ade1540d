--- SQL about what a scenario takes from the generation that it comes from, as long as it has no prompt or no metadata.
--- The tables are named scenario and generation.
local M = {}

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

return M
