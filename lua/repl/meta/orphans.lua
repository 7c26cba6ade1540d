local counted = require("opsh.host.counted")
local findings = require("opsh.host.repl.investigate.findings")
local orphans = require("opsh.host.repl.investigate.orphans")
local relations = require("opsh.host.repl.investigate.relation")
local rows_text = require("opsh.host.repl.rows_text")
local words = require("opsh.host.repl.words")

-- Queries that are printed; each row has its own.
local most = 5

local function text_of(bench, rows, left)
  local broken = rows:where(function(row) return (row.broken or 0) > 0 end)
  local lines, whole = {}, orphans.shown(rows)
  local width = bench.display:width()
  -- Names that are cut are of no use: a narrow terminal shows what is broken, as lists.
  local fits = width == 0 or select(3, rows_text.table(whole, {})) <= width
  lines[1] = fits and findings.table(bench, whole) or bench.display:lists(orphans.shown(broken), width)
  lines[2] = ("(%s, %d broken)\n"):format(counted(#rows, "reference"), #broken)
  for at = 1, math.min(#broken, most) do
    lines[#lines + 1] = (at == 1 and "\nlook further:\n" or "") .. broken[at].query .. ";\n"
  end
  if #broken > most then lines[#lines + 1] = "_[n].query has the others\n" end
  if left > 0 then
    lines[#lines + 1] = ("%s of larger tables not looked at, for the time it takes; \\orphans TABLE does\n"):format(
      counted(left, "reference")
    )
  end
  return table.concat(lines)
end

return {
  name = "orphans",
  arguments = "[TABLE]",
  help = "references that lead nowhere: foreign keys, and columns that are called like one (..._id)",
  run = function(bench, rest)
    local name = words.at_most(rest, 1)
    local rows, left = orphans.of(bench, name and relations.named(bench, name))
    if #rows == 0 and left == 0 then return bench.say("there are no references, declared or by name") end
    findings.give(bench, rows, text_of(bench, rows, left))
  end,
}
