---@meta opsh.test

--- What a test file uses; `opsh test` runs the files named *_test.lua.
---@class opsh.test
local test = {}

--- What is expected. The last argument is what it is about, shown when it fails.
---@class opsh.test.Expectations
local expect = {}

--- Two values are the same; tables by what is in them.
---@param found any
---@param expected any
---@param what? string
function expect.equal(found, expected, what) end

--- A query gives these rows, in this order. A column that a row does not name is NULL.
---@param database opsh.test.Database
---@param sql string
---@param expected table<string, any>[]
---@param what? string
function expect.rows(database, sql, expected, what) end

--- A text, or a list, has this piece.
---@param found string|any[]
---@param piece any
---@param what? string
function expect.contains(found, piece, what) end

--- A text, or a list, has it not.
---@param found string|any[]
---@param piece any
---@param what? string
function expect.lacks(found, piece, what) end

--- A text has something that a Lua pattern matches.
---@param found string
---@param pattern string
---@param what? string
function expect.matches(found, pattern, what) end

---@param condition any
---@param what? string
function expect.is_true(condition, what) end

--- There are none; those that there are, are shown.
---@param rows any[]
---@param what? string
function expect.none(rows, what) end

--- A function raises; returns what.
---@param work fun()
---@param said? string a part of the message, or the kind
---@param what? string
---@return opsh.Error
function expect.raises(work, said, what) end

test.expect = expect

--- A group of tests; groups may stand in groups.
---@param name string
---@param declare fun()
---@param options? { together?: boolean } with `together` they run in one process, in their order
function test.describe(name, declare, options) end

--- A test. Its name is a sentence that can be false.
---@param name string
---@param work fun()
function test.it(name, work) end

--- Runs before each test of the group, and of the groups in it.
---@param work fun()
function test.before_each(work) end

---@class opsh.test.Database
---@field conninfo string
---@field query fun(self, sql: string, ...): opsh.Row[]
---@field value fun(self, sql: string, ...): any
---@field execute fun(self, sql: string)
---@field run_file fun(self, file: string, variables?: table<string, string|number>): string what psql printed
---@field checksum fun(self): table<string, string> the content of every table and sequence but the ledger's

---@class opsh.test.DatabaseOptions
---@field files? string[] psql's, from the test file's folder on
---@field variables? table<string, string|number> of the files
---@field prepare? fun(database: opsh.test.Database) runs once after the same files, with the same variables
---@field sql? string runs after that, for this database alone
---@field rows? table<string, table<string, any>[]> by table; inserted after `sql`, a column not named gets its default
---@field production? boolean on a server that opsh does not know as a throw-away one: an apply there wants a backup

--- A fresh database on a throw-away server, dropped after the test.
---@param options? opsh.test.DatabaseOptions
---@return opsh.test.Database
function test.database(options) end

--- What `test.ladder` takes beside the runbook; docs/testing.md says more.
---@class opsh.test.Ladder: opsh.test.DatabaseOptions
---@field params? string[]|fun(): string[] words of the command line behind the runbook
---@field environment? table<string, string> of all runs
---@field answers? string the file of --answers, from the test file's folder on
---@field exit? integer the exit status of an apply; 0
---@field remains? integer items that the plan still finds after an apply; 0
---@field batch? integer the most items in a batch; a quarter of the largest step's
---@field boundaries? "all" killed in every batch; some when it is left out
---@field except? table<string, string[]> columns by table that are not compared after kills and after an undo
---@field undo? false the runbook cannot be taken back, and says so

--- The standing properties of a runbook, each a test of its own.
---@param runbook string its path from the test file's folder
---@param fixture opsh.test.Ladder
function test.ladder(runbook, fixture) end

---@class opsh.test.Options
---@field db? opsh.test.Database|string given as --db
---@field environment? table<string, string>
---@field input? string what it reads
---@field directory? string where it works; the test's folder when not given
---@field timeout? number seconds; 60. A run that takes longer fails the test

---@class opsh.test.Result
---@field exit? integer
---@field signal? integer
---@field output string
---@field errors string
---@field json fun(): any the output as one document

--- Runs opsh to its end, in a home of the test's own.
---@param args string[]
---@param options? opsh.test.Options
---@return opsh.test.Result
function test.opsh(args, options) end

--- Runs a line of shell to its end; "$OPSH" is this opsh.
---@param line string
---@param options? opsh.test.Options
---@return opsh.test.Result
function test.shell(line, options) end

---@class opsh.test.Process
---@field signal fun(self, name: "HUP"|"INT"|"KILL"|"TERM"|"CONT"|"STOP")
---@field running fun(self): boolean
---@field output fun(self): string so far
---@field errors fun(self): string so far
---@field wait fun(self, seconds?: number): opsh.test.Result

--- Starts opsh; it is killed at the end of the test.
---@param args string[]
---@param options? opsh.test.Options
---@return opsh.test.Process
function test.spawn(args, options) end

--- Waits until a condition holds, and gives what it returned.
---@param what string said when it waits in vain
---@param condition fun(): any
---@param seconds? number 20
---@return any
function test.wait_until(what, condition, seconds) end

--- Makes a file in the test's folder; returns its path.
---@param name string
---@param text string
---@return string
function test.write(name, text) end

--- The absolute path of a file named from the test file's folder.
---@param name string
---@return string
function test.beside(name) end

--- The test's folder: opsh works there, with `home` and `state` in it.
---@return string
function test.folder() end

return test
