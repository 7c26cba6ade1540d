local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local relations = require("opsh.host.repl.investigate.relation")
local report = require("opsh.native.report")
local sample = require("opsh.host.repl.sample")

--- "a, "B c"" as names.
local function names_of(list)
  local names = {}
  for part in list:gmatch("[^,]+") do
    local name = part:match("^%s*(.-)%s*$")
    names[#names + 1] = name:match('^"(.*)"$') or name:lower()
  end
  return names
end

local function summary(found, with_null)
  local text = ("%s groups, %s rows, %s more than one of each would be"):format(
    report.number(found.groups),
    report.number(found.rows),
    report.number(found.rows - found.groups)
  )
  if not with_null then return text end
  return text
    .. ("; %s of the groups with a NULL, which is taken for a value here and not by a unique constraint"):format(
      report.number(found.with_null)
    )
end

return {
  name = "dups",
  arguments = "TABLE(COLUMN, ...)",
  help = "values that several rows have: groups with their count, most first",
  run = function(bench, rest)
    local name, behind = relations.split(rest)
    local list = (behind or ""):match("^%((.*)%)$")
    if not list or not list:find("%S") then
      errors.raise("usage.command", "\\dups wants a table and columns", "as in \\dups customers(email)")
    end
    local relation = relations.named(bench, name)
    local columns, is_null, taken = {}, {}, {}
    for at, column in ipairs(names_of(list)) do
      columns[at], taken[column] = "t." .. relations.column(relation, column), true
      is_null[at] = columns[at] .. " is null"
    end
    local group = table.concat(columns, ", ")
    local count = taken.count and "count_of_rows" or "count"
    local found = findings.read(
      bench,
      ([[select pg_catalog.count(*) as groups, coalesce(pg_catalog.sum(g.rows), 0)::pg_catalog.int8 as rows,
                pg_catalog.count(*) filter (where g.with_null) as with_null
         from (select pg_catalog.count(*) as rows, pg_catalog.bool_or(%s) as with_null
               from %s as t group by %s having pg_catalog.count(*) > 1) as g]]):format(
        table.concat(is_null, " or "),
        relation.sql,
        group
      )
    )[1]
    local query = ([[select %s, pg_catalog.count(*) as %s from %s as t group by %s having pg_catalog.count(*) > 1
                     order by pg_catalog.count(*) desc, %s]]):format(group, count, relation.sql, group, group)
    bench.show(sample.take(bench.session, query, { n = 0, names = {} }))
    if found.groups > 0 then bench.say(summary(found, found.with_null > 0)) end
  end,
}
