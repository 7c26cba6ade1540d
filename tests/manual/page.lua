--- A page of the manual, read as what is to be done with it, from top to bottom.
---
--- A fenced block with the info string `console` is a dialogue: a line that begins with "$ " is a command (a `\` at its
--- end goes on), and what follows is what it prints; `[exit 5]` at the end of that is its status. A block with
--- `file=PATH` is written there; with `part` behind it, it must occur there. `sql run` goes through psql. The comment
--- `<!-- run: ... -->` is a command that nobody sees, `<!-- skip: why -->` leaves out the block behind it.

local M = {}

---@class manual.Action
---@field kind "command"|"file"|"part"|"sql"
---@field line integer in the Markdown
---@field text string of a command or a block
---@field path? string of a file
---@field expected? { line: integer, text: string }[] what a command prints; nothing when that is not said
---@field status? integer

--- What is wrong with the page itself.
local function wrong(name, line, message)
  error({ kind = "test.failed", message = message, where = ("%s:%d"):format(name, line) }, 0)
end

local function lines_of(text)
  local lines = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

--- The commands of a dialogue, whose first line is `at`.
local function dialogue(name, content, at, actions)
  local number = 1
  while content[number] do
    local command = content[number]:match("^%$ (.*)$")
    if not command then wrong(name, at + number - 1, "a dialogue begins with a command: $ ...") end
    local action = { kind = "command", line = at + number - 1, status = 0 }
    while command:find("\\$") and content[number + 1] do
      number = number + 1
      command = command .. "\n" .. content[number]
    end
    action.text = command
    number = number + 1
    local expected = {}
    while content[number] and not content[number]:find("^%$ ") do
      expected[#expected + 1] = { line = at + number - 1, text = content[number] }
      number = number + 1
    end
    -- Blank lines only keep two commands apart.
    while expected[1] and not expected[#expected].text:find("%S") do
      expected[#expected] = nil
    end
    local status = expected[1] and expected[#expected].text:match("^%[exit (%d+)%]$")
    if status then
      action.status, expected[#expected] = tonumber(status), nil
    end
    action.expected = expected[1] and expected or nil
    actions[#actions + 1] = action
  end
end

--- What a fenced block asks for by its info string.
local function fenced(name, info, content, at, actions)
  local text = table.concat(content, "\n") .. "\n"
  local path, part = info:match("file=(%S+)%s*(%S*)")
  if path then
    actions[#actions + 1] = { kind = part == "part" and "part" or "file", line = at, path = path, text = text }
  elseif info == "console" then
    dialogue(name, content, at, actions)
  elseif info == "sql run" then
    actions[#actions + 1] = { kind = "sql", line = at, text = text }
  elseif info:find("^sh") or info:find("^bash") then
    wrong(name, at - 1, ("nothing runs a block ```%s: write ```console"):format(info))
  end
end

--- The lines up to the one that ends a block, and the number of that one.
local function block(name, lines, from, margin, ends)
  local content, at = {}, from
  while not (lines[at] and lines[at]:find(ends)) do
    if not lines[at] then wrong(name, from - 1, "the block has no end") end
    content[#content + 1] = lines[at]:gsub("^" .. margin, "", 1)
    at = at + 1
  end
  return content, at
end

--- Reads a page.
---@param name string said in what is wrong with it
---@param text string
---@return manual.Action[]
function M.read(name, text)
  local lines, actions = lines_of(text), {}
  local at, skipped = 1, false
  while lines[at] do
    local line = lines[at]
    local margin, fence, info = line:match("^(%s*)(```+)%s*(.-)%s*$")
    local hidden = line:match("^<!%-%- run:%s*(.*)$")
    if fence then
      local from, content = at + 1
      content, at = block(name, lines, from, margin, "^%s*" .. fence .. "%s*$")
      if not skipped then fenced(name, info, content, from, actions) end
      skipped = false
    elseif hidden then
      local action = { kind = "command", line = at, status = 0 }
      local rest = hidden:match("^(.-)%s*%-%->%s*$")
      if not rest then
        local content
        content, at = block(name, lines, at + 1, "", "^%-%->%s*$")
        rest = hidden .. "\n" .. table.concat(content, "\n")
      end
      action.text = rest
      actions[#actions + 1] = action
    elseif line:find("^<!%-%- skip:%s*%S") then
      skipped = true
    elseif line:find("^    %$ ") then
      wrong(name, at, "nothing runs a dialogue that is indented: write ```console")
    end
    at = at + 1
  end
  return actions
end

return M
