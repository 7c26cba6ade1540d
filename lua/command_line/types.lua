--- Reads the types for editors (LuaCATS) as what they describe: modules, their functions and classes.

local M = {}

---@class opsh.types.Member a function, or a field
---@field name string
---@field doc string[]
---@field args? string[] of a function
---@field params table<string, { type: string, text: string, optional: boolean }>
---@field returns { type: string, text: string }[]
---@field type? string of a field
---@field optional? boolean

-- A type goes on behind these, though a blank comes.
local goes_on = { [":"] = true, [","] = true, ["|"] = true }

--- A type and what stands behind it.
---@return string type, string text
local function split(text)
  local depth, quoted = 0, false
  for at = 1, #text do
    local letter = text:sub(at, at)
    if letter == '"' then
      quoted = not quoted
    elseif quoted then
      depth = depth
    elseif letter:find("[%(<{%[]") then
      depth = depth + 1
    elseif letter:find("[%)>}%]]") then
      depth = depth - 1
    elseif letter == " " and depth == 0 then
      local ends = not goes_on[text:sub(at - 1, at - 1)] and text:sub(at + 1, at + 1) ~= "|"
      if ends then return text:sub(1, at - 1), text:sub(at + 1) end
    end
  end
  return text, ""
end

--- What a run of comment lines says: { doc, tags = { { tag, text } } }. A line behind a tag goes on with it.
local function comment_of(lines)
  local made = { doc = {}, tags = {} }
  for _, line in ipairs(lines) do
    local tag, rest = line:match("^%-%-%-@(%w+)%s*(.*)$")
    local last = made.tags[#made.tags]
    if tag then
      made.tags[#made.tags + 1] = { tag = tag, text = rest }
    elseif last and last.tag ~= "class" then
      last.text = last.text .. " " .. line:match("^%-%-%-%s*(.*)$")
    else
      made.doc[#made.doc + 1] = line:match("^%-%-%-%s?(.*)$")
    end
  end
  return made
end

local function member_of(comment, name, args)
  local member = { name = name, doc = comment.doc, params = {}, returns = {} }
  if args then
    member.args = {}
    for arg in args:gmatch("[%w_.]+") do
      table.insert(member.args, arg)
    end
  end
  for _, tag in ipairs(comment.tags) do
    if tag.tag == "param" then
      local param, optional, rest = tag.text:match("^([%w_.]+)(%??)%s+(.*)$")
      local type_, text = split(rest)
      member.params[param] = { type = type_, text = text, optional = optional == "?" }
    elseif tag.tag == "return" then
      local type_, text = split(tag.text)
      table.insert(member.returns, { type = type_, text = text })
    elseif tag.tag == "type" then
      member.type = tag.text
    end
  end
  return member
end

local function field_of(text)
  local name, optional, rest = text:match("^(%b[])(%??)%s+(.*)$")
  if not name then
    name, optional, rest = text:match("^([%w_]+)(%??)%s+(.*)$")
  end
  local type_, said = split(rest)
  return { name = name, type = type_, optional = optional == "?", doc = { said }, params = {}, returns = {} }
end

--- Classes and aliases that a comment declares; the last class is what a table behind it is of.
local function declared(comment, described)
  local class
  for at, tag in ipairs(comment.tags) do
    if tag.tag == "class" then
      local name, parent = tag.text:match("^([%w_.]+):?%s*(.*)$")
      class = { name = name, parent = parent ~= "" and parent or nil, doc = {}, members = {} }
      -- One comment may declare several; what it says is of the first.
      if at == 1 then class.doc = comment.doc end
      table.insert(described.classes, class)
    elseif tag.tag == "field" and class then
      table.insert(class.members, field_of(tag.text))
    elseif tag.tag == "alias" then
      local name, type_ = tag.text:match("^(%S+)%s+(.*)$")
      table.insert(described.classes, { name = name, alias = type_, doc = comment.doc, members = {} })
    end
  end
  return class
end

--- What a file of types describes.
---@param text string
---@return { name: string, module: table, call?: opsh.types.Member, classes: table[] }
function M.read(text)
  local described = { name = text:match("%-%-%-@meta%s+(%S+)"), classes = {} }
  local locals, pending, class = {}, {}, nil
  for line in (text .. "\n"):gmatch("(.-)\n") do
    if line:find("^%-%-%-") and not line:find("^%-%-%-@meta") then
      pending[#pending + 1] = line
    else
      local comment = comment_of(pending)
      pending = {}
      local new = declared(comment, described)
      class = new or class
      local variable = line:match("^local ([%w_]+) = {}")
      if variable then
        locals[variable] = new or { doc = comment.doc, members = {} }
        locals[variable].variable = variable
      end
      local owner, mark, name, args = line:match("^function ([%w_]+)([.:])([%w_]+)(%b())")
      if owner then
        local member = member_of(comment, owner .. mark .. name, args)
        table.insert(locals[owner].members, member)
      end
      owner, name = line:match("^([%w_]+)%.([%w_]+) = ")
      if owner then
        local member = member_of(comment, owner .. "." .. name)
        -- A table of functions that stands in the module.
        member.of = locals[line:match("= ([%w_]+)$")]
        table.insert(locals[owner].members, member)
      end
      local called, taken = line:match("^local function ([%w_]+)(%b())")
      if called then described.call = member_of(comment, called, taken) end
    end
  end
  described.module = locals[text:match("\nreturn ([%w_]+)") or ""]
  return described
end

return M
