--- Findings of `opsh lint`, for people and as a document. In English, as the language that runbooks are written in.
local counted = require("opsh.host.counted")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local rules = require("opsh.host.lint.rules")
local text = require("opsh.native.text")

local M = {}

--- A finding with its line and a caret.
---@param out table
---@param review table of the file
---@param finding table
function M.finding(out, review, finding)
  local color = finding.severity == "error" and 31 or 33
  local lines = {
    ("%s:%d:%d: %s: %s\n"):format(
      text.printable(finding.file),
      finding.line,
      finding.column,
      out.color(color, finding.rule),
      text.printable(finding.message)
    ),
  }
  -- A tab is shown as one space, so that the caret stands where the finding is.
  local shown = text.printable((review:line(finding.line):gsub("%c", " ")))
  local first = shown:match("^%s*"):len()
  if shown ~= "" and finding.column > first then
    local before = shown:sub(first + 1)
    lines[#lines + 1] = ("    %s\n    %s^\n"):format(before, (" "):rep(finding.column - 1 - first))
  end
  if finding.hint and finding.hint ~= "" then
    lines[#lines + 1] = ("  next: %s\n"):format(text.printable(finding.hint))
  end
  return table.concat(lines)
end

--- "3 findings in 2 of 12 files"
function M.closing(files, reviews)
  local findings, with = 0, 0
  for _, review in ipairs(reviews) do
    findings = findings + #review.findings
    with = with + (#review.findings > 0 and 1 or 0)
  end
  if findings == 0 then return ("%s, nothing found\n"):format(counted(files, "file")) end
  return ("%s in %d of %s\n"):format(counted(findings, "finding"), with, counted(files, "file"))
end

local null = json.decode("null")
local _, array = json.metatables()

local function record(fields, columns) return setmetatable(fields, { __columns = columns }) end

local finding_fields = { "file", "line", "column", "rule", "severity", "message", "hint", "fix" }

local function finding_document(finding)
  local made = { fix = null }
  for _, name in ipairs(finding_fields) do
    made[name] = name ~= "fix" and finding[name] or null
  end
  local fix = finding.fix
  if fix then
    made.fix = record({ offset = fix.at - 1, length = fix.last - fix.at + 1, text = fix.text }, {
      "offset",
      "length",
      "text",
    })
  end
  return record(made, finding_fields)
end

local function fixed_document(changes)
  local list = setmetatable({}, array)
  for at, change in ipairs(changes) do
    list[at] = record(change, { "file", "line", "rule", "before", "after" })
  end
  return list
end

--- The document of --json: docs/lint.md has its fields.
---@param files integer
---@param reviews table[]
---@param changes table[]|nil what --fix mended
function M.document(files, reviews, changes)
  local list = setmetatable({}, array)
  for _, review in ipairs(reviews) do
    for _, finding in ipairs(review.findings) do
      list[#list + 1] = finding_document(finding)
    end
  end
  return record({
    format = 1,
    opsh = host.version(),
    files = files,
    findings = list,
    fixed = changes and fixed_document(changes) or null,
  }, { "format", "opsh", "files", "findings", "fixed" })
end

--- What `--rules` shows.
function M.rules(out)
  local rows = {}
  for at, rule in ipairs(rules.list) do
    rows[at] = { rule.name, rule.severity, rule.help }
  end
  return out.table({ { name = "rule" }, { name = "severity" }, { name = "what it finds" } }, rows)
end

return M
