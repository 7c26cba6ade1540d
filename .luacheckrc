std = "luajit"
max_line_length = 120
-- Declarations for editors: functions without a body.
files["stdlib/_meta"] = { unused = false, unused_args = false }
