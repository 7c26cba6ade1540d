local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local programs = require("opsh.native.programs")
local text = require("opsh.native.text")
local without_psql = require("opsh.host.repl.without_psql")
local words = require("opsh.host.repl.words")

--- A word for psql: nothing in it is a command, a variable or a program of the shell.
local function quoted(word) return "'" .. word:gsub("\\", "\\\\"):gsub("'", "''") .. "'" end

local function line_of(word, rest)
  local parts = { "\\" .. word }
  -- \h takes the rest of the line as it is.
  if word == "h" then return "\\h " .. rest:gsub("[^%w%s]", "") end
  for _, given in ipairs(words.of((rest:gsub(";%s*$", "")))) do
    parts[#parts + 1] = quoted(given)
  end
  return table.concat(parts, " ")
end

--- What psql printed, harmless; its titles strong.
local function styled(output, strong)
  local lines, was_empty = {}, true
  for line in output:gmatch("(.-)\n") do
    local shown = text.printable(line)
    local is_title = was_empty and shown:find("^%s+%S") and not shown:find("|", 1, true) or shown:find("^%u[%a -]+:$")
    lines[#lines + 1] = (is_title and strong(shown) or shown) .. "\n"
    was_empty = shown == ""
  end
  return table.concat(lines)
end

return {
  name = "d",
  arguments = "[NAME]",
  help = "describes relations, as psql does; so do \\dt, \\df, \\di+ and the others, \\l, \\sf, \\sv, \\z, \\h",
  run = function(bench, rest, word)
    word = word == "list" and "l" or word == "describe" and "d" or word
    local target = bench.session:place().target
    local expanded = bench.settings.expanded == true and "on" or "off"
    local ok, found = host.attempt(
      programs.psql,
      bench.session:own_reader(),
      line_of(word, rest),
      { pager = "off", expanded = expanded, null = "NULL" },
      target.tools and not target.tools.prefix and target.tools.directory or nil
    )
    if not ok and found.kind == "backup.tool" then return without_psql.describe(bench, word, rest, found) end
    if not ok then error(found, 0) end
    local kind, name = found.errors:match('Did not find any (%a+) named "(.*)"%.')
    if kind then errors.raise("usage.value", ("there is no %s %s"):format(kind, name), "\\d lists what there is") end
    -- Some errors it does not count.
    if found.exit ~= 0 or found.output == "" and found.errors ~= "" then
      local said = found.errors:match("^[^\n]*"):gsub("^psql: ", ""):gsub("^error: ", "")
      errors.raise("usage.command", "psql: " .. said, "\\? lists the commands; psql's manual has those with \\d")
    end
    bench.print(styled(found.output, bench.display.file and tostring or bench.out.strong))
  end,
}
