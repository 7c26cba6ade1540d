--- The pages of the manual that are made of the code: the command line of its declarations, the modules of their types.
local house = require("opsh.host.authoring.house")
local lang = require("opsh.host.lang")
local manual = require("opsh.host.command_line.manual")
local options = require("opsh.host.options")
local program = require("opsh.host.command_line.program")
local sorted_names = require("opsh.host.sorted_names")
local types = require("opsh.host.command_line.types")

local M = {}

local made_by = "<!-- made by opsh manual --markdown docs/reference: what is changed here is lost -->\n"

local function escaped(text) return (text:gsub("<", "&lt;")) end

--- Text of a cell.
local function cell(text) return escaped(text:gsub("|", "\\|"):gsub("\n", " ")) end

local function code(text) return "`" .. text:gsub("\n", " ") .. "`" end

local function code_cell(text) return (code(text):gsub("|", "\\|")) end

local function table_of(lines, head, rows)
  if #rows == 0 then return end
  lines[#lines + 1] = ("\n| %s |\n|%s"):format(table.concat(head, " | "), (" --- |"):rep(#head))
  for _, row in ipairs(rows) do
    lines[#lines + 1] = ("| %s |"):format(table.concat(row, " | "))
  end
end

local function option_row(option)
  local made = (option.negatable and "--[no-]" or "--") .. option.name
  if option.letter then made = "-" .. option.letter .. ", " .. made end
  if option.value then
    made = option.value_optional and ("%s[=%s]"):format(made, option.value) or made .. " " .. option.value
  end
  return { code_cell(made), cell(manual.meaning(option)) }
end

local function option_rows(list)
  local rows = {}
  for at, option in ipairs(list) do
    rows[at] = option_row(option)
  end
  return rows
end

--- Options of a command that are its own, and the groups of those that it shares with all.
local function own_options(line)
  local shared, own, groups, seen = {}, {}, {}, {}
  for _, option in ipairs(options.host) do
    shared[option] = true
  end
  for _, option in ipairs(line.options or {}) do
    if not shared[option] then
      own[#own + 1] = option
    elseif not seen[option.group] then
      groups[#groups + 1], seen[option.group] = option.group, true
    end
  end
  return own, groups
end

local function anchor(words) return (words:lower():gsub("%s", "-")) end

local function synopsis(line)
  local words = { line.program }
  for _, positional in ipairs(line.positionals or {}) do
    local word = positional.name .. (positional.list and " ..." or "")
    words[#words + 1] = positional.required and word or "[" .. word .. "]"
  end
  return table.concat(words, " ") .. " [OPTIONS]"
end

local function shared_with(groups)
  if #groups == 0 then return end
  local links = {}
  for at, group in ipairs(groups) do
    links[at] = ("[%s](#%s)"):format(group, anchor(group))
  end
  return "\nAlso takes the shared options of " .. table.concat(links, ", ") .. "."
end

local function command_of(lines, line)
  lines[#lines + 1] = ("\n## %s\n\n%s\n\n%s"):format(line.program, code(synopsis(line)), escaped(line.description))
  local rows = {}
  for _, positional in ipairs(line.positionals or {}) do
    rows[#rows + 1] = { code_cell(positional.name), cell(positional.help) }
  end
  local own, groups = own_options(line)
  for _, row in ipairs(option_rows(own)) do
    rows[#rows + 1] = row
  end
  table_of(lines, { "argument, option", "" }, rows)
  lines[#lines + 1] = shared_with(groups)
end

--- Lists of options by the group that help has them under, each under a heading.
local function grouped(lines, list)
  local groups, by = {}, {}
  for _, option in ipairs(list) do
    if not by[option.group] then
      groups[#groups + 1], by[option.group] = option.group, {}
    end
    table.insert(by[option.group], option)
  end
  for _, group in ipairs(groups) do
    lines[#lines + 1] = ("\n### %s"):format(group)
    table_of(lines, { "option", "" }, option_rows(by[group]))
  end
end

local function commands()
  local lines = {
    made_by,
    "# Commands and options\n",
    "What `--help` says, on one page. `opsh RUNBOOK --help` has a runbook's own params;\n"
      .. "[exit-status.md](../exit-status.md) says what exit statuses mean.\n",
    "- [Shared options](#shared-options), [the prompt](#the-prompt), [a runbook](#a-runbook)",
  }
  for _, command in ipairs(program.commands) do
    lines[#lines + 1] = ("- [opsh %s](#opsh-%s): %s"):format(command.name, command.name, command.help)
  end
  lines[#lines + 1] = "\n## Shared options\n\nBefore or behind a command or runbook; each says which groups it takes."
  grouped(lines, options.host)
  lines[#lines + 1] = "\n## The prompt\n\n`opsh [OPTIONS]`, also `opsh repl`: SQL and Lua on a session that only reads."
  table_of(
    lines,
    { "option", "" },
    option_rows(options.join({ options.evaluate, options.command }, options.declared, { options.version }))
  )
  lines[#lines + 1] = "\n## A runbook\n\n`opsh RUNBOOK [OPTIONS]`: plans. RUNBOOK is a file, or the name of one in the"
    .. " folders of runbooks.\nTakes all shared options, its own params, and:"
  table_of(lines, { "option", "" }, option_rows(options.ladder))
  for _, command in ipairs(program.commands) do
    local line = program.declaration(command.name)
    command_of(lines, line)
    for _, action in ipairs(command.actions or {}) do
      local own = program.declaration(command.name, { action })
      if own.program ~= line.program then command_of(lines, own) end
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- A function as it is called: "http.get(url, options?)".
local function signature(member)
  if not member.args then return member.name end
  local args = {}
  for at, arg in ipairs(member.args) do
    local param = member.params[arg]
    args[at] = arg .. (param and param.optional and "?" or "")
  end
  return ("%s(%s)"):format(member.name, table.concat(args, ", "))
end

--- Pages of the manual that it names are links, from the folder of the reference.
local function prose(doc)
  local text = escaped(table.concat(doc, " "):gsub("%s+", " "))
  return (text:gsub("docs/(%S-%.md)", "[%1](../%1)"))
end

--- A function: how it is called, what it does, and what it takes and gives, by type.
local function called(lines, member)
  local text = prose(member.doc)
  lines[#lines + 1] = ("\n**%s**%s"):format(code(signature(member)), text ~= "" and ": " .. text or "")
  local before = #lines
  for _, arg in ipairs(member.args or {}) do
    local param = member.params[arg]
    if param then
      local said = param.text ~= "" and ": " .. escaped(param.text) or ""
      lines[#lines + 1] = ("- `%s` %s%s"):format(arg, code(param.type), said)
    end
  end
  for _, given in ipairs(member.returns) do
    local said = given.text ~= "" and ": " .. escaped(given.text) or ""
    lines[#lines + 1] = ("- gives %s%s"):format(code(given.type), said)
  end
  if member.type then lines[#lines + 1] = ("- %s"):format(code(member.type)) end
  if #lines > before then lines[before + 1] = "\n" .. lines[before + 1] end
end

local function members_of(lines, members)
  local rows = {}
  for _, member in ipairs(members) do
    if not member.args and member.type and not member.name:find("%.") then
      local name = code_cell(member.name .. (member.optional and "?" or ""))
      rows[#rows + 1] = { name, code_cell(member.type), cell(prose(member.doc)) }
    end
  end
  table_of(lines, { "field", "type", "" }, rows)
  for _, member in ipairs(members) do
    if member.of then
      local text = prose(member.doc) ~= "" and member.doc or member.of.doc
      lines[#lines + 1] = ("\n**%s**: %s"):format(code(member.name), prose(text))
    elseif member.args or member.name:find("%.") then
      called(lines, member)
    end
  end
end

local function class_of(lines, class)
  -- A type that only has a name, which others say.
  if #class.doc == 0 and #class.members == 0 and not class.alias then return end
  lines[#lines + 1] = ("\n### %s"):format(class.name)
  local text = prose(class.doc)
  if text ~= "" then lines[#lines + 1] = "\n" .. text end
  if class.parent then lines[#lines + 1] = ("\nHas all of %s."):format(code(class.parent)) end
  if class.alias then lines[#lines + 1] = ("\nOne of %s."):format(code(class.alias)) end
  members_of(lines, class.members)
end

local function module_of(lines, described)
  lines[#lines + 1] = ("\n## %s\n\n`require(%q)`"):format(described.name, described.name)
  local module = described.module
  if module then
    if #module.doc > 0 then lines[#lines + 1] = "\n" .. prose(module.doc) end
    members_of(lines, module.members)
  end
  if described.call then called(lines, described.call) end
  for _, class in ipairs(described.classes) do
    if class ~= module then class_of(lines, class) end
  end
end

local function modules()
  local lines = {
    made_by,
    "# Modules and types\n",
    "What a runbook and its test may require, as editors know it: `opsh init` writes the same types beside a\n"
      .. "team's runbooks. `?` marks what may be left out. [runbook.md](../runbook.md) explains what the keys of\n"
      .. "a runbook do, with examples.\n",
  }
  local files = house.types()
  local found = {}
  for _, path in ipairs(sorted_names(files)) do
    found[#found + 1] = types.read(files[path])
  end
  for _, described in ipairs(found) do
    lines[#lines + 1] = ("- [%s](#%s)"):format(described.name, (described.name:gsub("%.", "")))
  end
  for _, described in ipairs(found) do
    module_of(lines, described)
  end
  return table.concat(lines, "\n") .. "\n"
end

--- The pages, in English, by the name of their file.
---@return table<string, string>
function M.pages()
  lang.use("en")
  return { ["commands.md"] = commands(), ["api.md"] = modules() }
end

return M
