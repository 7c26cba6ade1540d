--- What the doctor found, as text and as a document.
local counted = require("opsh.host.counted")
local json = require("opsh.native.json")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local _, array = json.metatables()

local words = { ok = "ok", note = "note", unknown = "cannot tell", warning = "warning", problem = "PROBLEM" }
local colors = { ok = 32, note = 36, unknown = 33, warning = 33, problem = 31 }
local badness = { problem = 1, warning = 2, unknown = 3, note = 4, ok = 5 }

-- A name that is wider has a line of its own.
local widest_name = 36
local widest_name_narrow = 24
local narrow = 120
local narrowest_text = 24

--- `words_` broken at blanks into lines of at most `columns`; one line when that is 0.
local function wrapped(words_, columns)
  if columns == 0 then return { words_ } end
  local lines, line = {}, ""
  for word in words_:gmatch("%S+") do
    if line ~= "" and text.width(line) + 1 + text.width(word) > columns then
      lines[#lines + 1], line = line, ""
    end
    line = line == "" and word or line .. " " .. word
  end
  lines[#lines + 1] = line
  return lines
end

--- What is to be shown.
local function shown(out, findings)
  local list = {}
  for _, finding in ipairs(findings.all()) do
    if not (out.quiet and finding.state == "ok") then list[#list + 1] = finding end
  end
  return list
end

--- The groups in their order, each with its findings, the bad ones first; equals keep their order.
local function grouped(list)
  local groups, by_name = {}, {}
  for at, finding in ipairs(list) do
    local group = by_name[finding.group]
    if not group then
      group = { name = finding.group }
      by_name[finding.group], groups[#groups + 1] = group, group
    end
    group[#group + 1] = { at = at, finding = finding }
  end
  for _, group in ipairs(groups) do
    table.sort(group, function(a, b)
      local bad_a, bad_b = badness[a.finding.state], badness[b.finding.state]
      if bad_a ~= bad_b then return bad_a < bad_b end
      return a.at < b.at
    end)
  end
  return groups
end

local function widths(out, list)
  local widest = out.width > 0 and out.width < narrow and widest_name_narrow or widest_name
  local state, name = 0, 0
  for _, finding in ipairs(list) do
    state = math.max(state, text.width(words[finding.state]))
    name = math.max(name, math.min(text.width(text.printable(finding.name)), widest))
  end
  return state, name
end

local function finding_text(out, finding, state_width, name_width)
  local margin = 2 + state_width + 2 + name_width + 2
  local columns = out.width > 0 and math.max(out.width - margin, narrowest_text) or 0
  local indent = (" "):rep(margin)
  local state = out.color(colors[finding.state], text.pad_right(words[finding.state], state_width))
  local name = text.printable(finding.name)
  local heading = "  " .. state .. "  "
  local lines = {}
  if text.width(name) > name_width then
    lines[1], heading = heading .. name, indent
  else
    heading = heading .. text.pad_right(name, name_width) .. "  "
  end
  for at, line in ipairs(wrapped(text.printable(finding.found), columns)) do
    lines[#lines + 1] = (at == 1 and heading or indent) .. line
  end
  if finding.advice then
    for at, line in ipairs(wrapped(text.printable(finding.advice), columns == 0 and 0 or columns - 6)) do
      lines[#lines + 1] = indent .. (at == 1 and "next: " or "      ") .. line
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function named(list, state)
  local names, seen = {}, {}
  for _, finding in ipairs(list) do
    local name = finding.group .. " " .. text.printable(finding.name)
    if finding.state == state and not seen[name] then
      names[#names + 1], seen[name] = name, true
    end
  end
  return table.concat(names, ", ")
end

--- "1 problem (server track_counts), 2 warnings, 1 check that cannot tell"
local function summary(out, findings)
  local problems, warnings, unknown = findings:count("problem"), findings:count("warning"), findings:count("unknown")
  local problem_text = problems == 0 and "no problem"
    or ("%s (%s)"):format(counted(problems, "problem"), named(findings.all(), "problem"))
  local parts = { out.color(problems == 0 and colors.ok or colors.problem, problem_text) }
  parts[2] = warnings == 0 and "no warning" or out.color(colors.warning, counted(warnings, "warning"))
  if unknown > 0 then parts[3] = out.color(colors.unknown, counted(unknown, "check") .. " could not tell") end
  return "\n" .. table.concat(parts, ", ") .. "\n"
end

---@param out table the screen
---@param findings table
---@return string
function M.render(out, findings)
  local parts, list = {}, shown(out, findings)
  local state_width, name_width = widths(out, list)
  for _, group in ipairs(grouped(list)) do
    parts[#parts + 1] = (#parts > 0 and "\n" or "") .. out.strong(text.printable(group.name)) .. "\n"
    for _, entry in ipairs(group) do
      parts[#parts + 1] = finding_text(out, entry.finding, state_width, name_width)
    end
  end
  return table.concat(parts) .. summary(out, findings)
end

--- { checks, problems, warnings }
function M.document(out, findings)
  local checks = {}
  for at, finding in ipairs(shown(out, findings)) do
    checks[at] = {
      group = finding.group,
      name = finding.name,
      state = finding.state,
      found = finding.found,
      advice = finding.advice or null,
    }
  end
  return {
    checks = setmetatable(checks, array),
    problems = findings:count("problem"),
    warnings = findings:count("warning"),
  }
end

return M
