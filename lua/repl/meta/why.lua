local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local relations = require("opsh.host.repl.investigate.relation")
local rows_text = require("opsh.host.repl.rows_text")
local told = require("opsh.host.repl.investigate.told")
local why = require("opsh.host.repl.investigate.why")
local words = require("opsh.host.repl.words")

local usage = "\\why TABLE KEY, \\why TABLE column=value, or \\why _[1]"

--- The relation that the first word names, where more follows; nil when this is an expression.
local function table_of(bench, rest)
  local name, behind = relations.split(rest)
  local follows = name and behind ~= "" and rest:find("^%s", #name + 1)
  return follows and relations.find(bench, name) or nil
end

--- "column=value ...", or the values of the key in its order.
local function conditions(relation, given)
  local names, values = {}, {}
  for at, word in ipairs(given) do
    local name, value = word:match('^"?([^="]+)"?=(.*)$')
    if name and relation.types[name] then
      names[at], values[at] = name, value
    end
  end
  if #names == #given then return names, values end
  local key = relation.keys[1]
  if not key then
    errors.raise("usage.value", ("%s has no key"):format(relation.sql), "\\why NAME column=value names one row")
  end
  if #key ~= #given then
    errors.raise("usage.value", ("the key of %s is %s"):format(relation.sql, table.concat(key, ", ")), usage)
  end
  return key, given
end

--- The row that an expression gives, by the key of its table.
local function of_expression(bench, expression)
  local value = told.value(bench, expression)
  if rows_text.is_rows(value) and #value == 1 then value = value[1] end
  if not rows_text.is_row(value) then
    errors.raise("usage.value", ("%s is not one row"):format(expression), usage)
  end
  local relation, key = told.of_rows(bench, value)
  local values = relation and told.key_values(value, key)
  if not values then
    errors.raise("usage.value", ("%s does not tell which table's row it is"):format(expression), "\\why TABLE KEY does")
  end
  return relation, key, values
end

return {
  name = "why",
  arguments = "TABLE KEY|ROW",
  help = "a row's neighbourhood: what it refers to and what to it, constraints, triggers, the runs that changed it",
  run = function(bench, rest)
    if rest == "" then errors.raise("usage.word", "\\why wants a row", usage) end
    local relation = table_of(bench, rest)
    local names, values
    if relation then
      local given = words.of(rest)
      names, values = conditions(relation, { unpack(given, 2) })
    else
      relation, names, values = of_expression(bench, rest)
    end
    findings.give(bench, why.of(bench, relation, names, values))
  end,
}
