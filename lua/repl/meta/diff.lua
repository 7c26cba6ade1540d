local difference = require("opsh.host.repl.investigate.difference")
local errors = require("opsh.host.errors")
local report = require("opsh.native.report")
local told = require("opsh.host.repl.investigate.told")
local words = require("opsh.host.repl.words")

--- What tells the rows of both apart: the key of their table, else a column `id`.
local function key_of(bench, before, after, named)
  if named[1] then return named end
  for _, rows in ipairs({ before, after }) do
    local _, key = told.of_rows(bench, rows)
    if key then return key end
  end
  return { "id" }
end

local function require_columns(rows, key, name)
  local known = {}
  for _, column in ipairs(rows:columns()) do
    known[column] = true
  end
  for _, column in ipairs(key) do
    if not known[column] then
      errors.raise(
        "usage.value",
        ("%s has no column %s to tell rows apart"):format(name, column),
        "name the key: \\diff A B COLUMN ..."
      )
    end
  end
end

return {
  name = "diff",
  arguments = "A B [COLUMN ...]",
  help = "two results or bags by their key: rows that came and went, cells that changed",
  complete = function(bench)
    local names = { "_", "_1" }
    for name in pairs(bench.bags) do
      names[#names + 1] = "suspects." .. name
    end
    table.sort(names)
    return names
  end,
  run = function(bench, rest)
    local given = words.of(rest)
    if #given < 2 then errors.raise("usage.word", "\\diff wants two results", "\\diff _1 _, \\diff suspects.a _ id") end
    local before, after = told.rows(bench, given[1]), told.rows(bench, given[2])
    local key = key_of(bench, before, after, { unpack(given, 3) })
    require_columns(before, key, given[1])
    require_columns(after, key, given[2])
    local rows, found = difference.of(before, after, key, given)
    local said = ("by %s: %s came, %s went, %s changed, %s the same"):format(
      table.concat(key, ", "),
      report.number(found.came),
      report.number(found.went),
      report.number(found.changed),
      report.number(found.same)
    )
    bench.show(rows)
    if #found.left_out > 0 then said = said .. "; only in one of them: " .. table.concat(found.left_out, ", ") end
    bench.say(said)
  end,
}
