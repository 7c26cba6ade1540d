--- report.md: what fits a ticket or a chat message. Headings are opsh's own; all else stands in code blocks, where no
--- chat and no ticket system takes a value for markup, a link or a person's name.
local block = require("opsh.host.report.markdown_block")
local lang = require("opsh.host.lang")
local native = require("opsh.native.report")
local shape = require("opsh.host.report.shape")
local sorted_names = require("opsh.host.sorted_names")
local text = require("opsh.native.text")
local words = require("opsh.host.report.words")

local M = {}

local there = shape.there
local safe, cell, aligned, listed = block.safe, block.cell, block.aligned, block.listed

--- No more than this many bytes.
M.most = 4000

local widest_line, widest_cell = block.width, 40
local most_checks, most_rows, most_tally, most_changes, most_list = 12, 5, 8, 8, 14

local function head(facts)
  local target = facts.target
  local list = {
    { lang.text("runbook"), ("%s (%s)"):format(lang.message(facts.runbook.title), facts.runbook.path) },
    {
      lang.text("target"),
      (there(target.name) and target.name .. ": " or "") .. tostring(shape.first_of(target.described, target.database)),
    },
    { lang.text("run"), facts.id },
  }
  local function add(label, value)
    if there(value) then list[#list + 1] = { label, value } end
  end
  for _, name in ipairs(sorted_names(facts.params)) do
    add(lang.text("param"), ("%s = %s"):format(name, table.concat(facts.params[name], ", ")))
  end
  add(lang.text("plan"), words.drift(facts))
  add(lang.text("rehearsed"), words.rehearsed(facts))
  if there(facts.summary.seconds) then add(lang.text("took"), native.duration(facts.summary.seconds)) end
  local git = facts.runbook.git
  if there(git) then
    add("git", ("%s%s"):format(there(git.tag) and git.tag or git.commit:sub(1, 12), git.dirty == true and "+" or ""))
  end
  return listed(list)
end

local function register(facts)
  local list = {}
  for at, one in ipairs(words.register(facts)) do
    list[at] = { one.label, one.value }
  end
  return listed(list)
end

local boxes = { yes = "[x]", no = "[!]", open = "[ ]", none = "[-]" }

local function checklist(facts)
  local lines, list = {}, words.checklist(facts)
  local function add(is_wrong)
    for _, item in ipairs(list) do
      if #lines < most_list and (item.state == "no") == is_wrong then
        lines[#lines + 1] = text.fit(("%s %s"):format(boxes[item.state], safe(item.text)), widest_line) .. "\n"
      end
    end
  end
  -- What is wrong is never what is left out.
  add(true)
  add(false)
  return table.concat(lines) .. block.more(#list - #lines)
end

--- The first rows that break a check.
local function rows_of(result)
  local names, columns, rows = {}, {}, {}
  for name in pairs(result.rows[1] or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  for place, name in ipairs(names) do
    columns[place] = { title = safe(name) }
    for at = 1, math.min(#result.rows, most_rows) do
      rows[at] = rows[at] or {}
      rows[at][place] = cell(result.rows[at][name])
    end
  end
  return #rows > 0 and native.table(columns, rows, { width = widest_line, indent = 2 }) or ""
end

--- Checks that did not pass, with the rows that break them.
local function failing(facts)
  local parts, count = {}, 0
  local function add(results)
    for _, result in ipairs(results) do
      if result.outcome == "fail" or result.outcome == "error" then
        count = count + 1
        if count <= most_checks then
          local said = result.outcome == "error" and result.message
            or lang.format("%s, expected %s", result.found, result.expected)
          parts[#parts + 1] = text.fit(safe(("%s: %s"):format(lang.message(result.name), said)), widest_line) .. "\n"
          parts[#parts + 1] = rows_of(result)
        end
      end
    end
  end
  add(facts.preconditions)
  for _, step in ipairs(facts.steps) do
    add(step.checks)
  end
  return table.concat(parts) .. block.more(count - most_checks)
end

local function tables(facts)
  local rows = {}
  local function add(changed)
    for _, row in ipairs(changed) do
      rows[#rows + 1] = {
        cell(row.table),
        native.number(row.inserted),
        native.number(row.updated),
        native.number(row.deleted),
      }
    end
  end
  if there(facts.rehearsal) then add(facts.rehearsal.rows) end
  if there(facts.simulation) and there(facts.simulation.tables) then add(facts.simulation.tables) end
  for _, step in ipairs(facts.steps) do
    add(step.changed)
  end
  if #rows == 0 then return "" end
  return aligned({
    { title = lang.text("table") },
    { title = lang.text("inserted"), right = true },
    { title = lang.text("updated"), right = true },
    { title = lang.text("deleted"), right = true },
  }, rows)
end

local function tally(facts)
  local parts = {}
  for _, step in ipairs(facts.steps) do
    local rows, columns = {}, {}
    for at = 1, math.min(#step.tally, most_tally) do
      local group, names = step.tally[at], {}
      for name, value in pairs(group) do
        if name ~= "count" then names[#names + 1] = ("%s %s"):format(name, cell(value)) end
      end
      table.sort(names)
      rows[at] = { text.fit(safe(table.concat(names, ", ")), widest_cell), native.number(group.count) }
    end
    columns[1], columns[2] = { title = safe(lang.message(step.name)) }, { title = lang.text("items"), right = true }
    if #rows > 0 then parts[#parts + 1] = aligned(columns, rows) .. block.more(#step.tally - #rows) end
  end
  return table.concat(parts, "\n")
end

local signs = { insert = "+", update = "~", delete = "-" }

local function changes(facts)
  if not there(facts.changes) or facts.changes.total == 0 then return "" end
  local lines, list = {}, facts.changes.list
  for at = 1, math.min(#list, most_changes) do
    local change, key, columns = list[at], {}, {}
    for _, value in pairs(change.key) do
      key[#key + 1] = cell(value)
    end
    for name, values in pairs(change.columns) do
      columns[#columns + 1] = change.operation == "update"
          and ("%s: %s -> %s"):format(name, cell(values.old), cell(values.new))
        or ("%s: %s"):format(name, cell(values.old))
    end
    table.sort(columns)
    local line = ("%s %s %s  %s"):format(
      signs[change.operation],
      change.table,
      table.concat(key, ", "),
      table.concat(columns, ", ")
    )
    lines[at] = text.fit(safe(line), widest_line):gsub("%s+$", "") .. "\n"
  end
  return table.concat(lines) .. block.more(facts.changes.total - #lines)
end

--- Rows that an undo left as they are.
local function conflicts(facts)
  if not there(facts.undo) then return "" end
  local rows, list = {}, facts.undo.conflicts
  for at = 1, math.min(#list, most_rows) do
    local conflict, key = list[at], {}
    for place, value in ipairs(conflict.key) do
      key[place] = cell(value)
    end
    rows[at] = {
      cell(conflict.table),
      table.concat(key, ", "),
      cell(lang.text(conflict.reason)),
      there(conflict.column) and cell(conflict.column) or "",
    }
  end
  if #rows == 0 then return "" end
  return aligned({
    { title = lang.text("table") },
    { title = lang.text("key") },
    { title = lang.text("why") },
    { title = lang.text("column") },
  }, rows) .. block.more(#list - #rows)
end

--- What it asks of the server, where that was looked at.
local function server(facts)
  local list = {}
  local function add(label, value)
    if there(value) then list[#list + 1] = { label, value } end
  end
  local found = there(facts.rehearsal) and facts.rehearsal or there(facts.simulation) and facts.simulation
  if not found then return "" end
  if there(found.wal_bytes) then add("WAL", native.bytes(found.wal_bytes)) end
  for at, lock in ipairs(there(found.locks) and found.locks or {}) do
    if at <= most_rows then add(lock.mode, ("%s, %s"):format(lock.table, native.duration(lock.seconds))) end
  end
  for at, row in ipairs(not found.locks and there(found.tables) and found.tables or {}) do
    local dead = lang.counted(row.dead, "dead row")
    if at <= most_rows then add(there(row.lock) and row.lock or "", ("%s, %s"):format(row.table, dead)) end
  end
  return #list > 0 and listed(list) or ""
end

local function left_out(facts)
  if not there(facts.left_out) or facts.left_out.total == 0 then return "" end
  local lines, list = {}, facts.left_out.list
  for at = 1, math.min(#list, most_rows) do
    local item = list[at]
    local said = there(item.message) and lang.message(item.message) or there(item.label) and item.label or ""
    local how = lang.text(item.outcome == "changed" and "changed since the plan" or item.outcome)
    lines[at] = text.fit(safe(("%s  %s  %s"):format(item.key, how, said)), widest_line):gsub("%s+$", "") .. "\n"
  end
  return table.concat(lines) .. block.more(facts.left_out.total - #lines)
end

local function incidents(facts)
  local lines = {}
  for at, incident in ipairs(facts.incidents) do
    if at <= most_rows then
      lines[at] = text.fit(
        safe(("%s: %s"):format(lang.message(incident.what), lang.message(incident.message))),
        widest_line
      ) .. "\n"
    end
  end
  return table.concat(lines) .. block.more(#facts.incidents - #lines)
end

local function evidence(facts)
  local list = {}
  if there(facts.backup) and there(facts.backup.sha256) then
    list[#list + 1] = { lang.text("backup"), ("%s, sha256 %s"):format(facts.backup.level, facts.backup.sha256) }
  end
  if there(facts.runbook.sha256) then list[#list + 1] = { lang.text("script"), "sha256 " .. facts.runbook.sha256 } end
  if there(facts.audit) then
    list[#list + 1] = {
      lang.text("audit log"),
      ("%s, %d, sha256 %s"):format(lang.text(facts.audit.verdict), facts.audit.entries, facts.audit.sha256),
    }
  end
  return #list > 0 and listed(list) or ""
end

-- In the order in which they are wanted: what does not fit any more is left out, and said.
local sections = {
  { title = "record of the deploy", make = register },
  { title = "checklist", make = checklist },
  { title = "checks that did not pass", make = failing },
  { title = "left out", make = left_out },
  { title = "rows left as they were", make = conflicts },
  { title = "incidents", make = incidents },
  { title = "changed rows", make = tables },
  { title = "locks and WAL", make = server },
  { title = "tally", make = tally },
  { title = "changes", make = changes },
  { title = "evidence", make = evidence },
}

local function fenced(content) return "```text\n" .. content .. "```\n" end

--- The report as Markdown.
---@param facts table of facts.lua
---@return string
function M.of(facts)
  local closing = lang.format("\nall of it: opsh report %s --open\n", facts.id)
  local parts = {
    ("### opsh %s: %s\n\n"):format(lang.text(facts.rung), lang.text(facts.outcome)),
    fenced(text.fit(safe(words.sentence(facts)), 3 * widest_line) .. "\n\n" .. head(facts)),
  }
  local length, missing = #parts[1] + #parts[2] + #closing, 0
  for _, section in ipairs(sections) do
    local content = section.make(facts)
    local made = content ~= "" and ("\n#### %s\n\n%s"):format(lang.text(section.title), fenced(content)) or ""
    if length + #made <= M.most - 100 then
      parts[#parts + 1], length = made, length + #made
    else
      missing = missing + 1
    end
  end
  if missing > 0 then parts[#parts + 1] = lang.text("\nsections that do not fit here are left out\n") end
  parts[#parts + 1] = closing
  return table.concat(parts)
end

return M
