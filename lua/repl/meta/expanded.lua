local switch = require("opsh.host.repl.switch")

local said = {
  [true] = "each row is shown as a list",
  [false] = "rows are shown as tables",
  auto = "rows are shown as tables, and as lists where a table is wider than the terminal",
}

return {
  name = "x",
  arguments = "[on|off|auto]",
  help = "shows each row as a list of its columns; auto: where a table would be too wide",
  complete = function() return { "on", "off", "auto" } end,
  run = function(bench, rest)
    local settings = bench.settings
    settings.expanded =
      switch.turned(rest, settings.expanded, { "on", "off", "auto" }, { [true] = false, [false] = true, auto = true })
    bench.say(said[settings.expanded])
  end,
}
