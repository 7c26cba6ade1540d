--- What may stand at a place of the command line, for the shells: of the declarations that the words are read by.
local config = require("opsh.host.config")
local host = require("opsh.native.host")
local plans = require("opsh.host.runbook.plans")
local program = require("opsh.host.command_line.program")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

local M = {}

--- What a list is made with: words with what they mean; `files` when names of files may stand there too.
local function list()
  return {
    files = false,
    add = function(self, word, meaning) self[#self + 1] = { word = word, meaning = meaning or "" } end,
  }
end

-- What is named by a positional, or wanted as the value of an option: found without a connection.
local kinds = {}

local function add_files(found) found.files = true end

for _, name in ipairs({ "FILE", "FILE.sql", "DIR", "PATH", "FOLDER", "BACKUP", "FILE|now" }) do
  kinds[name] = add_files
end

function kinds.RUNBOOK(found)
  found.files = true
  local settings, folder = config.load()
  for _, named in ipairs(settings.runbooks) do
    local runbooks = config.resolved(named, folder)
    for _, file in ipairs(system.file_kind(runbooks) == "directory" and system.list(runbooks) or {}) do
      local name = file:match("^([^.].*)%.lua$")
      if name then found:add(name, "runbook") end
    end
  end
end

function kinds.RUN(found)
  local _, folder = config.load()
  local runs = workplace.state_directory(folder) .. "/runs"
  local names = system.file_kind(runs) == "directory" and system.list(runs) or {}
  table.sort(names, function(one, other) return one > other end)
  for at = 1, math.min(#names, 50) do
    found:add(names[at], "run")
  end
end

function kinds.ID(found)
  local settings, folder = config.load()
  for _, plan in ipairs(plans.list(workplace.state_directory(folder), settings.targets)) do
    found:add(plan.id, plan.title)
  end
end

local function add_targets(found)
  for name, target in pairs((config.load()).targets) do
    found:add(name, target.protected and "protected target" or "target")
  end
end

local function add_value(found, option)
  if #(option.choices or {}) > 0 then
    for _, choice in ipairs(option.choices) do
      found:add(choice)
    end
  elseif option.name == "target" then
    add_targets(found)
  elseif kinds[option.value] then
    kinds[option.value](found)
  end
end

--- Options by the words that they are given by.
local function options_of(line)
  local known = {}
  for _, option in ipairs(line.options or {}) do
    known["--" .. option.name] = option
    if option.letter then known["-" .. option.letter] = option end
    if option.negatable then known["--no-" .. option.name] = option end
  end
  return known
end

local function takes_next_word(option) return option and option.value and not option.value_optional end

--- Reads words up to where something is to stand.
---@return table[] positionals the words that are no options, nor values of one
---@return table|nil option whose value is to stand there
---@return table<string, boolean> given names of options
local function read(words, known)
  local positionals, given, open = {}, {}, nil
  for _, word in ipairs(words) do
    local name, value = word:match("^(%-%-?[%w][%w-]*)=?(.*)$")
    if open then
      -- A shell may hand over "=" as a word of its own.
      if word ~= "=" then open = nil end
    elseif name and known[name] then
      given[known[name].name] = true
      open = value == "" and not word:find("=", 1, true) and takes_next_word(known[name]) and known[name] or nil
    else
      positionals[#positionals + 1] = word
    end
  end
  return positionals, open, given
end

local function add_options(found, line, given)
  for _, option in ipairs(line.options or {}) do
    if not given[option.name] or option.list then
      found:add("--" .. option.name, option.help)
      if option.negatable then found:add("--no-" .. option.name, option.help) end
    end
  end
end

local function add_first(found)
  for _, command in ipairs(program.commands) do
    found:add(command.name, command.help)
  end
  kinds.RUNBOOK(found)
end

--- The command or runbook among the words: its declaration, and what stands behind it.
local function behind(words, first)
  local known = options_of(program.line())
  for at, word in ipairs(words) do
    if word == first and #read({ unpack(words, 1, at) }, known) == 1 then
      return { unpack(words, at + 1) }, known
    end
  end
end

--- What may stand at a place of a command: a value, an option, an action, or what its positionals name.
local function add_behind(found, command, words, current)
  local rest, known = behind(words, command)
  local line = program.declaration(command, { rest[1] })
  if not line then return end
  for name, option in pairs(options_of(line)) do
    known[name] = option
  end
  local positionals, open, given = read(rest, known)
  if open then return add_value(found, open) end
  if current:sub(1, 1) == "-" then return add_options(found, line, given) end
  local actions = (program.named(command) or {}).actions or {}
  if #positionals == 0 then
    for _, action in ipairs(actions) do
      found:add(action)
    end
  end
  local declared = line.positionals or {}
  local place = declared[#positionals + 1] or declared[#declared]
  if place and kinds[place.name] and (place.list or declared[#positionals + 1]) then kinds[place.name](found) end
end

local function add_all(found, words, current)
  local line = program.line()
  local positionals, open, given = read(words, options_of(line))
  if open then
    add_value(found, open)
  elseif positionals[1] then
    add_behind(found, positionals[1], words, current)
  elseif current:sub(1, 1) == "-" then
    add_options(found, line, given)
  else
    add_first(found)
  end
end

--- What may stand in the place of the last word.
---@param words string[] behind "opsh", up to the one that is being typed, which may be ""
---@return table found { { word, meaning }..., files = whether names of files may stand there too }
function M.at(words)
  local found, current = list(), words[#words] or ""
  local before = { unpack(words, 1, #words - 1) }
  -- --target=pr, as one word or, from bash, as three.
  local option, begun = current:match("^(%-%-[%w-]+)=(.*)$")
  local prefix = ""
  if option then
    prefix, current = option .. "=", begun
    before[#before + 1] = option
  elseif current == "=" then
    current = ""
  end
  -- Nobody wants to read an error between two words.
  host.attempt(add_all, found, before, current)
  local fitting = { files = found.files }
  for _, one in ipairs(found) do
    if one.word:sub(1, #current) == current then
      fitting[#fitting + 1] = { word = prefix .. one.word, meaning = one.meaning }
    end
  end
  table.sort(fitting, function(one, other) return one.word < other.word end)
  return fitting
end

-- COMP_WORDBREAKS takes --a=b apart; opsh is asked with the words as bash has them.
M.bash = [==[
_opsh() {
  local answer line
  COMPREPLY=()
  answer=$(opsh completion at -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  while IFS=$'\t' read -r line _; do
    if [[ $line == :files ]]; then
      compopt -o filenames
      local current=${COMP_WORDS[COMP_CWORD]}
      if [[ $current == "=" ]]; then current=; fi
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
    elif [[ $line ]]; then
      COMPREPLY+=("$line")
    fi
  done <<<"$answer"
}
complete -F _opsh opsh
]==]

M.zsh = [==[
#compdef opsh
_opsh() {
  local -a found
  local word meaning files=
  while IFS=$'\t' read -r word meaning; do
    if [[ $word == :files ]]; then
      files=yes
    elif [[ -n $word ]]; then
      found+=("${word//:/\\:}${meaning:+:$meaning}")
    fi
  done < <(opsh completion at -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe -t words opsh found
  [[ -n $files ]] && _files
  return 0
}
if [[ $funcstack[1] == _opsh ]]; then
  _opsh "$@"
else
  compdef _opsh opsh
fi
]==]

return M
