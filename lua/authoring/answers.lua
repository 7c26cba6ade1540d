--- What `opsh new` takes, and asks for on a terminal.
local errors = require("opsh.host.errors")
local input = require("opsh.native.input")
local lang = require("opsh.host.lang")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

M.kinds = { "backfill", "relink", "quarantine", "delete", "schema" }

--- The options that say it.
M.options = {
  {
    name = "kind",
    value = "KIND",
    choices = M.kinds,
    help = "What it does: fill a column, relink rows, put rows into quarantine, delete rows, add a column.",
    group = "runbook",
  },
  { name = "table", value = "TABLE", help = "The table that it is about.", group = "runbook" },
  {
    name = "key",
    value = "COLUMNS",
    help = "What its rows are found by: a column, or several with commas.",
    default_text = "the primary key",
    group = "runbook",
  },
  {
    name = "column",
    value = "COLUMN",
    help = "The column to fill, to relink or to add; also with its type: 'total numeric'.",
    group = "runbook",
  },
  { name = "set", value = "SQL", help = "What the column gets, as SQL over its row.", group = "runbook" },
  { name = "where", value = "SQL", help = "Which rows are meant; :name makes a param.", group = "runbook" },
  { name = "references", value = "TABLE", help = "The table that the column refers to.", group = "runbook" },
  {
    name = "match",
    value = "COLUMN",
    help = "By what rows of the two belong together: a column of both, or THIS=THAT.",
    group = "runbook",
  },
  {
    name = "archive",
    value = "TABLE",
    help = "Where rows are copied to before they are deleted, or recorded in quarantine.",
    default_text = "TABLE_archive, TABLE_quarantine",
    group = "runbook",
  },
}

-- What is asked for, in this order, with an example.
local questions = {
  { name = "kind", ask = "kind (backfill, relink, quarantine, delete, schema): ", example = "--kind backfill" },
  { name = "table", ask = "table: ", example = "--table customer" },
  { name = "column", ask = "column: ", example = "--column email" },
  { name = "set", ask = "what it gets, as SQL: ", example = "--set 'lower(email)'" },
  { name = "where", ask = "which rows, as SQL: ", example = "--where 'expires_at < :before'" },
  { name = "references", ask = "the table that it refers to: ", example = "--references customer" },
  { name = "match", ask = "the column by which rows of the two belong together: ", example = "--match email" },
}

local function can_ask() return system.terminal(0).terminal and system.terminal(2).terminal end

local function ask(question)
  system.write_error(lang.text(question.ask))
  local given = input.line()
  given = given and given:match("^%s*(.-)%s*$")
  return given ~= "" and given or nil
end

--- The needed one, given or asked for.
local function need(given, question, name)
  if given[question.name] == nil and can_ask() then given[question.name] = ask(question) end
  if given[question.name] ~= nil then return given[question.name] end
  errors.raise(
    "usage.missing",
    ("opsh new %s needs --%s"):format(name, question.name),
    ("as in %s; on a terminal it asks"):format(question.example)
  )
end

local function require_known_kind(kind)
  for _, known in ipairs(M.kinds) do
    if known == kind then return end
  end
  local meant = text.nearest(kind, M.kinds)
  errors.raise(
    "usage.value",
    ("there is no kind %s"):format(kind),
    meant and ("did you mean %s?"):format(meant) or "there are " .. table.concat(M.kinds, ", ")
  )
end

local function includes(list, wanted)
  for _, name in ipairs(list) do
    if name == wanted then return true end
  end
  return false
end

--- The answers by name; refuses what the kind has no use for.
---@param values table<string, string[]> options
---@param runbook string its name
---@return table<string, string> given
---@return table kind module of opsh.host.authoring.kinds
function M.read(values, runbook)
  local given = {}
  for _, option in ipairs(M.options) do
    given[option.name] = values[option.name] and values[option.name][1]
    if given[option.name] == "" then
      errors.raise("usage.value", ("--%s is empty"):format(option.name), "leave it out, or say what it is")
    end
  end
  local kind = need(given, questions[1], runbook)
  require_known_kind(kind)
  need(given, questions[2], runbook)
  local made = require("opsh.host.authoring.kinds." .. kind)
  for at = 3, #questions do
    local name = questions[at].name
    if includes(made.needs, name) then
      need(given, questions[at], runbook)
    elseif given[name] and not includes(made.takes, name) then
      errors.raise("usage.option", ("--%s is not for --kind %s"):format(name, kind), "leave it out")
    end
  end
  if given.archive and not includes(made.takes, "archive") then
    errors.raise("usage.option", ("--archive is not for --kind %s"):format(kind), "leave it out")
  end
  return given, made
end

return M
