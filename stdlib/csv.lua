--- Rows as CSV (RFC 4180), for spreadsheets and other programs.
local native = require("opsh.native.report")

local M = {}

--- The rows of a query as text, with a first line of the columns' names and CR LF after each line. NULL is an empty
--- field, an empty text is "". A text that a spreadsheet would run as a formula gets an apostrophe before it.
---@param rows opsh.Row[] what `query` returned
---@return string
function M.encode(rows) return native.csv(rows) end

return M
