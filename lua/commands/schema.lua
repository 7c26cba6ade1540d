--- `opsh schema`: the DDL of the ledger, for whoever wants to create it by hand.
local arguments = require("opsh.host.commands.arguments")
local journal = require("opsh.native.journal")
local options = require("opsh.host.options")
local system = require("opsh.native.system")

return function(before, rest)
  local given = arguments.read(before, rest, {
    program = "opsh schema",
    description = "Prints the DDL of the schema opsh, which the first apply creates. Connects to nothing.",
    options = options.plain(),
  })
  if not given then return 0 end
  for _, statement in ipairs(journal.schema()) do
    system.write_out(statement .. ";\n")
  end
  return 0
end
