--- `opsh manual [COMMAND]`: a page for man, made of what the command line is read by.
local arguments = require("opsh.host.commands.arguments")
local errors = require("opsh.host.errors")
local manual = require("opsh.host.command_line.manual")
local options = require("opsh.host.options")
local reference = require("opsh.host.command_line.reference")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

--- The page that a word names: "backup" is "opsh-backup".
local function named(word)
  local names = manual.names()
  local wanted = word and word ~= "opsh" and "opsh-" .. word:gsub("^opsh%-", "") or "opsh"
  for _, name in ipairs(names) do
    if name == wanted then return name end
  end
  local meant = text.nearest(wanted, names)
  errors.raise(
    "usage.word",
    ("there is no manual page of %s"):format(word),
    meant and ("did you mean %s?"):format(meant:gsub("^opsh%-", "")) or "opsh --help lists the commands"
  )
end

local function write_all(folder)
  system.make_directory(folder)
  for _, name in ipairs(manual.names()) do
    system.write_file(("%s/%s.1"):format(folder, name), manual.page(name))
  end
end

local function write_reference(folder)
  system.make_directory(folder)
  for name, page in pairs(reference.pages()) do
    system.write_file(folder .. "/" .. name, page)
  end
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh manual",
    description = "Prints the manual page of opsh, or of one of its commands: opsh manual undo | man -l -",
    options = options.join({
      { name = "output", value = "DIR", help = "Write all pages into this folder." },
      { name = "markdown", value = "DIR", help = "Write commands and modules into this folder, as Markdown." },
    }, options.plain()),
    positionals = { { name = "COMMAND", help = "Instead of opsh itself: undo, backup, ..." } },
  })
  if not given then return 0 end
  if given.output then write_all(given.output[1]) end
  if given.markdown then write_reference(given.markdown[1]) end
  if not (given.output or given.markdown) then system.write_out(manual.page(named(words[1]))) end
  return 0
end
