--- Command lines that are printed for the person to run next: with the same target, and without secrets.
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")

local M = {}

--- The argument without a connection string that has a password in it: what is printed ends up in logs and tickets.
local function without_secret(argument)
  if not argument:lower():find("password", 1, true) and not argument:find("://[^@/]*:[^@/]*@") then return argument end
  return (argument:match("^%-%-[%w-]+=") or "") .. "..."
end

local function quoted(argument)
  argument = without_secret(argument)
  return argument:find("^[%w_./=:@,+-]+$") and argument or "'" .. argument:gsub("'", "'\\''") .. "'"
end

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
    for _, value in ipairs(groups[option.group] and given[option.name] or {}) do
      words[#words + 1] = quoted("--" .. option.name .. (value ~= "" and "=" .. value or ""))
    end
  end
  return words
end

--- The words with the values of these options masked.
local function masked(words, secrets)
  local made, hide = {}, false
  for at, word in ipairs(words) do
    local name = word:match("^%-%-([%w-]+)")
    made[at] = hide and params.mask or word
    hide = not hide and name ~= nil and secrets[name] ~= nil
    if hide and word:find("=", 1, true) then
      made[at], hide = ("--%s=%s"):format(name, params.mask), false
    end
  end
  return made
end

--- The command line of a runbook as it was given: `before` are the host options before it.
---@param secrets table<string, boolean> names of options whose values are not shown
function M.runbook(before, path, rest, secrets)
  rest = masked(rest, secrets)
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

--- What goes on with a run, on the same target.
function M.resume(given, run)
  if given.keep then given = after_keep(given) end
  if given.sandbox and given.sandbox[1] ~= "" then return "nothing; the sandbox ends with this command" end
  return table.concat({ "opsh resume", run, unpack(host_words(given, { target = true, limits = true })) }, " ")
end

return M
