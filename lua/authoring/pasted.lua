--- The commands of a checklist: each can be pasted into a shell. What is not known yet is a variable that the first
--- block of the document sets.
local again = require("opsh.host.commands.again")
local params = require("opsh.host.runbook.params")

local M = {}

--- The options that say where; those of the ladder know no other.
local places = { "target", "db", "sandbox" }

local function place_words(given)
  local words = {}
  for _, name in ipairs(places) do
    local value = given[name] and given[name][1]
    if value then words[#words + 1] = again.quoted("--" .. name .. (value ~= "" and "=" .. value or "")) end
  end
  return words
end

--- The variable that stands for a param.
function M.variable(param) return param.name:upper() end

--- Params that must be given and were not: the person sets them once.
function M.open(declared, given)
  local list = {}
  for _, param in ipairs(declared) do
    if param.required and not param.secret and not given[params.option_name(param.name)] then
      list[#list + 1] = param
    end
  end
  return list
end

local function param_words(declared, given)
  local words = {}
  for _, param in ipairs(declared) do
    local option = params.option_name(param.name)
    local values = not param.secret and given[option]
    for _, value in ipairs(values or {}) do
      local switch = param.type == "boolean" and (value == "" or value == "true") and "--" .. option
        or param.type == "boolean" and value == "false" and "--no-" .. option
      words[#words + 1] = switch or again.quoted(("--%s=%s"):format(option, value))
    end
    if not values and param.required and not param.secret then
      words[#words + 1] = ('--%s="$%s"'):format(option, M.variable(param))
    end
  end
  return words
end

--- The commands for one runbook.
---@param runbook table
---@param given table<string, string[]> options and params of this command line
---@param run? string its id
---@return table { plan, with = function(...), of = function(...), on_run = function(...), files }
function M.commands(runbook, given, run)
  local place = table.concat(place_words(given), " ")
  local own = table.concat(param_words(runbook.params, given), " ")
  local function joined(...)
    local words = {}
    for _, word in ipairs({ ... }) do
      if word ~= "" then words[#words + 1] = word end
    end
    return table.concat(words, " ")
  end
  local id = run and again.quoted(run) or '"$RUN"'
  return {
    --- The runbook on a rung.
    rung = function(...) return joined("opsh", again.quoted(runbook.path), own, place, ...) end,
    --- A command about the runbook's file.
    file = function(word) return joined("opsh", word, again.quoted(runbook.path), place) end,
    --- A command about the database.
    database = function(...) return joined("opsh", ..., place) end,
    --- A command about the run.
    run = function(word, ...) return joined("opsh", word, id, ...) end,
    run_there = function(word, ...) return joined("opsh", word, id, place, ...) end,
  }
end

return M
