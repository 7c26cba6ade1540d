--- What opsh as a program takes: its commands, its own options, and the declaration of each command.
local arguments = require("opsh.host.commands.arguments")
local config = require("opsh.host.config")
local lang = require("opsh.host.lang")
local options = require("opsh.host.options")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

--- Each is a module opsh.host.commands.<name>; a word that is none of them is a runbook's path. `actions` are words
--- that may follow.
M.commands = {
  {
    name = "runs",
    actions = { "prune" },
    help = "List the runs that the target's ledger knows; prune drops old journals.",
  },
  { name = "show", help = "Show one run: its steps, batches and what was left out." },
  { name = "resume", help = "Go on with a run that was stopped part-way." },
  { name = "plans", actions = { "show" }, help = "List the plans that an apply is compared with, or show one again." },
  { name = "report", help = "Make the report files of a run again." },
  { name = "watch", help = "Run the checks of a run again for some hours; end with the first that fails." },
  { name = "undo", help = "Take back what a run changed; without --apply, say what that would be." },
  {
    name = "backup",
    actions = { "list", "prune" },
    help = "Make a backup and show what it is worth; list those that there are, prune old ones.",
  },
  { name = "certify", help = "Show more of a dump: that it reads, that it restores, that it is what there was." },
  { name = "restore", help = "Put a backup in its database's place; without --apply, say what that would be." },
  { name = "audit", actions = { "verify", "show" }, help = "Verify the audit logs of runs, or show one." },
  { name = "repl", help = "Read Lua and SQL line by line, also with a runbook at hand; opsh alone does it." },
  { name = "doctor", help = "Say whether opsh can work here, and what to do about what is not right." },
  {
    name = "sandbox",
    actions = { "start", "stop", "status", "psql", "clean" },
    help = "Start, stop or show a throw-away PostgreSQL.",
  },
  { name = "schema", help = "Print the DDL of the schema opsh that the ledger lives in." },
  { name = "lint", help = "Say what is wrong in runbooks, before a database sees them." },
  {
    name = "init",
    module = "initialize", -- init.lua would be the module of its folder
    help = "Make a folder ready for runbooks: configuration, editor settings, a first runbook.",
  },
  { name = "new", help = "Write a runbook with its fixture and its test." },
  { name = "list", help = "List the runbooks that there are, with their params and last runs." },
  { name = "doc", help = "Print a runbook's checklist as Markdown." },
  { name = "test", help = "Run tests written in Lua." },
  { name = "completion", actions = { "bash", "zsh" }, help = "Print what completes opsh's words in bash or zsh." },
  { name = "manual", help = "Print a manual page for man." },
}

--- The command of this name.
function M.named(word)
  for _, command in ipairs(M.commands) do
    if command.name == word then return command end
  end
end

local function overview()
  local widest = 0
  for _, command in ipairs(M.commands) do
    widest = math.max(widest, #command.name)
  end
  local lines = { lang.text("commands:") }
  for _, command in ipairs(M.commands) do
    lines[#lines + 1] = ("  %s  %s"):format(text.pad_right(command.name, widest), lang.text(command.help))
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = lang.text(
    "opsh RUNBOOK plans and changes nothing; opsh RUNBOOK --simulate does it all in one transaction\n"
      .. "and rolls it back; opsh RUNBOOK --rehearse does and undoes it all in a restored backup;\n"
      .. "opsh RUNBOOK --apply does what was planned.\n"
      .. "opsh RUNBOOK --help shows the runbook's own parameters."
  )
  return table.concat(lines, "\n")
end

--- What may stand before a command or runbook.
function M.line()
  return {
    program = "opsh",
    description = "An operations shell for PostgreSQL: plan, apply and prove changes to production data. "
      .. "The manual is share/doc/opsh/README.md below where opsh is installed, as in /usr.",
    options = options.join({ options.evaluate, options.command }, options.declared, options.host, { options.version }),
    positionals = { { name = "RUNBOOK | COMMAND", help = "A runbook's file, or one of the commands below." } },
    footer = overview(),
    stop_at_first_word = true,
    later = options.names(options.ladder),
  }
end

--- What a command or runbook takes.
---@param word string
---@param rest? string[] words behind it, as "prune" behind "backup"
---@return table|nil line of cli.parse; nothing when the word is neither
function M.declaration(word, rest)
  local command = M.named(word)
  if command then
    return arguments.declaration(require("opsh.host.commands." .. (command.module or command.name)), {}, rest or {})
  end
  local path = (word:find("[/.]") or system.file_kind(word)) and word or config.find_runbook(word)
  return path and arguments.declaration(require("opsh.host.commands.run"), {}, path, rest or {})
end

return M
