--- The list import_audit in the metadata of a scenario generation: who tried to import it, when, and what came of it.
local json = require("opsh.json")

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

--- The entries, oldest first; or nil and one of the problems.
---@param metadata string? the document as it is stored
function M.entries(metadata)
  if not metadata then return {} end
  -- The type json stores what cannot be decoded: half of a surrogate pair, and \u0000.
  local document, err = json.try_decode(metadata)
  if err then return nil, "22P02" end
  if holds_nul(document) then return nil, "22P05" end
  if document == json.null then return {} end
  if not json.is_object(document) then return nil, "metadata_not_object" end
  local entries = document.import_audit
  if entries == nil or entries == json.null then return {} end
  if not json.is_array(entries) then return nil, "import_audit_not_array" end
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

return M
