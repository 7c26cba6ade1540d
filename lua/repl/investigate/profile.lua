--- What stands in the columns of a table: NULLs, values, extremes, distribution.
local counted = require("opsh.host.counted")
local findings = require("opsh.host.repl.investigate.findings")
local report = require("opsh.native.report")
local sql = require("opsh.native.sql")
local system = require("opsh.native.system")

local M = {}

-- Rows beyond which a part of them is looked at, and how many that is about; seconds that it takes in all; bars of a
-- sparkline.
local many, part, enough, bars = 200000, 100000, 20, 12

local levels = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

local shown = { "column", "type", "nulls#", "distinct#", "least", "greatest", "most frequent", "distribution" }

--- FROM of what is looked at, and a sentence about it. The same pages every time: all columns are of the same rows.
local function source(relation)
  -- Of a table that nobody analyzed the number of rows is not known.
  if relation.kind == "v" or relation.kind == "f" or relation.estimate < 0 then
    return ("(select * from %s limit %d) as t"):format(relation.sql, many),
      ("at most %s rows of it, the first that come"):format(report.number(many))
  end
  if relation.estimate <= many then return relation.sql .. " as t", nil end
  local percent = part / relation.estimate * 100
  return ("%s as t tablesample pg_catalog.system (%.6f) repeatable (1)"):format(relation.sql, percent),
    ("a sample of its pages, %.2g %% of about %s rows"):format(percent, report.number(relation.estimate))
end

-- pg_type.typcategory: numbers, dates and times, intervals, addresses, enums. Others are compared by their text.
local ordered = { N = true, D = true, T = true, I = true, E = true }
local on_a_line = { N = true, D = true, T = true }

local function name_of(column) return "t." .. sql.identifier(column.name) end

local function comparable(column)
  return ordered[column.category] and name_of(column) or name_of(column) .. "::pg_catalog.text"
end

-- The NULLs are counted before the values: a column may have nothing else.
local values_sql = [[
  with found as (select %s as value from %s%s),
       groups as (select f.value, pg_catalog.count(*) as count from found as f
                  where f.value is not null group by f.value)
  select (select pg_catalog.count(*) from found) as rows, pg_catalog.count(*) as distinct,
         coalesce(pg_catalog.sum(g.count), 0)::pg_catalog.int8 as given,
         pg_catalog.left(pg_catalog.min(g.value)::pg_catalog.text, 40) as least,
         pg_catalog.left(pg_catalog.max(g.value)::pg_catalog.text, 40) as greatest,
         (select pg_catalog.array_agg(pg_catalog.left(m.value::pg_catalog.text, 20) || ' ×' || m.count
                                      order by m.count desc, m.value)
          from (select o.value, o.count from groups as o where o.count > 1 order by o.count desc, o.value limit 3) as m)
           as frequent
  from groups as g]]

local buckets_sql = [[
  with found as (select (%s)::pg_catalog.float8 as value from %s%s),
       finite as (select f.value from found as f
                  where f.value not in ('NaN', 'infinity', '-infinity')),
       ends as (select pg_catalog.min(f.value) as least, pg_catalog.max(f.value) as greatest from finite as f)
  select case when e.least = e.greatest then 1
              else least(pg_catalog.width_bucket(f.value, e.least, e.greatest, %d), %d) end as bucket,
         pg_catalog.count(*) as count
  from finite as f cross join ends as e group by 1 order by 1]]

--- Bars from the least value to the greatest; the highest stands for the most rows, no bar for none.
local function sparkline(found, number)
  local counts, most = {}, 0
  for _, row in ipairs(found) do
    counts[row.bucket], most = row.count, math.max(most, row.count)
  end
  local line = {}
  for at = 1, most > 0 and number or 0 do
    local count = counts[at]
    line[at] = count and levels[math.max(math.ceil(count / most * #levels), 1)] or " "
  end
  return (table.concat(line):gsub("%s+$", ""))
end

local integers = { smallint = true, integer = true, bigint = true }

--- As many bars as an integer has values, where these are few.
local function bars_of(column, row)
  if not integers[column.type] then return bars end
  return math.min(bars, tonumber(row.greatest) - tonumber(row.least) + 1)
end

local function distribution(bench, column, from, where, number, seconds)
  local name = name_of(column)
  local figure = column.category == "N" and name or ("extract(epoch from %s)"):format(name)
  local found = findings.try(bench, buckets_sql:format(figure, from, where, number, number), nil, seconds)
  return found and sparkline(found, number) or ""
end

--- One column.
---@param left fun(): number seconds that there are
---@return table row
---@return integer|nil rows that were looked at
local function look(bench, column, from, where, left)
  local row = { column = column.name, type = column.type, ["most frequent"] = "", distribution = "" }
  local found, err = findings.try(bench, values_sql:format(comparable(column), from, where), nil, left())
  if not found then
    row["most frequent"] = "not looked at: " .. findings.reason(err)
    return row
  end
  found = found[1]
  row.nulls, row.distinct = found.rows - found.given, found.distinct
  row.least, row.greatest = found.least, found.greatest
  row["most frequent"] = found.frequent and table.concat(found.frequent, ", ")
    or found.given > 0 and "all different"
    or ""
  if on_a_line[column.category] and found.distinct > 2 then
    row.distribution = distribution(bench, column, from, where, bars_of(column, row), left())
  end
  return row, found.rows
end

--- The columns of a table as rows, and what was looked at, in words.
---@param relation table of relation.lua
---@param condition string behind WHERE, "" for all rows
function M.of(bench, relation, condition)
  local from, about = source(relation)
  local where = condition ~= "" and " where " .. condition or ""
  -- What is wrong with the condition is an error, and not one for each column.
  findings.read(bench, ("select t.* from %s%s limit 0"):format(from, where))
  local list, rows, began = {}, nil, system.clock()
  local function left() return math.max(enough - (system.clock() - began), 1) end
  for at, column in ipairs(relation.columns) do
    if system.clock() - began > enough then
      list[at] = { column = column.name, type = column.type, distribution = "" }
      list[at]["most frequent"] = "not looked at: it took too long"
    else
      local seen
      list[at], seen = look(bench, column, from, where, left)
      rows = rows or seen
    end
  end
  local said = rows and counted(rows, "row") or "no columns"
  return findings.rows(shown, list), about and ("%s: %s"):format(said, about) or said
end

return M
