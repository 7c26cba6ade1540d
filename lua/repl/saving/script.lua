--- The text of a saved runbook.
local statement = require("opsh.host.repl.saving.statement")

local M = {}

-- What a line of Lua may have.
local most_columns = 120

--- A text as Lua has it.
function M.quoted(text)
  local made = text:gsub('[%c\\"]', function(sign)
    local short = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\t"] = "\\t" }
    return short[sign] or ("\\%03d"):format(sign:byte())
  end)
  -- As formatters have it: the quotes that spare a backslash.
  if text:find('"', 1, true) and not text:find("['%c\\]") then return "'" .. text .. "'" end
  return '"' .. made .. '"'
end

--- A table's name for people: that it is in public goes without saying.
---@param name string as SQL
function M.short(name) return (name:gsub("^public%.", "")) end

--- A field of the runbook with a text, over as many lines as it takes.
local function field(name, text)
  local line = ("  %s = %s,"):format(name, M.quoted(text))
  if #line <= most_columns then return line end
  local pieces, rest = {}, text
  while #rest > most_columns - 20 do
    local stop = rest:sub(1, most_columns - 20):match("^.*()%s") or most_columns - 20
    pieces[#pieces + 1], rest = M.quoted(rest:sub(1, stop)), rest:sub(stop + 1)
  end
  pieces[#pieces + 1] = M.quoted(rest)
  return ("  %s = %s,"):format(name, table.concat(pieces, "\n    .. "))
end

--- SQL as a long string, its lines behind a margin.
local function block(text, margin)
  local level = ""
  while text:find("]" .. level .. "]", 1, true) do
    level = level .. "="
  end
  local lines, fixed = statement.lines(text)
  local parts = {}
  for at, line in ipairs(lines) do
    parts[at] = (fixed or line == "") and line or margin .. line
  end
  return ("[%s[\n%s\n%s]%s]"):format(level, table.concat(parts, "\n"), fixed and "" or margin:sub(3), level)
end

local function value_text(value)
  if type(value) == "string" then return M.quoted(value) end
  if type(value) ~= "table" then return type(value) == "number" and ("%.17g"):format(value) or tostring(value) end
  local list = {}
  for at, element in ipairs(value) do
    list[at] = value_text(element)
  end
  return "{ " .. table.concat(list, ", ") .. " }"
end

--- A list of values over as many lines as it takes.
local function list_text(values, margin)
  local lines, line = {}, margin .. " "
  for _, value in ipairs(values) do
    local piece = " " .. value_text(value) .. ","
    if #line + #piece > most_columns and #line > #margin + 1 then
      lines[#lines + 1], line = line, margin .. " "
    end
    line = line .. piece
  end
  lines[#lines + 1] = line
  local one = "{" .. lines[1]:sub(#margin + 2, -2) .. " }"
  if #lines == 1 and #one + #margin < most_columns - 20 then return one end
  return "{\n" .. table.concat(lines, "\n") .. "\n" .. margin .. "}"
end

local function params(lines, list)
  if #list == 0 then return end
  lines[#lines + 1] = "  params = {"
  for _, param in ipairs(list) do
    local parts = { ('type = "%s"'):format(param.type) }
    if param.list then parts[#parts + 1] = "list = true" end
    if param.value ~= nil then parts[#parts + 1] = "default = " .. value_text(param.value) end
    parts[#parts + 1] = 'help = "What it was at the prompt is its default."'
    local line = ("    %s = { %s },"):format(param.name, table.concat(parts, ", "))
    if #line <= most_columns then
      lines[#lines + 1] = line
    else
      lines[#lines + 1] = ("    %s = {"):format(param.name)
      for _, part in ipairs(parts) do
        lines[#lines + 1] = "      " .. part .. ","
      end
      lines[#lines + 1] = "    },"
    end
  end
  lines[#lines + 1] = "  },"
end

local function names_text(list)
  local parts = {}
  for at, name in ipairs(list) do
    parts[at] = M.quoted(name)
  end
  return table.concat(parts, ", ")
end

--- What the plan is: a query, or one with the keys of rows that were picked.
local function head(lines, subject)
  if not subject.picked then
    lines[#lines + 1] = ("local suspects = %s"):format(block(subject.sql, "  "))
    return
  end
  lines[#lines + 1] = "-- Rows that were picked at the prompt, by their keys."
  if #subject.picked == 1 then
    lines[#lines + 1] = "local picked = " .. list_text(subject.picked[1].values, "")
  else
    lines[#lines + 1] = "local picked = {"
    for _, list in ipairs(subject.picked) do
      lines[#lines + 1] = ("  %s = %s,"):format(list.name, list_text(list.values, "  "))
    end
    lines[#lines + 1] = "}"
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("local suspects = %s"):format(block(subject.sql, "  "))
end

--- The values that the plan's query takes beside the params.
local function given_to(subject)
  if not subject.picked then return nil end
  return #subject.picked == 1 and "{ picked = picked }" or "picked"
end

--- A call, on one line where it fits.
local function call(name, arguments)
  local line = ("        %s(%s)"):format(name, table.concat(arguments, ", "))
  if #line <= most_columns then return line end
  return ("        %s(\n          %s\n        )"):format(name, table.concat(arguments, ",\n          "))
end

--- The fields of a table, on one line where they fit.
---@param before string the line up to its brace
---@param fields string[]
---@param behind string from the closing brace on
---@return string
function M.listed(before, fields, behind)
  local line = ("%s %s %s"):format(before, table.concat(fields, ", "), behind)
  if #line <= most_columns then return line end
  local margin = before:match("^%s*")
  return ("%s\n%s  %s,\n%s%s"):format(before, margin, table.concat(fields, (",\n%s  "):format(margin)), margin, behind)
end

local function apply(lines, statements)
  local labels = {}
  lines[#lines + 1] = "      apply = function(tx)"
  for at, each in ipairs(statements) do
    labels[at] = ("%s = %s"):format(each.label, each.label)
    lines[#lines + 1] = ("        local %s = tx:exec(%s)"):format(each.label, block(each.sql, "          "))
  end
  lines[#lines + 1] = M.listed("        return {", labels, "}")
  lines[#lines + 1] = "      end,"
end

local function verify(lines, parts)
  local checks = {}
  for _, each in ipairs(parts.statements) do
    if each.checked then
      local expected = parts.subject.recheck and "ctx.planned.items - ctx.done.skipped" or "ctx.planned.items"
      local name = M.quoted(("rows of %s %s"):format(M.short(each.table), each.verb))
      checks[#checks + 1] = call("check:equal", { name, "ctx.done.counts." .. each.label, expected })
    end
  end
  if parts.none then
    local given = given_to(parts.subject)
    checks[#checks + 1] = ('        check:none("rows that the plan still finds", suspects%s)'):format(
      given and ", " .. given or ""
    )
  end
  if #checks == 0 then return end
  local uses_ctx = parts.statements[1].checked or #checks > 1 or not parts.none
  lines[#lines + 1] = ("      verify = function(check%s)"):format(uses_ctx and ", ctx" or "")
  for _, check in ipairs(checks) do
    lines[#lines + 1] = check
  end
  lines[#lines + 1] = "      end,"
end

--- The text of a runbook.
---@param parts { title: string, description: string, subject: table, statements: table[], writes: string[], redact:
--- string[], functions: string[], none: boolean } `none`: the plan finds nothing when it is done
---@return string
function M.of(parts)
  local subject, lines = parts.subject, { 'local runbook = require("opsh.runbook")', "" }
  head(lines, subject)
  local key = #subject.key == 1 and M.quoted(subject.key[1]) or "{ " .. names_text(subject.key) .. " }"
  for _, line in ipairs({
    "",
    "return runbook({",
    field("title", parts.title),
    field("description", parts.description),
  }) do
    lines[#lines + 1] = line
  end
  params(lines, subject.values.list)
  if #parts.redact > 0 then lines[#lines + 1] = ("  redact = { %s },"):format(names_text(parts.redact)) end
  if #parts.functions > 0 then
    lines[#lines + 1] = ("  functions = { %s },"):format(names_text(parts.functions))
  end
  for _, line in ipairs({
    "  steps = {",
    "    {",
    ("      name = %s,"):format(M.quoted(parts.step)),
    subject.picked and ("      plan = function() return suspects, %s end,"):format(given_to(subject))
      or "      plan = suspects,",
    ("      key = %s,"):format(key),
    ("      writes = { %s },"):format(names_text(parts.writes)),
  }) do
    lines[#lines + 1] = line
  end
  if subject.recheck then
    lines[#lines + 1] = "      -- Somebody may have mended a row since the plan."
    lines[#lines + 1] = ("      recheck = %s,"):format(block(subject.recheck, "        "))
  end
  apply(lines, parts.statements)
  verify(lines, parts)
  lines[#lines + 1] = "    },"
  lines[#lines + 1] = "  },"
  lines[#lines + 1] = "})"
  return table.concat(lines, "\n") .. "\n"
end

return M
