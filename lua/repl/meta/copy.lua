local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local report = require("opsh.native.report")
local sample = require("opsh.host.repl.sample")
local sql = require("opsh.native.sql")
local text_file = require("opsh.native.text_file")
local words = require("opsh.host.repl.words")

local usage = "\\copy (select ...) to 'file.csv', or \\copy TABLE to 'file.csv'"

--- The text between the parenthesis that a text begins with and its partner, and what follows. The scanner knows where
--- strings and comments end, and ends no statement within parentheses: the shortest that is whole is it.
local function in_parentheses(text)
  local at = 1
  while true do
    at = text:find(")", at + 1, true)
    if not at then errors.raise("usage.command", "the parenthesis of \\copy is not closed", usage) end
    local query = text:sub(2, at - 1)
    local found = sql.statements("(" .. query .. ");")
    if found.ended and #found == 1 then return query, text:sub(at + 1) end
  end
end

--- What is copied, as a query, and what stands behind it.
local function source(rest)
  if rest:sub(1, 1) == "(" then return in_parentheses(rest) end
  local query, behind = rest:match("^(%a+%s.-)(%s+[tT][oO]%s+'[^']*'.*)$")
  if query and query:lower():find("^select%s") or query and query:lower():find("^with%s") then return query, behind end
  local name, columns, left = rest:match("^([^%s(]+)%s*(%b())(.*)$")
  if not name then
    name, left = rest:match("^(%S+)(.*)$")
  end
  if not name then errors.raise("usage.command", "\\copy wants a query and a file", usage) end
  return ("select %s from %s"):format(columns and columns:sub(2, -2) or "*", name), left
end

-- What psql lets one say of a format that this one is.
local accepted = { with = true, csv = true, header = true, format = true, ["true"] = true, on = true }

local function require_known(options)
  for word in options:gmatch("[^%s(),;]+") do
    if not accepted[word:lower()] then
      errors.raise(
        "usage.value",
        ("\\copy takes no %s"):format(word),
        "it writes CSV with a header, UTF-8; another format comes from psql"
      )
    end
  end
end

return {
  name = "copy",
  arguments = "(QUERY)|TABLE to FILE",
  help = "writes all rows as CSV with a header into a file that only its owner reads",
  run = function(bench, rest)
    local query, behind = source(rest)
    local direction = behind:match("^%s*(%a*)"):lower()
    if direction == "from" then
      errors.raise(
        "refused.copy",
        "\\copy ... from writes, and the prompt only reads",
        "rows come in by a runbook, where they are planned, journaled and can be undone: tx:copy_in, or opsh.csv"
      )
    end
    local target = behind:match("^%s*[tT][oO]%s+(.*)$")
    if not target then errors.raise("usage.command", "\\copy wants a file to write", usage) end
    -- Two quotes within quotes are one.
    local stands = target:match("^'[^']*'") and target:gsub("''", "\1\1"):match("^'[^']*'") or target:match("^%S+")
    if not stands then errors.raise("usage.command", "\\copy wants a file to write", usage) end
    local path = words.of(target:sub(1, #stands))[1]
    require_known(target:sub(#stands + 1))
    if path:lower() == "stdout" then
      errors.raise("usage.value", "\\copy writes a file", "opsh --csv -c SQL writes to standard output")
    end
    sql.check_read(query)
    local file, count, goes_on = text_file.create(path), 0, false
    for block in sample.blocks(bench.session, query, bench.bindings(query)) do
      file:write(report.csv(block, goes_on))
      count, goes_on = count + #block, true
    end
    file:publish()
    bench.print(("copied %s into %s\n"):format(counted(count, "row"), path))
  end,
}
