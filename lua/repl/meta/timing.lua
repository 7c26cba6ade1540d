local switch = require("opsh.host.repl.switch")

return {
  name = "timing",
  arguments = "[on|off]",
  help = "says how long each chunk took",
  complete = function() return { "on", "off" } end,
  run = function(bench, rest)
    local settings = bench.settings
    settings.timing = switch.turned(rest, settings.timing, { "on", "off" }, { [true] = false, [false] = true })
    bench.say("timing is " .. (settings.timing and "on" or "off"))
  end,
}
