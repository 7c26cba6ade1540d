--- The list import_audit in the metadata of a scenario generation: who tried to import it, when, and what came of it.
local json = require("opsh.json")
local llm_response = require("lib.llm_response")

local M = {}

--- The labels of metadata that cannot be audited: what the server's jsonb functions would raise, or what does not fit.
M.problems = { "22P02", "22P05", "metadata_not_object", "import_audit_not_array" }

local function holds_nul(value)
  if type(value) == "string" then return value:find("%z") ~= nil end
  if not (json.is_object(value) or json.is_array(value)) then return false end
  for name, element in pairs(value) do
    if holds_nul(name) or holds_nul(element) then return true end
  end
  return false
end

--- The entries, oldest first; or nil, one of the problems, and what it is in words.
---@param metadata string? the document as it is stored
function M.entries(metadata)
  if not metadata then return {} end
  -- The type json stores what cannot be decoded: half of a surrogate pair, and \u0000.
  local document, err = json.try_decode(metadata)
  if err then return nil, "22P02", err.message end
  if holds_nul(document) then return nil, "22P05", "it has \\u0000, which no text of PostgreSQL holds" end
  if document == json.null then return {} end
  if not json.is_object(document) then return nil, "metadata_not_object", "metadata is no object" end
  local entries = document.import_audit
  if entries == nil or entries == json.null then return {} end
  if not json.is_array(entries) then return nil, "import_audit_not_array", "import_audit is no list" end
  return entries
end

--- The newest entry that a backfill made and that has this member; nil when there is none.
---@param entries table
---@param member string
function M.newest(entries, member)
  for at = #entries, 1, -1 do
    local entry = entries[at]
    if json.is_object(entry) and entry.source == "backfill" and entry[member] ~= nil then return entry end
  end
end

--- SQL that gives metadata with an entry at the end of import_audit. NULL and null count as {} and [].
---@param metadata string SQL of type json
---@param entry string SQL of type jsonb
---@param more string? SQL of type jsonb: other members of the metadata
function M.append(metadata, entry, more)
  local object = ("coalesce(nullif(%s::jsonb, 'null'), '{}')"):format(metadata)
  local stamp = [[
    jsonb_build_object('attempted_by', null, 'attempted_at', to_char(now(), 'YYYY-MM-DD HH24:MI:SS'),
                       'source', 'backfill')
  ]]
  return ([[
    (jsonb_set(%s || %s, '{import_audit}',
               coalesce(nullif(%s::jsonb -> 'import_audit', 'null'), '[]') || (%s || %s)))::json
  ]]):format(object, more or "'{}'", metadata, stamp, entry)
end

--- What the audit says of an import: a label, with the reason of a problem; nothing when it is to be done.
---@param metadata string? the document as it is stored
---@param retry boolean also what a backfill tried before and did not import
function M.standing(metadata, retry)
  local entries, problem, reason = M.entries(metadata)
  if problem then return problem, reason end
  for _, entry in ipairs(entries) do
    if llm_response.field(entry, "result") == "success" then return "skipped_already_imported" end
  end
  return not retry and M.newest(entries, "import") and "tried_before" or nil
end

--- What became of an import, for `record`.
---@param name string of the entry's member that says more: its value is `details`
function M.outcome(item, result, name, details)
  local entry = json.object({ import = true, result = result, [name] = details })
  return json.object({ generation_id = item.generation_id, entry = entry })
end

local record = "update scenario_generations as generation set metadata = "
  .. M.append("generation.metadata", "outcome.entry", "coalesce(outcome.more, '{}')")
  .. [[, scenario_id = coalesce(generation.scenario_id, outcome.scenario_id), updated_at = now()
  from jsonb_to_recordset(:outcomes::jsonb)
       as outcome (generation_id bigint, scenario_id bigint, more jsonb, entry jsonb)
  where generation.id = outcome.generation_id
]]

--- Writes an entry for each outcome, and what else an import leaves with its generation: `scenario_id`, and `more`
--- members of the metadata.
function M.record(tx, outcomes) tx:exec(record, { outcomes = json.array(outcomes) }) end

return M
