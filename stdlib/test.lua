--- What a test file uses: `local test = require("opsh.test")`. `opsh test` runs the files named *_test.lua; nothing
--- else can require this module.
---
---     test.describe("params", function()
---       test.it("refuses a word for an integer", function()
---         local result = test.opsh({ test.write("x.lua", script), "--limit=x" })
---         test.expect.equal(result.exit, 2)
---       end)
---     end)

--- How a run of opsh is started.
---@class opsh.test.options
---@field db? table|string a test's database, or a connection string: given as --db
---@field environment? table<string, string>
---@field input? string what it reads
---@field directory? string where it works; the test's folder when not given
---@field timeout? number seconds (60); a run that takes longer fails the test

local M = {}

local host = {}

--- Called by `opsh test`, which does the work.
function M.served_by(parts)
  host = parts
  M.expect = parts.expect
end

--- What is expected. Each takes as its last argument what it is about, shown when it fails:
--- `equal(found, expected)`, `rows(database, query, expected)`, `contains(text or list, piece)`, `lacks(text, piece)`,
--- `matches(text, pattern)`, `is_true(condition)`, `none(rows)`, `raises(function, message or kind)`, which returns the
--- error.
---@type table<string, function>
M.expect = nil

--- A group of tests; groups may stand in groups. Tests that share something at the file's level, which the first of
--- them makes, stand in one with `together`: they run in one process, in their order.
---@param name string
---@param declare fun()
---@param options? { together?: boolean }
function M.describe(name, declare, options) return host.describe(name, declare, options) end

--- A test. Its name is a sentence that can be false.
---@param name string
---@param work fun()
function M.it(name, work) return host.it(name, work) end

--- Runs before each test of the group, and of the groups in it.
---@param work fun()
function M.before_each(work) return host.before_each(work) end

--- The standing properties of a runbook, each a test: plan and simulate change nothing, apply does what it planned,
--- again does nothing, kills change nothing, undo restores everything. docs/testing.md has the fixture's fields.
---@param runbook string its path from the test file's folder
---@param fixture table
function M.ladder(runbook, fixture) return host.ladder(runbook, fixture) end

--- A fresh database, dropped after the test. `files` are psql's, named from the test file's folder and loaded once with
--- `variables`; then `sql`; then `rows`, by table. It has `conninfo`, `query(sql, ...)`, `value(sql, ...)`,
--- `execute(sql)` and `run_file(file, variables)` over psql, and `checksum()`: the content of every table and sequence
--- but the ledger's. With `production` it is on a server that opsh does not know as a throw-away one: an apply there
--- wants a backup.
---@param options? table the fields of opsh.test.DatabaseOptions
---@return table
function M.database(options) return host.database(options) end

--- Runs this opsh to its end, in a home of the test's own.
---@param args string[]
---@param options? opsh.test.options
---@return { exit?: integer, signal?: integer, output: string, errors: string, json: fun(): any }
function M.opsh(args, options) return host.opsh(args, options) end

--- Runs a line of shell like `opsh`; `"$OPSH"` is this opsh.
---@param line string
---@param options? opsh.test.options
function M.shell(line, options) return host.shell(line, options) end

--- Starts opsh. The process has `signal("INT")`, `running()`, `output()` and `errors()` so far, and `wait(seconds)`,
--- which gives what `opsh` gives; it is killed at the end of the test.
---@param args string[]
---@param options? opsh.test.options
---@return table
function M.spawn(args, options) return host.spawn(args, options) end

--- Waits until a condition holds, and gives what it returned; fails with `what` after `seconds` (20).
---@param what string
---@param condition fun(): any
---@param seconds? number
function M.wait_until(what, condition, seconds) return host.wait_until(what, condition, seconds) end

--- Makes a file in the test's folder, which is removed after the test; returns its path.
---@param name string
---@param text string
---@return string
function M.write(name, text) return host.write(name, text) end

--- The absolute path of a file named from the test file's folder.
---@param name string
---@return string
function M.beside(name) return host.beside(name) end

--- The test's folder: opsh works there, with `home` and `state` in it.
---@return string
function M.folder() return host.folder() end

return M
