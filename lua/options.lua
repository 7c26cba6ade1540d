--- The options of opsh itself, and those of the ladder: declared once, for parsing, help and reserved names.
local errors = require("opsh.host.errors")
local lang = require("opsh.host.lang")
local secrets = require("opsh.native.secrets")

local M = {}

-- May stand before or after the runbook or command.
M.host = {
  {
    name = "db",
    value = "CONNINFO",
    help = 'Connect to this database (libpq: "dbname=x host=y" or a URI).',
    group = "target",
  },
  { name = "target", value = "NAME", help = "Connect to a target of opsh.config.lua.", group = "target" },
  {
    name = "sandbox",
    value = "FILE.sql",
    value_optional = true,
    group = "target",
    help = "Use a throw-away PostgreSQL loaded with FILE.sql; without a file, the one of opsh sandbox start.",
  },
  { name = "keep", help = "Leave the server of --sandbox or --rehearse running afterwards.", group = "target" },
  {
    name = "insecure",
    value = "REASON",
    help = "Allow a network connection below sslmode=verify-full; why is recorded.",
    group = "target",
  },
  { name = "json", help = "Print one JSON document instead of text.", group = "output" },
  { name = "quiet", letter = "q", help = "Print results and errors only.", group = "output" },
  { name = "verbose", letter = "v", help = "Also print what opsh does, for finding faults.", group = "output" },
  {
    name = "lang",
    value = "LANGUAGE",
    choices = lang.languages,
    help = "Speak this language; else that of opsh.config.lua, or of LC_ALL, LC_MESSAGES or LANG.",
    group = "output",
  },
  { name = "no-color", help = "Print without colours; so does NO_COLOR.", group = "output" },
  {
    name = "statement-timeout",
    value = "SECONDS",
    help = "Longest time for one statement.",
    default_text = "1800",
    group = "limits",
  },
  {
    name = "lock-timeout",
    value = "SECONDS",
    help = "Longest wait for a lock; then the batch is tried again.",
    default_text = "5",
    group = "limits",
  },
  {
    name = "script-timeout",
    value = "SECONDS",
    help = "Longest time of the processor that a script may run without calling opsh.",
    default_text = "60",
    group = "limits",
  },
  {
    name = "script-memory",
    value = "MB",
    help = "Most memory for a script and what it reads.",
    default_text = "512",
    group = "limits",
  },
  {
    name = "error-detail",
    help = "Also print what of an error may hold row values, when it goes to a file or a pipe.",
    group = "output",
  },
  { name = "help", letter = "h", help = "Show this help.", group = "output" },
}

--- For commands that connect to nothing.
function M.plain()
  local plain = {}
  for _, option in ipairs(M.host) do
    if option.group == "output" then plain[#plain + 1] = option end
  end
  return plain
end

--- Of opsh without a runbook or command.
M.evaluate = {
  name = "evaluate",
  letter = "e",
  value = "CHUNK",
  list = true,
  help = "Run Lua, or SQL that ends in a semicolon, and print what it gives. Reads only.",
}

M.command = {
  name = "command",
  letter = "c",
  value = "SQL",
  list = true,
  help = "Run SQL, or a command of the prompt, and print what it gives. Reads only.",
}

-- Of the prompt. What a person there answers for, as a runbook does by the fields of the first two's names.
M.declared = {
  {
    name = "function",
    value = "SCHEMA.NAME",
    list = true,
    help = "Let statements call this function: it only reads.",
    group = "prompt",
  },
  {
    name = "foreign-table",
    value = "SCHEMA.NAME",
    list = true,
    help = "Let statements read this foreign table.",
    group = "prompt",
  },
  { name = "csv", help = "Print rows as CSV, all of them.", group = "prompt" },
}

M.version = { name = "version", help = "Show the version of opsh.", group = "output" }

M.reason = {
  name = "reason",
  value = "TEXT",
  help = "Why; it is recorded with the run, for those who ask later.",
  group = "ladder",
}

M.confirm = {
  name = "confirm",
  value = "DATABASE",
  help = "The database's name, to write into a protected target without being asked.",
  group = "ladder",
}

M.output = {
  name = "output",
  value = "DIR",
  help = "Let the report files begin in this folder.",
  default_text = "the working directory",
  group = "ladder",
}

M.answers = {
  name = "answers",
  value = "FILE",
  help = "What was answered to manual steps: Lua data or JSON, by the names of the steps.",
  group = "ladder",
}

M.budgets = {
  {
    name = "max-rows",
    value = "N",
    help = "Stop before this run has changed more rows; may only lower the target's budget.",
    group = "ladder",
  },
  {
    name = "max-seconds",
    value = "N",
    help = "Begin no batch after this time; may only lower the target's budget.",
    group = "ladder",
  },
  {
    name = "batch",
    value = "N",
    help = "Put at most N items into a batch; an atomic step stays one.",
    group = "ladder",
  },
}

--- How many sessions --jobs asks for.
---@param given table<string, string[]>
---@return integer|nil
function M.jobs_of(given)
  local value = given.jobs and given.jobs[1]
  local number = tonumber(value)
  if not value or number and number >= 1 and number <= 64 and number % 1 == 0 then return number end
  errors.raise("usage.value", ("--jobs wants a number from 1 to 64, not %q"):format(value))
end

--- Why, as it was given, without secrets that are known: it goes into the ledger.
---@param given table<string, string[]>
---@return string|nil
function M.reason_of(given)
  local reason = given.reason and given.reason[1]
  if reason == "" then errors.raise("usage.value", "--reason is empty", "say why, or leave it out") end
  return reason and secrets.redacted(reason)
end

M.scratch = {
  name = "scratch",
  value = "CONNINFO",
  help = "Try the backup on this server, in a database of its own; without it, in a throw-away server.",
  group = "backup",
}

-- What an apply is to have in hand before its first write.
M.backup = {
  {
    name = "backup",
    value = "FILE|now",
    help = "The backup for --apply or --rehearse: a dump or its certificate, or one that is made now.",
    default_text = "the newest that fits",
    group = "backup",
  },
  { name = "no-backup", help = "With --apply: none; not on a protected target. It is recorded.", group = "backup" },
  M.scratch,
}

-- Of the prompt, for \write: what an apply takes, under the same names.
for _, option in ipairs({
  { name = "backup", value = "FILE|now", help = "The backup that \\write relies on." },
  { name = "no-backup", help = "\\write without a backup; not on a protected target. It is recorded, with --reason." },
  { name = "reason", value = "TEXT", help = "Why \\write changes something, unless it says it itself." },
  { name = "confirm", value = "DATABASE", help = "The database's name, for \\write and \\commit without a question." },
  { name = "max-rows", value = "N", help = "The most rows that a \\write may change; may only lower the budget." },
  { name = "max-seconds", value = "N", help = "No statement of a \\write after this time; may only lower the budget." },
}) do
  option.group = "prompt"
  table.insert(M.declared, option)
end

-- Behind a runbook.
M.ladder = {
  { name = "apply", help = "Do what the plan says, batch by batch, each exactly once.", group = "ladder" },
  {
    name = "simulate",
    value = "N",
    value_optional = true,
    help = "Do it all in one transaction that is always rolled back; the first 10000 items, N, or =all.",
    group = "ladder",
  },
  {
    name = "rehearse",
    help = "Restore the backup into a scratch database, and really apply, check and undo there.",
    group = "ladder",
  },
  {
    name = "interactive",
    help = "Plan, and stop at a prompt with that plan; \\apply there applies it, with the options of --apply.",
    group = "ladder",
  },
  { name = "sample", value = "N", help = "Show this many items of each step.", default_text = "5", group = "ladder" },
  {
    name = "plan",
    value = "ID",
    help = "With --apply: what this plan says, or nothing; without it, the newest plan is compared.",
    group = "ladder",
  },
  {
    name = "detailed-exitcode",
    help = "Exit with 10 instead of 0 when the plan has something to do.",
    group = "ladder",
  },
  M.output,
  M.reason,
  M.confirm,
  M.answers,
  M.budgets[1],
  M.budgets[2],
  M.budgets[3],
  M.backup[1],
  M.backup[2],
  M.backup[3],
}

--- The names that a runbook's param cannot have.
---@return table<string, boolean>
function M.taken()
  local taken = { version = true }
  for _, list in ipairs({ M.host, M.ladder, M.declared }) do
    for _, option in ipairs(list) do
      taken[option.name] = true
    end
  end
  return taken
end

--- Several lists of options as one.
function M.join(...)
  local all = {}
  for _, list in ipairs({ ... }) do
    for _, option in ipairs(list) do
      all[#all + 1] = option
    end
  end
  return all
end

function M.names(list)
  local names = {}
  for at, option in ipairs(list) do
    names[at] = option.name
  end
  return names
end

return M
