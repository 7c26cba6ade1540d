--- The params of a new runbook: those that the author's SQL names, and how many rows at most.
local errors = require("opsh.host.errors")
local expressions = require("opsh.host.authoring.expressions")
local options = require("opsh.host.options")
local source = require("opsh.host.authoring.source")

local M = {}

local dates = { "before", "after", "since", "until", "_at$", "_on$", "date", "day$", "today" }
local integers = { "_id$", "^id$", "count", "number", "^min", "^max", "days", "hours", "age$", "amount", "limit" }

-- What a new runbook's test gives for a param of each type; a fixture has rows on both sides of it.
local tried = { date = "2026-01-11", integer = "10", string = "example" }

local function type_of(name)
  for _, entry in ipairs({ { dates, "date" }, { integers, "integer" } }) do
    for _, pattern in ipairs(entry[1]) do
      if name:find(pattern) then return entry[2] end
    end
  end
  return "string"
end

-- Names that every new runbook has, and those of SQL.
local own = { limit = true, why = true, items = true, keys = true, run = true }

local function require_free(name)
  if not own[name] and not options.taken()[(name:gsub("_", "-"))] and name:find("^%l[%l%d_]*$") then return end
  errors.raise(
    "usage.value",
    (":%s cannot be the name of a param here"):format(name),
    "take another name, in lower case; those of opsh's own options are taken"
  )
end

--- The params that texts name, in their order.
---@param given { [1]: string, [2]: string }[] a text, and what it is for people
---@return { name: string, type: string, help: string }[]
function M.named(given)
  local list, seen = {}, {}
  for _, entry in ipairs(given) do
    for _, name in ipairs(entry[1] and expressions.params(entry[1]) or {}) do
      if not seen[name] then
        require_free(name)
        seen[name] = true
        list[#list + 1] = { name = name, type = type_of(name), help = entry[2] }
      end
    end
  end
  return list
end

--- The fields of `params = { ... }`.
---@param named table[]
---@param more? table<string, string> source of others by name
function M.source(named, more)
  local lines, sorted = {}, {}
  for _, param in ipairs(named) do
    lines[#lines + 1] = ("%s = { type = %q, required = true, help = %s },"):format(
      param.name,
      param.type,
      source.quoted(param.help)
    )
  end
  for name in pairs(more or {}) do
    sorted[#sorted + 1] = name
  end
  table.sort(sorted)
  for _, name in ipairs(sorted) do
    lines[#lines + 1] = ("%s = %s,"):format(name, more[name])
  end
  return table.concat(lines, "\n")
end

--- How many rows: for a first run on few of them.
function M.limit(key)
  return ('{ type = "integer", help = "Only the first N rows, by %s." }'):format(table.concat(key, ", "))
end

--- The same as words of a command line, for a test.
function M.words(named)
  local words = {}
  for at, param in ipairs(named) do
    words[at] = ("--%s=%s"):format(param.name:gsub("_", "-"), tried[param.type])
  end
  return words
end

--- SQL with what the test gives in the place of params.
---@param text string
---@param named table[]
function M.tried(text, named)
  local types = {}
  for _, param in ipairs(named) do
    types[param.name] = param.type
  end
  return (
    (" " .. text):gsub("([^:]):([%a_][%w_]*)", function(before, name)
      local type = types[name]
      if not type then return nil end
      return before .. (type == "integer" and tried[type] or source.literal(tried[type]))
    end):sub(2)
  )
end

return M
