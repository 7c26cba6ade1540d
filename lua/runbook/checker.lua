--- What every part of a declaration is checked with: an error has the line of what is wrong.
local errors = require("opsh.host.errors")
local native_sql = require("opsh.native.sql")
local text = require("opsh.native.text")

local kinds = {
  string = "text",
  number = "a number",
  boolean = "true or false",
  ["function"] = "a function",
  table = "a table",
}

local function sorted_names(table_)
  local names = {}
  for name in pairs(table_) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

--- The one line of the source where `name = ` stands; nothing when there are several, or none.
local function line_of(source, name)
  local found, number = nil, 0
  for line in (source .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if (" " .. line):find("[^%w_]" .. name:gsub("%p", "%%%0") .. "%s*=[^=]") then
      if found then return nil end
      found = number
    end
  end
  return found
end

--- The line of the source that is wrong in a statement, where the source has its very text once.
local function line_within(source, statement, excerpt)
  local at, ends = source:find(statement, 1, true)
  if not at or source:find(statement, ends + 1, true) then return nil end
  local _, before = source:sub(1, at):gsub("\n", "")
  local within = excerpt and tonumber(excerpt:match("^line (%d+):")) or 1
  return before + within
end

---@class opsh.Checker
---@field path string of the script
---@field source string its text
---@field reasons table<string, string> of a missing field: what to do
local Checker = {}

function Checker:fail(name, message, hint)
  local line = name and line_of(self.source, name)
  errors.raise(
    "script.declaration",
    message,
    hint or "see docs/runbook.md",
    line and self.path .. ":" .. line or self.path
  )
end

function Checker:fields(value, fields, what)
  for _, name in ipairs(sorted_names(value)) do
    if not fields[name] then
      local meant = text.nearest(name, sorted_names(fields))
      self:fail(
        name,
        ("%s has an unknown key %s"):format(what, name),
        meant and ("did you mean %s?"):format(meant) or "its keys are " .. table.concat(sorted_names(fields), ", ")
      )
    end
  end
  for _, name in ipairs(sorted_names(fields)) do
    local field, given = fields[name], value[name]
    if given == nil then
      if field.required then self:fail(nil, ("%s has no %s"):format(what, name), self.reasons[name]) end
    else
      local fits = false
      for _, type_ in ipairs(field) do
        fits = fits or type(given) == type_
      end
      if not fits then
        local wanted = {}
        for at, type_ in ipairs(field) do
          wanted[at] = kinds[type_]
        end
        self:fail(
          name,
          ("%s: %s must be %s, not %s"):format(what, name, errors.either(wanted), kinds[type(given)] or type(given))
        )
      end
    end
  end
end

function Checker:names(value, name, what)
  if value == nil then return {} end
  if type(value) == "string" then return { value } end
  local list, seen = {}, {}
  for at, element in pairs(value) do
    if type(at) ~= "number" or type(element) ~= "string" then
      self:fail(name, ("%s: %s must be a list of names"):format(what, name))
    end
    if seen[element] then self:fail(name, ("%s: %s names %s twice"):format(what, name, element), "name it once") end
    list[at], seen[element] = element, true
  end
  if #list == 0 then self:fail(name, ("%s: %s is empty"):format(what, name)) end
  return list
end

--- What a runbook answers for: names with their schemas, as the server writes them.
function Checker:qualified_names(value, name)
  local list = self:names(value, name, "the runbook")
  for at, given in ipairs(list) do
    list[at] = self:sql(given, name, "the runbook", native_sql.qualified)
    if not list[at]:find(".", 1, true) then
      local hint = ('write it as "schema.%s"'):format(given)
      self:fail(name, ("the runbook: %s: %s has no schema"):format(name, given), hint)
    end
    if list[at]:find("^pg_catalog%.") then
      self:fail(
        name,
        ("the runbook: %s: %s comes with the server, and cannot be declared"):format(name, given),
        "take it out: most of the server's functions need no declaration, and the others are refused"
      )
    end
  end
  return list
end

function Checker:sql(statement, name, what, check)
  local ok, result = pcall(check, statement)
  if ok then return result end
  local line = line_within(self.source, statement, result.excerpt) or line_of(self.source, name)
  errors.raise(
    result.kind,
    ("%s: %s: %s"):format(what, name, result.message),
    result.hint,
    line and self.path .. ":" .. line or self.path,
    result.excerpt
  )
end

--- So many items, or a percentage of them.
function Checker:share(value, name, what)
  if type(value) == "number" and value >= 0 and value == math.floor(value) then return { count = value } end
  local percent = type(value) == "string" and tonumber(value:match("^([%d.]+)%%$"))
  if not percent or percent > 100 then
    self:fail(name, ('%s: %s is a whole number or a percentage, as in 100 or "1%%"'):format(what, name))
  end
  return { percent = percent }
end

Checker.sorted_names = sorted_names

return Checker
