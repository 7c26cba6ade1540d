--- Manual pages (man(7)) of the declarations that the command line is read by.
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local program = require("opsh.host.command_line.program")

local M = {}

local exits = {
  { "0", "Done; also when there was nothing to do, and of a plan that found work." },
  { "1", "The runbook failed, or its script is wrong." },
  { "2", "Usage: an option, a param, the configuration, a file that is not there." },
  { "3", "Cannot connect, or no permission." },
  { "4", "Stopped part-way, or waits for the answer to a manual step; opsh resume goes on." },
  { "5", "Refused by a guard; what was refused was not written." },
  { "6", "A check failed, or an audit log is not what was written." },
  { "7", "In doubt: the message says what to look at." },
  { "8", "Done, but items failed or were left out; opsh show lists them." },
  { "10", "With --detailed-exitcode: the plan has something to do." },
  { "130", "Interrupted before anything was committed." },
}

local environment = {
  { "PGHOST, PGPORT, PGDATABASE, PGUSER, PGSERVICE, ...", "As libpq reads them, where no target is given." },
  { "OPSH_PARAM_NAME, OPSH_PARAM_NAME_FILE", "The value of a runbook's secret param." },
  { "LC_ALL, LC_MESSAGES, LANG", "The language, unless --lang or opsh.config.lua says it." },
  { "NO_COLOR", "No colours." },
  { "PAGER", "What shows long results at the prompt." },
  { "VISUAL, EDITOR", "What \\e of the prompt edits with." },
  { "XDG_STATE_HOME", "Where plans and runs are kept when there is no opsh.config.lua." },
}

local files = {
  { "opsh.config.lua", "Targets and folders, found upward from the working directory." },
  { ".opsh/", "Beside it: plans, runs with their audit logs, backups." },
  { "~/.pgpass, ~/.pg_service.conf", "Passwords and services, as libpq reads them; mode 0600." },
}

--- Text that nothing of is a request, an escape or a dash that may become another one.
local function plain(text)
  local made = text:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (made:gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

local function bold(text) return "\\fB" .. plain(text) .. "\\fR" end

local function italic(text) return "\\fI" .. plain(text) .. "\\fR" end

local function paragraphs(text) return (plain(text):gsub("\n\n+", "\n.PP\n")) end

--- A list of terms with what they mean.
local function list(lines, rows)
  for _, row in ipairs(rows) do
    lines[#lines + 1] = ".TP"
    lines[#lines + 1] = row[1]
    lines[#lines + 1] = row[2]
  end
end

local function section(lines, title) lines[#lines + 1] = ".SH " .. title:upper() end

local function term(option)
  local made = bold((option.negatable and "--[no-]" or "--") .. option.name)
  if option.letter then made = bold("-" .. option.letter) .. ", " .. made end
  if not option.value then return made end
  if option.value_optional then return made .. "[=" .. italic(option.value) .. "]" end
  return made .. " " .. italic(option.value)
end

--- What an option does, with what it takes.
---@return string
function M.meaning(option)
  local notes = {}
  if #(option.choices or {}) > 0 then notes[#notes + 1] = "one of " .. table.concat(option.choices, ", ") end
  if option.default_text and option.default_text ~= "" then notes[#notes + 1] = "default " .. option.default_text end
  if option.required then notes[#notes + 1] = "required" end
  if option.list then notes[#notes + 1] = "may be repeated" end
  local text = option.help or ""
  if #notes > 0 then text = ("%s (%s)"):format(text, table.concat(notes, "; ")) end
  return text
end

--- Options under the headings that help has them under.
local function options(lines, line)
  local groups, rows = {}, {}
  for _, option in ipairs(line.options or {}) do
    local group = option.group or "options"
    if not rows[group] then
      groups[#groups + 1], rows[group] = group, {}
    end
    table.insert(rows[group], { term(option), plain(M.meaning(option)) })
  end
  if #groups == 0 then return end
  section(lines, "options")
  for _, group in ipairs(groups) do
    if group ~= "options" then lines[#lines + 1] = ".SS " .. plain(group) end
    list(lines, rows[group])
  end
end

local function synopsis(line)
  local words = { bold(line.program), "[" .. italic("options") .. "]" }
  for _, positional in ipairs(line.positionals or {}) do
    local word = italic(positional.name) .. (positional.list and " ..." or "")
    words[#words + 1] = positional.required and word or "[" .. word .. "]"
  end
  return table.concat(words, " ")
end

local function first_sentence(text)
  local sentence = text:match("^(.-)%.%s") or text:gsub("%.$", "")
  return sentence:sub(1, 1):lower() .. sentence:sub(2)
end

local function named(rows, write)
  local made = {}
  for at, row in ipairs(rows) do
    made[at] = { write(row[1]), plain(row[2]) }
  end
  return made
end

local function positionals(lines, line)
  local rows = {}
  for at, positional in ipairs(line.positionals or {}) do
    rows[at] = { italic(positional.name), plain(positional.help) }
  end
  if #rows == 0 then return end
  section(lines, "arguments")
  list(lines, rows)
end

local function page_of(name, line)
  local lines = {
    (".TH %s 1 \"\" \"opsh %s\" \"opsh\""):format(name:upper(), host.version()),
    ".nh",
  }
  section(lines, "name")
  lines[#lines + 1] = ("%s \\- %s"):format(plain(name), plain(first_sentence(line.description)))
  section(lines, "synopsis")
  lines[#lines + 1] = synopsis(line)
  section(lines, "description")
  lines[#lines + 1] = paragraphs(line.description)
  return lines
end

local function ended(lines, others)
  section(lines, "see also")
  lines[#lines + 1] = others
  return table.concat(lines, "\n") .. "\n"
end

local function of_program()
  local line = program.line()
  local lines = page_of("opsh", line)
  list(lines, {
    { bold("opsh ") .. italic("RUNBOOK"), "Plans: says what would be done. Writes nothing." },
    { bold("opsh ") .. italic("RUNBOOK") .. bold(" --simulate"), "Does it all in one transaction, and rolls it back." },
    { bold("opsh ") .. italic("RUNBOOK") .. bold(" --rehearse"), "Does and undoes it all in a restored backup." },
    { bold("opsh ") .. italic("RUNBOOK") .. bold(" --apply"), "Does what was planned, in batches, each exactly once." },
    { bold("opsh ") .. italic("RUNBOOK") .. bold(" --help"), "Shows the runbook's own params." },
    { bold("opsh"), "The prompt: SQL and Lua on a session that only reads." },
  })
  section(lines, "commands")
  local rows = {}
  for at, command in ipairs(program.commands) do
    rows[at] = { bold("opsh " .. command.name), plain(command.help) }
  end
  list(lines, rows)
  options(lines, line)
  section(lines, "exit status")
  list(lines, named(exits, bold))
  section(lines, "environment")
  list(lines, named(environment, bold))
  section(lines, "files")
  list(lines, named(files, italic))
  local others = {}
  for at, command in ipairs(program.commands) do
    others[at] = "\\fBopsh\\-" .. command.name .. "\\fR(1)"
  end
  return ended(lines, table.concat(others, ", ") .. ", \\fBpsql\\fR(1)")
end

local function of_command(command)
  local line = program.declaration(command.name)
  local lines = page_of("opsh-" .. command.name, line)
  positionals(lines, line)
  options(lines, line)
  for _, action in ipairs(command.actions or {}) do
    local own = program.declaration(command.name, { action })
    if own.program ~= line.program then
      lines[#lines + 1] = (".SH OPSH %s %s"):format(command.name:upper(), action:upper())
      lines[#lines + 1] = synopsis(own) .. "\n.PP\n" .. paragraphs(own.description)
      local before = #lines
      options(lines, own)
      -- Within the page of the command, not beside its own.
      if lines[before + 1] then lines[before + 1] = ".PP" end
    end
  end
  return ended(lines, "\\fBopsh\\fR(1)")
end

--- The pages that there are: "opsh", and "opsh-NAME" of each command.
---@return string[]
function M.names()
  local names = { "opsh" }
  for _, command in ipairs(program.commands) do
    names[#names + 1] = "opsh-" .. command.name
  end
  return names
end

--- A page, in English.
---@param name string of M.names
---@return string roff
function M.page(name)
  lang.use("en")
  if name == "opsh" then return of_program() end
  return of_command(program.named(name:match("^opsh%-(.*)$")))
end

return M
