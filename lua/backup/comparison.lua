--- Contents held against contents: those that a certificate states, or that were found in a database.
local decimal = require("opsh.native.decimal")
local report = require("opsh.native.report")

local M = {}

local function by_name(list)
  local made = {}
  for _, value in ipairs(list or {}) do
    made[value.name] = value
  end
  return made
end

local function rows_text(entry) return ("%s rows, hash %s"):format(report.number(entry.rows), entry.hash) end

local function value_text(value)
  return ("%s%s"):format(value.last_value, value.is_called and "" or " (not called yet)")
end

--- A sequence that moved while it was looked at may have any value between.
local function may_be(sequence, value)
  local function is(other) return other.last_value == value.last_value and other.is_called == value.is_called end
  if is(sequence) then return true end
  local after = sequence.after
  if not after then return false end
  if is(after) then return true end
  local low, high = sequence.last_value, after.last_value
  if decimal.compare(low, high) > 0 then
    low, high = high, low
  end
  return decimal.compare(low, value.last_value) <= 0 and decimal.compare(value.last_value, high) <= 0
end

local function sequences_agree(wanted, found)
  return may_be(wanted, found) or may_be(found, wanted) or (found.after and may_be(wanted, found.after)) or false
end

--- Which names take part.
local function filter(wanted, found, options)
  local ignored, chosen = {}, options.tables and {}
  for _, name in ipairs(options.tables or {}) do
    chosen[name] = true
  end
  for _, schema in ipairs(options.ignore or {}) do
    ignored[#ignored + 1] = schema .. "."
  end
  local left = {}
  for _, contents in ipairs({ wanted, found }) do
    for name in pairs(by_name(contents.not_compared)) do
      left[name] = true
    end
  end
  return function(name)
    if left[name] or (chosen and not chosen[name]) then return false end
    for _, beginning in ipairs(ignored) do
      if name:sub(1, #beginning) == beginning then return false end
    end
    return true
  end
end

--- The names of two lists, those of the first in its order, then those that only the second has.
local function names_of(wanted, found)
  local names, seen = {}, {}
  for _, list in ipairs({ wanted or {}, found or {} }) do
    for _, entry in ipairs(list) do
      if not seen[entry.name] then names[#names + 1] = entry.name end
      seen[entry.name] = true
    end
  end
  return names
end

local function compare_kind(differences, what, wanted, found, takes_part, agree, text)
  local there = by_name(found)
  local expected = by_name(wanted)
  for _, name in ipairs(names_of(wanted, found)) do
    local one, other = expected[name], there[name]
    if takes_part(name) and not (one and other and agree(one, other)) then
      differences[#differences + 1] = {
        what = what,
        name = name,
        wanted = one and text(one) or "absent",
        found = other and text(other) or "absent",
      }
    end
  end
end

local function large_objects_text(objects) return ("%s, hash %s"):format(report.number(objects.count), objects.hash) end

local function compare_objects(differences, wanted, found)
  local kinds = {}
  for kind in pairs(wanted) do
    kinds[#kinds + 1] = kind
  end
  table.sort(kinds)
  for _, kind in ipairs(kinds) do
    -- Another release may count what this one does not.
    if found[kind] and found[kind] ~= wanted[kind] then
      differences[#differences + 1] = {
        what = "number of",
        name = (kind:gsub("_", " ")),
        wanted = tostring(wanted[kind]),
        found = tostring(found[kind]),
      }
    end
  end
end

--- Where two contents differ; an empty list when they are equal. What either could not compare is left out, and so are
--- large objects and the numbers of objects when one of them is of some tables only.
---@param wanted table a certificate, or of opsh.native.backup.contents
---@param found table the same
---@param options? { tables?: string[], ignore?: string[] } only these tables; not these schemas
---@return { what: string, name: string, wanted: string, found: string }[]
function M.compare(wanted, found, options)
  options = options or {}
  local differences, takes_part = {}, filter(wanted, found, options)
  compare_kind(differences, "table", wanted.tables, found.tables, takes_part, function(one, other)
    return one.rows == other.rows and one.hash == other.hash
  end, rows_text)
  if options.tables then return differences end
  compare_kind(differences, "sequence", wanted.sequences, found.sequences, takes_part, sequences_agree, value_text)
  local one, other = wanted.large_objects, found.large_objects
  if one and other and (one.count ~= other.count or one.hash ~= other.hash) then
    differences[#differences + 1] = {
      what = "large objects",
      name = "of the database",
      wanted = large_objects_text(one),
      found = large_objects_text(other),
    }
  end
  if wanted.objects and found.objects then compare_objects(differences, wanted.objects, found.objects) end
  return differences
end

--- A difference in words.
function M.text(difference)
  return ("%s %s: %s, expected %s"):format(difference.what, difference.name, difference.found, difference.wanted)
end

--- The first differences in words, and how many there are beyond.
---@param differences table[]
---@param most integer
function M.describe(differences, most)
  local parts = {}
  for at = 1, math.min(#differences, most) do
    parts[at] = M.text(differences[at])
  end
  local more = #differences - #parts
  return table.concat(parts, "; ") .. (more > 0 and ("; and %d more"):format(more) or "")
end

return M
