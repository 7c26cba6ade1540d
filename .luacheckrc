std = "luajit"
max_line_length = 120
-- Declarations for editors: functions without a body.
files["stdlib/_meta"] = { unused = false, unused_args = false }
-- An attack is a line.
files["tests/attacks/table"] = { max_line_length = false }
-- A text and its translation are a line.
for _, texts in ipairs({ "lua/lang/es", "scripts/**/es.lua" }) do
  files[texts] = { max_line_length = false }
end
-- What opsh lint is to find, and what it is to leave alone.
exclude_files = { "tests/lint/mistakes", "tests/lint/correct" }
