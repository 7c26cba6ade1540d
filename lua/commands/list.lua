--- `opsh list [PATHS]`: the team's runbooks with their params, steps and last runs.
local arguments = require("opsh.host.commands.arguments")
local config = require("opsh.host.config")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local made_files = require("opsh.host.authoring.made")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local report = require("opsh.native.report")
local runbooks = require("opsh.host.authoring.runbooks")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local null = json.decode("null")
local _, array = json.metatables()

local function ordered(keys, fields)
  for _, key in ipairs(keys) do
    if fields[key] == nil then fields[key] = null end
  end
  return setmetatable(fields, { __columns = keys })
end

local function list_of(items, as)
  local list = {}
  for at, item in ipairs(items or {}) do
    list[at] = as and as(item) or item
  end
  return setmetatable(list, array)
end

local function param_of(param)
  return ordered({ "name", "option", "type", "required", "default", "list", "choices", "secret", "help" }, {
    name = param.name,
    option = "--" .. params.option_name(param.name),
    type = param.type,
    required = param.required or false,
    default = type(param.default) == "table" and list_of(param.default) or param.default,
    list = param.list or false,
    choices = param.choices and list_of(param.choices),
    secret = param.secret or false,
    help = param.help,
  })
end

local function step_of(step)
  local writes = list_of(step.writes, function(written) return written.name end)
  return ordered({ "name", "kind", "when", "writes" }, {
    name = step.name,
    kind = step.schema and "schema" or step.kind,
    when = step.when,
    writes = writes,
  })
end

local function document(found, last)
  return list_of(found, function(entry)
    local runbook, err = entry.runbook, entry.err
    local run = runbook and last[entry.real_path]
    return ordered({ "path", "title", "description", "params", "steps", "last_run", "error" }, {
      path = entry.path,
      title = runbook and runbook.title,
      description = runbook and runbook.description,
      params = runbook and list_of(runbook.params, param_of),
      steps = runbook and list_of(runbook.steps, step_of),
      last_run = run and ordered({ "id", "state", "started" }, run),
      error = err
        and ordered({ "kind", "message", "hint", "where" }, {
          kind = err.kind,
          message = err.message,
          hint = err.hint ~= "" and err.hint or nil,
          where = err.where ~= "" and err.where or nil,
        }),
    })
  end)
end

-- Of a runbook with more params so many are shown, those that must be given first.
local most_params = 4

--- "--before* --limit +3"
local function params_text(runbook)
  local required, others = {}, {}
  for _, param in ipairs(runbook.params) do
    local list = param.required and required or others
    list[#list + 1] = ("--%s%s"):format(params.option_name(param.name), param.required and "*" or "")
  end
  local words, most = required, math.max(most_params, #required)
  for _, word in ipairs(others) do
    if #words < most then words[#words + 1] = word end
  end
  local more = #runbook.params - #words
  return table.concat(words, " ") .. (more > 0 and (" +%d"):format(more) or "")
end

local function last_text(run)
  if not run then return lang.text("never") end
  return lang.format("%s, %s", run.started:sub(1, 16), lang.text(run.state))
end

local function rows_of(found, last)
  local rows, has_required = {}, false
  for _, entry in ipairs(found) do
    local runbook = entry.runbook
    if runbook then
      local named = params_text(runbook)
      has_required = has_required or named:find("*", 1, true) ~= nil
      rows[#rows + 1] = {
        entry.path,
        text.printable(lang.message(runbook.title)),
        named,
        report.number(#runbook.steps),
        last_text(last[entry.real_path]),
      }
    end
  end
  return rows, has_required
end

local columns = {
  { title = "runbook" },
  { title = "title" },
  { title = "params" },
  { title = "steps", right = true },
  { title = "last run (UTC)" },
}

--- On a narrow terminal a table would cut what people look for: there each runbook has lines of its own.
local function narrow(rows)
  local parts = {}
  for _, row in ipairs(rows) do
    parts[#parts + 1] = ("%s\n  %s\n"):format(row[1], row[2])
    if row[3] ~= "" then parts[#parts + 1] = ("  %s\n"):format(row[3]) end
    parts[#parts + 1] = lang.format("  last run  %s\n", row[5])
  end
  return table.concat(parts)
end

local function widest(rows)
  local total = 0
  for at in ipairs(columns) do
    local width = 0
    for _, row in ipairs(rows) do
      width = math.max(width, text.width(row[at]))
    end
    total = total + width + 2
  end
  return total
end

local function broken(found)
  local parts = {}
  for _, entry in ipairs(found) do
    local err = entry.err
    if err then
      parts[#parts + 1] = lang.format("%s does not load\n", entry.path)
      local where = err.where and err.where ~= "" and err.where .. ": " or ""
      parts[#parts + 1] = ("  %s%s\n"):format(where, text.printable(lang.message(err.message)))
      local hint = err.hint ~= "" and err.hint
      if hint then parts[#parts + 1] = ("  %s\n"):format(text.printable(lang.message(hint))) end
    end
  end
  return table.concat(parts)
end

local function render(out, found, last)
  if #found == 0 then
    return lang.text("no runbooks here; opsh init makes a folder for them, opsh new NAME writes one\n")
  end
  local rows, has_required = rows_of(found, last)
  local parts = {}
  if #rows > 0 then
    parts[1] = out.width > 0 and widest(rows) > out.width and narrow(rows) or out.table(columns, rows)
  end
  if has_required then parts[#parts + 1] = lang.text("* required\n") end
  return table.concat(parts) .. (#rows > 0 and broken(found) ~= "" and "\n" or "") .. broken(found)
end

--- When each runbook was run last: as this machine knows it; as the ledger does when a target is named.
local function last_runs(place, given)
  if not (given.target or given.db or given.sandbox) then return runbooks.last_runs_here(place.state) end
  local reader = native_db.host_reader(workplace.reading(place.target))
  local ok, found = host.protect(runbooks.last_runs_of, reader)
  reader:close()
  if not ok then error(found, 0) end
  return found
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh list",
    description = "Lists runbooks with their params and last runs. The last runs are those of this machine's state"
      .. " folder; with --target those of the ledger there, whoever ran them.",
    options = options.host,
    positionals = {
      {
        name = "PATH",
        help = "Runbooks, or folders of them; those of opsh.config.lua when none is given.",
        list = true,
      },
    },
  })
  if not given then return 0 end
  local out, place = screen.open(given), workplace.open(given)
  local ok, result = host.protect(function()
    local found = runbooks.find(#words > 0 and words or config.existing_runbook_folders() or {})
    for _, entry in ipairs(found) do
      entry.path = made_files.shown(entry.path)
    end
    local last = last_runs(place, given)
    if out.json then
      out.document(document(found, last))
    else
      out.text(render(out, found, last))
    end
    for _, entry in ipairs(found) do
      if entry.err then return 1 end
    end
    return 0
  end)
  place.close()
  if not ok then error(result, 0) end
  return result
end
