local choice = require("opsh.host.repl.saving.choice")
local counted = require("opsh.host.counted")
local saving = require("opsh.host.repl.saving.saving")

--- What was found out on the way, and what it does not do.
local function remarks(parts)
  local list = {}
  local function add(text, ...) list[#list + 1] = text:format(...) end
  local seen = parts.subject.seen
  if seen and seen ~= parts.planned then
    add("its plan finds %s; at the prompt there were %s", counted(parts.planned, "item"), counted(seen, "row"))
  end
  if parts.met then
    add("of the %d rows that %s changed its plan finds %d", parts.met.changed, parts.tried.name, parts.met.found)
  end
  if parts.subject.picked then add("no query tells these rows: their keys are listed in the runbook") end
  if parts.suspects < parts.taken then
    add(
      "of the %s in the fixture its plan finds %d: it looks at what is masked or not there; keep=COLUMN, with=TABLE",
      counted(parts.taken, "suspect"),
      parts.suspects
    )
  end
  if #parts.masked > 0 then
    add("masked in the fixture: %s; keep=COLUMN writes the values", table.concat(parts.masked, ", "))
  end
  if #parts.unmasked > 0 then
    add("written as they are, because their types have no masks: %s", table.concat(parts.unmasked, ", "))
  end
  if #parts.beside > 0 then
    add("changed by triggers or cascades, and so in writes: %s", table.concat(parts.beside, ", "))
  end
  for _, each in ipairs(parts.statements) do
    if not each.checked then
      add(
        "%s: %d for %s in the fixture; it is counted and not checked",
        each.label,
        each.observed,
        counted(parts.suspects, "item")
      )
    end
  end
  if parts.left > 0 then
    add("after the change its plan still finds %s of the fixture: a second apply would change them again", parts.left)
  end
  if not parts.undone then
    add("an undo in the fixture did not take back all of it: opsh undo lists what it leaves, and why")
  end
  if not parts.subject.recheck and not parts.subject.picked then
    add("without a recheck: the plan's rows are not those of one FROM; what changes meanwhile is worked on as planned")
  end
  return table.concat(list, "\n")
end

--- What the fixture has.
local function fixture(parts)
  local list = { counted(parts.suspects, "suspect") }
  if parts.others > 0 then
    list[2] = ("%s that %s none"):format(counted(parts.others, "row"), parts.others == 1 and "is" or "are")
  end
  local tables = #parts.rows.tables - 1
  if tables > 0 then list[#list + 1] = "rows of " .. counted(tables, "other table") end
  return table.concat(list, ", ")
end

return {
  name = "save",
  arguments = "FILE.lua [plan=] [change=] [key=] ...",
  complete = choice.complete,
  help = "makes a runbook of the suspects and the change that was tried, with a fixture and a test",
  run = function(bench, rest)
    local given = choice.arguments(rest)
    local parts = saving.save(bench, given)
    bench.say(
      ("saved %s: %s of %s, found by %s; done by %s; its %s passed"):format(
        given.path,
        counted(parts.planned, "item"),
        parts.subject:described(),
        parts.chosen.name,
        parts.tried.name,
        counted(parts.passed, "test")
      )
    )
    local said = remarks(parts)
    if said ~= "" then bench.say(said) end
    local home = given.folder .. given.name
    bench.say(
      ("%s/fixture/rows.sql has %s\nnext: opsh test %s/test; then opsh %s"):format(
        home,
        fixture(parts),
        home,
        given.path
      )
    )
  end,
}
