--- What is to be saved: named on the line, or asked for on a terminal, or what was last.
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local input = require("opsh.native.input")
local rows_text = require("opsh.host.repl.rows_text")
local sample = require("opsh.host.repl.sample")
local sql = require("opsh.native.sql")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local told = require("opsh.host.repl.investigate.told")
local words = require("opsh.host.repl.words")

local M = {}

local usage = "\\save fix_x.lua [plan=suspects.NAME|_2|'select ...'] [change=w1|'update ...'] [key=COLUMN] "
  .. "[table=TABLE] [title='...'] [keep=COLUMN,...] [with=TABLE,...]"
local known = { plan = true, change = true, key = true, table = true, title = true, keep = true, with = true }
local reads = { select = true, with = true, values = true, table = true }
local shown_columns = 100

local function can_ask() return system.terminal(0).terminal and system.terminal(2).terminal end

local function parted(list)
  local parts = {}
  for part in (list or ""):gmatch("[^,%s]+") do
    parts[#parts + 1] = part
  end
  return parts
end

--- What may follow.
function M.complete(bench)
  local list = {}
  for name in pairs(known) do
    list[#list + 1] = name .. "="
  end
  for name in pairs(bench.bags) do
    list[#list + 1] = "plan=suspects." .. name
  end
  for _, tried in ipairs(bench.tried or {}) do
    list[#list + 1] = "change=" .. tried.name
  end
  table.sort(list)
  return list
end

--- The line's arguments.
---@return table given { path, folder, name, plan, change, key, table, title, keep, with }
function M.arguments(rest)
  local given = {}
  for _, word in ipairs(words.of(rest)) do
    local name, value = word:match("^(%l+)=(.*)$")
    if name and known[name] then
      given[name] = value
    elseif name or given.path then
      local names = {}
      for each in pairs(known) do
        names[#names + 1] = each
      end
      local meant = name and text.nearest(name, names)
      errors.raise(
        "usage.word",
        ("%s is not among what \\save takes"):format(text.printable(word)),
        meant and ("did you mean %s=?"):format(meant) or usage
      )
    else
      given.path = word
    end
  end
  if not given.path then errors.raise("usage.word", "\\save wants a file", usage) end
  given.folder, given.name = given.path:match("^(.-)([^/]+)%.lua$")
  if not given.name or not given.name:find("^[%w_-]+$") then
    local path = text.printable(given.path)
    errors.raise("usage.word", ("%s is no name for a runbook"):format(path), "as in fix_orders.lua")
  end
  given.keep, given.with = parted(given.keep), parted(given.with)
  return given
end

--- Refuses to write over anything.
function M.require_room(given)
  local folder = given.folder == "" and "." or given.folder
  if system.file_kind(folder) ~= "directory" then
    errors.raise("usage.value", ("there is no folder %s"):format(folder), "make it first")
  end
  for _, path in ipairs({ given.path, given.folder .. given.name }) do
    if system.file_kind(path) then
      errors.raise("refused.save", ("%s is there already"):format(path), "\\save never overwrites: name another file")
    end
  end
end

local function line(prompt)
  system.write_error(prompt)
  local answer = input.line()
  return answer and answer:match("^%s*(.-)%s*$") or errors.raise("interrupted", "nothing was saved")
end

--- Asks for one of a list; the first when nothing is said.
local function ask(title, list, also)
  system.write_error(title .. "\n")
  for at, each in ipairs(list) do
    system.write_error(("  %d  %s\n"):format(at, each.shown))
  end
  while true do
    local answer = line(("which one [1]%s: "):format(also or ""))
    if answer == "" then return list[1] end
    local chosen = list[tonumber(answer) or 0]
    if chosen then return chosen end
    for _, each in ipairs(list) do
      if each.name == answer then return each end
    end
    if also and answer:find("%s") then return answer end
  end
end

--- A statement on one line, as far as there is room.
local function in_short(statement) return text.fit(text.printable((statement:gsub("%s+", " "))), shown_columns) end

--- The bags, the last one first, and the results that tell whose rows they are.
local function candidates(bench)
  local list, names, added = {}, {}, {}
  local function add(name, rows)
    -- A bag is a result as well, when it was just made.
    if added[rows] then return end
    added[rows] = true
    local relation, key = told.of_rows(bench, rows)
    local whose = relation and (" of %s by %s"):format(relation.sql, table.concat(key, ", ")) or ""
    local statement = sample.query_of(rows)
    list[#list + 1] = {
      name = name,
      rows = rows,
      told = relation ~= nil,
      shown = ("%s: %s%s%s"):format(
        name,
        counted(sample.total(rows), "row"),
        whose,
        statement and "\n     " .. in_short(statement) or ""
      ),
    }
  end
  for name in pairs(bench.bags) do
    names[#names + 1] = name
  end
  table.sort(names, function(one, other)
    if (one == bench.last_bag) ~= (other == bench.last_bag) then return one == bench.last_bag end
    return one < other
  end)
  for _, name in ipairs(names) do
    add("suspects." .. name, bench.bags[name])
  end
  for at = 0, 9 do
    local name = at == 0 and "_" or "_" .. at
    local value = rawget(bench.env, name)
    if rows_text.is_rows(value) and #value > 0 then add(name, value) end
  end
  return list
end

local function query_of(bench, statement)
  local statements = sql.statements(statement .. ";")
  if #statements ~= 1 then errors.raise("usage.value", "a plan is one statement", usage) end
  sql.check_read(statements[1].text)
  return { query = statements[1].text, names = bench.bindings(statements[1].text).names, name = "the query" }
end

--- The rows that are to be mended: { name, rows } or { name, query, names }.
function M.plan(bench, given)
  if given.plan then
    local word = (given.plan:match("^%(*%s*(%a+)") or ""):lower()
    if reads[word] and given.plan:find("%s") then return query_of(bench, given.plan) end
    return { name = given.plan, rows = told.rows(bench, given.plan) }
  end
  local list = candidates(bench)
  if #list == 0 then
    errors.raise(
      "refused.save",
      "there are no rows to make a plan of",
      "\\suspects NAME select ... keeps what is to be mended; or plan='select ...'"
    )
  end
  if can_ask() and #list > 1 then return ask("the rows that are to be mended", list) end
  for _, each in ipairs(list) do
    if each.told or each.name:find("^suspects%.") then return each end
  end
  return list[1]
end

--- The statements of a text, or those of a transaction that wrote something and kept it until its end.
local function of_text(bench, typed)
  local list = {}
  for at, each in ipairs(sql.statements(typed .. ";")) do
    list[at] = { text = each.text, names = bench.bindings(each.text).names }
  end
  return { name = "the statement that was given", statements = list }
end

local function of_tried(tried)
  local list = {}
  for _, each in ipairs(tried.statements) do
    local writes = each.kind == "update" or each.kind == "insert" or each.kind == "delete"
    if writes and not each.rolled_back then
      list[#list + 1] = { text = each.text, names = each.bindings or {}, affected = each.affected, keys = each.keys }
    end
  end
  local made = { name = tried.name, statements = list, outcome = tried.outcome, run = tried.run }
  local shown = { ("%s, %s"):format(tried.name, tried.outcome) }
  for at, each in ipairs(list) do
    shown[at + 1] = ("     %s (%s)"):format(in_short(each.text), counted(each.affected or 0, "row"))
  end
  made.shown = table.concat(shown, "\n")
  return made
end

--- What is to be done to them: { name, statements = { { text, names, affected } }, outcome, run }.
function M.change(bench, given)
  if given.change and given.change:find("%s") then return of_text(bench, given.change) end
  local list = {}
  for at = #(bench.tried or {}), 1, -1 do
    local tried = of_tried(bench.tried[at])
    if tried.name == given.change then return tried end
    if #tried.statements > 0 then list[#list + 1] = tried end
  end
  if given.change then
    errors.raise("usage.value", ("there is no change %s"):format(text.printable(given.change)), usage)
  end
  if #list == 0 then
    errors.raise(
      "refused.save",
      "no change was tried, and a runbook has to do something",
      "\\write tries one, and \\rollback takes it back; or change='update ...'"
    )
  end
  if not can_ask() or #list == 1 then return list[1] end
  local chosen = ask("what is to be done to them", list, ", or SQL")
  return type(chosen) == "string" and of_text(bench, chosen) or chosen
end

--- The names of those that the person lets into the fixture, among columns that look as if they should not be there.
local function let_in(names)
  local answer = line(
    ("these look secret or personal: %s\n"):format(table.concat(names, ", "))
      .. "write their values into the fixture? [y/N], or the names of those that may: "
  )
  if answer:lower() == "y" or answer:lower() == "yes" then return names end
  return parted(answer)
end

--- The columns whose values do not go into the fixture, and those that do because their types have no masks.
---@param telling table[] of rows.telling
---@return table[] masked
---@return table[] left
function M.masked(given, telling)
  local keep, names, masked, left = {}, {}, {}, {}
  local function may(list)
    for _, name in ipairs(list) do
      keep[name] = true
    end
  end
  local function name_of(each) return ("%s.%s"):format(each.of.relation.sql, each.column.name) end
  local function is_kept(each) return keep[each.column.name] or keep[name_of(each)] end
  may(given.keep)
  for _, each in ipairs(telling) do
    if not is_kept(each) then names[#names + 1] = name_of(each) end
  end
  if #names > 0 and can_ask() then may(let_in(names)) end
  for _, each in ipairs(telling) do
    if not is_kept(each) then table.insert(each.way and masked or left, each) end
  end
  return masked, left
end

return M
