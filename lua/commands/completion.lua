--- `opsh completion bash|zsh`: what the shell reads; `opsh completion at -- WORD...` is what that asks with each Tab.
local arguments = require("opsh.host.commands.arguments")
local completion = require("opsh.host.command_line.completion")
local errors = require("opsh.host.errors")
local options = require("opsh.host.options")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local function answer(words)
  local lines = {}
  local found = completion.at(words)
  for at, one in ipairs(found) do
    lines[at] = text.printable(one.word) .. "\t" .. text.printable((one.meaning:gsub("\n", " ")))
  end
  if found.files then lines[#lines + 1] = ":files" end
  if #lines > 0 then system.write_out(table.concat(lines, "\n") .. "\n") end
  return 0
end

return function(before, rest)
  -- Not read as a command line: the words are half of one.
  if rest[1] == "at" and rest[2] == "--" then return answer({ unpack(rest, 3) }) end
  local given, words = arguments.read(before, rest, {
    program = "opsh completion",
    description = "Prints what completes opsh's words in a shell: commands, runbooks and their params, choices, "
      .. "targets, plans and runs.\n\nbash: opsh completion bash > ~/.local/share/bash-completion/completions/opsh\n"
      .. "zsh:  opsh completion zsh > ~/.zfunc/_opsh   (a folder in fpath, before compinit)",
    options = options.plain(),
    positionals = { { name = "SHELL", help = "bash or zsh.", required = true } },
  })
  if not given then return 0 end
  local shell = words[1]
  if shell ~= "bash" and shell ~= "zsh" then
    errors.raise("usage.word", ("opsh completion knows no shell %s"):format(shell), "it knows bash and zsh")
  end
  system.write_out(completion[shell])
  return 0
end
