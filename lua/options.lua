--- The options of opsh itself, and those of the ladder: declared once, for parsing, help and reserved names.
local errors = require("opsh.host.errors")

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
  { name = "keep", help = "Leave the server that --sandbox starts running afterwards.", group = "target" },
  { name = "json", help = "Print one JSON document instead of text.", group = "output" },
  { name = "quiet", letter = "q", help = "Print results and errors only.", group = "output" },
  { name = "verbose", letter = "v", help = "Also print what opsh does, for finding faults.", group = "output" },
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

M.version = { name = "version", help = "Show the version of opsh.", group = "output" }

M.reason = {
  name = "reason",
  value = "TEXT",
  help = "Why; it is recorded with the run, for those who ask later.",
  group = "ladder",
}

--- Why, as it was given.
---@param given table<string, string[]>
---@return string|nil
function M.reason_of(given)
  local reason = given.reason and given.reason[1]
  if reason == "" then errors.raise("usage.value", "--reason is empty", "say why, or leave it out") end
  return reason
end

-- Behind a runbook.
M.ladder = {
  { name = "apply", help = "Do what the plan says, batch by batch, each exactly once.", group = "ladder" },
  { name = "sample", value = "N", help = "Show this many items of each step.", default_text = "5", group = "ladder" },
  M.reason,
}

--- The names that a runbook's param cannot have.
---@return table<string, boolean>
function M.taken()
  local taken = { version = true }
  for _, list in ipairs({ M.host, M.ladder }) do
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
