--- Command lines that are printed for the person to run next: with the same target. Secrets are in no command line.
local options = require("opsh.host.options")

local M = {}

--- An argument as a word that a shell reads.
local function quoted(argument)
  return argument:find("^[%w_./=:@,+-]+$") and argument or "'" .. argument:gsub("'", "'\\''") .. "'"
end

M.quoted = quoted

--- The options for a command that comes after one with --keep: it uses what was kept.
local function after_keep(given)
  local after = {}
  for name, values in pairs(given) do
    if name ~= "keep" then after[name] = name == "sandbox" and { "" } or values end
  end
  return after
end

--- The host options of a command line, of some groups, as words.
---@param given table<string, string[]> host options
---@param groups table<string, boolean> of options.host that matter
local function host_words(given, groups)
  local words = {}
  for _, option in ipairs(options.host) do
    local kept = groups[option.group] or option.name == "lang"
    for _, value in ipairs(kept and given[option.name] or {}) do
      words[#words + 1] = quoted("--" .. option.name .. (value ~= "" and "=" .. value or ""))
    end
  end
  return words
end

--- The command line of a runbook as it was given: `before` are the host options before it.
function M.runbook(before, path, rest)
  local keeps = before.keep ~= nil
  for _, argument in ipairs(rest) do
    keeps = keeps or argument == "--keep"
  end
  local words = host_words(keeps and after_keep(before) or before, { target = true, output = true, limits = true })
  words[#words + 1] = quoted(path)
  for _, argument in ipairs(rest) do
    if keeps and argument:find("^%-%-sandbox=") then argument = "--sandbox" end
    if argument ~= "--keep" then words[#words + 1] = quoted(argument) end
  end
  return "opsh " .. table.concat(words, " ")
end

--- Another command of opsh's, on the same target.
---@param ... string its words
function M.command(given, ...)
  local words = { "opsh" }
  for _, word in ipairs({ ... }) do
    words[#words + 1] = quoted(word)
  end
  for _, word in ipairs(host_words(given, { target = true })) do
    words[#words + 1] = word
  end
  return table.concat(words, " ")
end

--- What goes on with a run, on the same target.
function M.resume(given, run)
  if given.keep then given = after_keep(given) end
  if given.sandbox and given.sandbox[1] ~= "" then return "nothing; the sandbox ends with this command" end
  local words = { "opsh resume", run, unpack(host_words(given, { target = true, limits = true })) }
  for _, option in ipairs(options.budgets) do
    if given[option.name] then words[#words + 1] = quoted(("--%s=%s"):format(option.name, given[option.name][1])) end
  end
  return table.concat(words, " ")
end

return M
