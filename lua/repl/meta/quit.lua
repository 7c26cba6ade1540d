return {
  name = "q",
  help = "quits, as Ctrl-D does",
  run = function() return "quit" end,
}
