--- The steps of a runbook in its checklist: what they are to do, what they did, how they are checked and taken back.
local facts_words = require("opsh.host.report.words")
local filled = require("opsh.host.authoring.filled")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local markdown = require("opsh.host.authoring.markdown")
local params = require("opsh.host.runbook.params")
local told = require("opsh.host.authoring.told")

local M = {}

local null = json.decode("null")
local blank = "____________"

local function plain(value) return markdown.new().plain(lang.message(value)) end
local function code(value) return markdown.new().code(value) end

local function there(value) return value ~= nil and value ~= null end

--- What a run's report says of a step.
local function fact_of(about, step)
  for _, fact in ipairs(about.facts and about.facts.steps or {}) do
    if fact.name == step.name then return fact end
  end
end

local function kind_of(step)
  if step.kind == "manual" then return lang.text("a person answers") end
  if step.kind == "effect" then return lang.text("beyond the database") end
  return step.schema and lang.text("schema") or lang.text("rows")
end

local function tables_of(step)
  local names = {}
  for at, written in ipairs(step.writes) do
    names[at] = code(written.name)
  end
  return table.concat(names, ", ")
end

local function listed(values)
  local shown = {}
  for at, value in ipairs(values) do
    shown[at] = code(value)
  end
  return table.concat(shown, ", ")
end

M.listed = listed

--- What a plan is to be looked at for.
function M.planned(page, about)
  for _, step in ipairs(about.steps) do
    local fact = fact_of(about, step)
    if step.kind == "items" then
      local found = fact and facts_words.planned(fact) or blank
      page:box(("%s: %s"):format(plain(step.name), markdown.new().plain(found)), fact ~= nil)
      local figures = told.figures(step, about.values)
      if #figures > 0 then page:add("  - " .. lang.format("figures: %s", listed(figures))) end
      if #step.tally > 0 then page:add("  - " .. lang.format("counted by %s", listed(step.tally))) end
      if #step.reject > 0 then
        page:add("  - " .. lang.format("to be looked at by somebody, not worked on: %s", listed(step.reject)))
      end
      if #step.skip > 0 then page:add("  - " .. lang.format("left as they are: %s", listed(step.skip))) end
      if step.report then page:add("  - " .. lang.format("report files: %s", code(step.report.file .. "_*"))) end
      if step.after then page:add("  - " .. lang.format("planned after %s", plain(step.after))) end
    end
  end
  for _, step in ipairs(about.left_out) do
    page:item(
      lang.format("not in this run: %s (with %s)", plain(step.name), code("--" .. params.option_name(step.when)))
    )
  end
  page:add("")
end

--- The steps in their order.
function M.applied(page, about)
  for number, step in ipairs(about.steps) do
    local fact = fact_of(about, step)
    local tables = tables_of(step)
    local about_it = kind_of(step) .. (tables ~= "" and ": " .. tables or "")
    local words = ("%d. %s (%s)"):format(number, plain(step.name), about_it)
    local done = fact and (facts_words.done(fact) or there(fact.finished) and fact.finished and lang.text("done"))
    page:box(words .. (done and ": " .. markdown.new().plain(done) or ""), fact ~= nil and fact.finished == true)
    if step.ends then
      page:add("  - " .. lang.format("ends %s", plain(step.ends)))
    elseif step.kind == "effect" then
      page:add("  - " .. lang.text("the plan says what it would do"))
    end
    if step.loses_data then
      page:add("  - " .. lang.format("**drops what may hold data**: %s", plain(step.loses_data)))
    end
    if step.max_failures.count ~= 0 then
      local most = step.max_failures.count or ("%g %%"):format(step.max_failures.percent)
      page:add("  - " .. lang.format("items that may fail: %s; they are listed (exit 8)", tostring(most)))
    end
  end
end

--- SQL without the indentation that it has in the script.
local function outdented(sql)
  local least
  for indent, rest in sql:gmatch("\n( *)([^\n]*)") do
    if rest:find("%S") then least = math.min(least or #indent, #indent) end
  end
  return (("\n" .. sql:gsub("^%s*\n", "")):gsub("\n" .. (" "):rep(least or 0), "\n"):gsub("^%s*\n", ""))
end

--- What a query is to give: as the script says, else as the run expected it.
local function expected(check, result)
  if check.no_rows then return lang.text("Expected: no rows.") end
  local wanted = check.wanted
  if wanted == nil and result and there(result.expected) then wanted = result.expected end
  return wanted == nil and lang.text("Expected: what the run itself counted.")
    or lang.format("Expected: %s.", tostring(wanted))
end

--- The query of a check, what is open in it, and what it is to give.
local function query(page, check, result, scope)
  local sql, open = filled.text(check, scope)
  page:block("sql", outdented(sql))
  if #open > 0 then page:paragraph(lang.format("To be put in, from the params or the run: %s.", listed(open))) end
  page:paragraph(expected(check, result))
end

--- The checks of all steps, with the query where there is one.
function M.checks(page, about)
  for _, step in ipairs(about.steps) do
    local checks, whole = told.checks(step.verify, about.values, about.run)
    local fact = fact_of(about, step)
    local results = {}
    for _, result in ipairs(fact and there(fact.checks) and fact.checks or {}) do
      results[result.name] = result
    end
    if #checks > 0 then page:paragraph(("**%s**"):format(plain(step.name))) end
    for _, check in ipairs(checks) do
      local result = results[check.name]
      local outcome = result and result.outcome
      local name = plain(check.name) .. (check.url and " (" .. code(check.url) .. ")" or "")
      page:box(name .. (outcome and ": " .. lang.text(outcome) or ""), outcome == "pass")
      if check.sql then query(page, check, result, about.scope) end
    end
    if not whole then page:box(lang.text("more checks, which depend on the database: the plan shows them")) end
  end
  page:add("")
end

--- What a person does, with room for what was seen.
function M.manual(page, about, step)
  local fact = fact_of(about, step)
  local manual = fact and there(fact.manual) and fact.manual or {}
  local is_yes = manual.answer == "yes"
  page:box(("%s: %s"):format(plain(step.name), plain(step.manual)), is_yes)
  local answer = there(manual.answer) and lang.text(manual.answer) .. ", " .. markdown.new().plain(manual.by) or blank
  page:add("  - " .. lang.format("answer, and by whom: %s", answer))
  if step.evidence then page:add("  - " .. lang.format("a file that shows it: %s", blank)) end
end

--- What an undo does with each step, the last one first.
function M.undone(page, about)
  for at = #about.steps, 1, -1 do
    local step, words = about.steps[at], nil
    if step.kind == "effect" then
      words = step.compensate and lang.text("is taken back, as the script says")
        or not step.ends and lang.text("**stays**: it says nothing of how it is taken back")
    elseif step.schema then
      words = step.undo and lang.text("what it made goes, unless it holds what would be lost")
        or lang.text("**stays**: it says nothing of how it is taken back")
    elseif step.kind == "items" and step.journaled then
      words = lang.text("each row gets what it had before, from the journal")
    elseif step.kind == "items" then
      words = lang.text("**cannot be taken back**: it has no journal")
    end
    if words then page:item(("%s: %s"):format(plain(step.name), words)) end
  end
end

return M
