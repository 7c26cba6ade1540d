--- One file under review: its source, its places, what was found.
local rules = require("opsh.host.lint.rules")
local text = require("opsh.native.text")

local Review = {}
Review.__index = Review

local function starts_of(source)
  local starts = { 1 }
  for at in source:gmatch("\n()") do
    starts[#starts + 1] = at
  end
  return starts
end

--- Line and column (both from 1, the column in code points) of a byte.
function Review:position(at)
  local starts, low, high = self.starts, 1, #self.starts
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if starts[middle] <= at then
      low = middle
    else
      high = middle - 1
    end
  end
  local _, column = self.source:sub(starts[low], at - 1):gsub("[^\128-\191]", "")
  return low, column + 1
end

--- The text of a line.
function Review:line(number)
  local from, to = self.starts[number], (self.starts[number + 1] or #self.source + 2) - 2
  return from and (self.source:sub(from, to):gsub("\r$", "")) or ""
end

--- The first byte of a line that is not white space.
function Review:start_of(number)
  local from = self.starts[number] or #self.source
  return self.source:match("^[ \t]*()", from)
end

--- Adds a finding, unless the same is known already, or a comment allows it.
---@param rule string
---@param at integer byte of the source
---@param message string
---@param hint? string
---@param fix? { at: integer, last: integer, text: string } bytes of the source, and what comes in their place
function Review:add(rule, at, message, hint, fix)
  assert(rules.named[rule], rule)
  local line, column = self:position(at)
  for _, other in ipairs(self.findings) do
    if other.message == message and (other.line == line or rule == "load" or rule == "declaration") then return end
  end
  local allowed = self.allowed[line]
  if allowed and allowed[rule] then return end
  self.findings[#self.findings + 1] = {
    file = self.path,
    line = line,
    column = column,
    rule = rule,
    severity = rules.named[rule].severity,
    message = message,
    hint = hint,
    fix = fix,
  }
end

--- The findings in the order of the file.
function Review:sort()
  table.sort(self.findings, function(one, other)
    if one.line ~= other.line then return one.line < other.line end
    if one.column ~= other.column then return one.column < other.column end
    return one.rule < other.rule
  end)
end

--- "did you mean x?", and the nearest of the names; the third result is the same when no other is near: then it may be
--- put in its place.
---@param name string
---@param known string[]
---@param otherwise? string the hint when none is near
---@return string|nil hint, string|nil meant, string|nil only
function Review.meant(name, known, otherwise)
  local meant = text.nearest(name, known)
  if not meant then return otherwise, nil, nil end
  local others = {}
  for _, other in ipairs(known) do
    if other ~= meant then others[#others + 1] = other end
  end
  return ("did you mean %s?"):format(meant), meant, not text.nearest(name, others) and meant or nil
end

--- Reads `-- lint: allow RULE reason`: for its own line, or the next one where nothing else stands on its own.
function Review:read_comments(comments)
  local names = {}
  for _, rule in ipairs(rules.list) do
    names[#names + 1] = rule.name
  end
  local wrong = {}
  for _, comment in ipairs(comments) do
    local said = comment.text:match("^%-%-+%s*lint:%s*(.-)%s*$")
    if said then
      local name, reason = said:match("^allow%s+([%w-]+)%s*(.*)$")
      if not name or not rules.named[name] then
        wrong[#wrong + 1] = { comment.at, ("lint: %s names no rule"):format(said), (Review.meant(
          name or said,
          names,
          "write -- lint: allow RULE reason; opsh lint --rules lists them"
        )) }
      elseif reason == "" then
        wrong[#wrong + 1] = { comment.at, ("lint: allow %s says no reason"):format(name), "write it behind the rule" }
      else
        local line = self:position(comment.at)
        if self:start_of(line) == comment.at then line = line + 1 end
        self.allowed[line] = self.allowed[line] or {}
        self.allowed[line][name] = reason
      end
    end
  end
  for _, each in ipairs(wrong) do
    self:add("allow", each[1], each[2], each[3])
  end
end

local M = {}

---@param path string
---@param source string
function M.new(path, source)
  return setmetatable({ path = path, source = source, starts = starts_of(source), findings = {}, allowed = {} }, Review)
end

return M
