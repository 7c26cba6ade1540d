---@meta opsh.runbook

--- One row of a query: fields by column name. NULL is nil; a name that is no column raises "row.column".
---@class opsh.Row: { [string]: any }

--- What any failure raises. Text made of it (`tostring`) is its message.
---@class opsh.Error
---@field kind string dotted, the area first: "constraint.unique", "sql.undefined_table"
---@field message string
---@field hint? string the next step
---@field sqlstate? string five characters, when the server said it
---@field detail? string the server's DETAIL and CONTEXT; may hold row values
---@field where? string "file:line"
---@field excerpt? string the line of SQL with a caret under it
---@field traceback? string

--- Figures of a plan (`ctx.planned`) or of committed batches (`ctx.done`). A name that is unknown counts 0.
---@class opsh.Figures
---@field seen integer rows of the plan
---@field items integer
---@field skipped integer planned: labels in `skip`; done: changed since the plan
---@field rejected integer labels in `reject`
---@field failed integer
---@field labels table<string, number>
---@field totals table<string, number|string> sums, as text where a double would not do
---@field counts table<string, number> what `apply` returned, added up

--- What a statement's `$1`, `$2` or `:name` may be given: a list is an SQL array, rows of a query are a relation.
---@alias opsh.Value string|number|boolean|opsh.Null|opsh.JsonObject|opsh.JsonArray|opsh.Row[]|opsh.Value[]|nil

--- Reading. Values come as `$1, $2, ...` or, as one table with names, as `:name`.
---@class opsh.Queries
local queries = {}

--- All rows.
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return opsh.Row[]
function queries:query(sql, ...) end

--- Exactly one row. Raises "rows.none" or "rows.many".
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return opsh.Row
function queries:one(sql, ...) end

--- The first row, or nil.
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return opsh.Row?
function queries:first(sql, ...) end

--- The only column of the only row; nil when there is no row, or it is NULL. Raises "rows.many".
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return any
function queries:value(sql, ...) end

--- The first `limit` rows, and how many there are.
---@param limit integer
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return opsh.Row[] rows
---@return integer total
function queries:sample(limit, sql, ...) end

--- The rows one after the other in constant memory. Other statements may run inside the loop.
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return fun(): opsh.Row?
function queries:rows(sql, ...) end

--- Reads, and knows the run: in one read-only snapshot; in `apply` and under `atomic` in the batch's transaction.
---@class opsh.Context: opsh.Queries
---@field params table<string, any> the declared parameters; nil when not given; an undeclared name raises
---@field planned opsh.Figures
---@field done opsh.Figures
---@field run? string the run's id, once there is one
---@field so_far? opsh.SoFar in `effect`, `compensate` and `finally`
---@field report opsh.ResultTables in `apply` and `on_failure`
local ctx = {}

--- The result tables of a step. Rows are kept with their batch: what is rolled back has added none.
---@class opsh.ResultTables
local result_tables = {}

---@param name string declared in the step's `report.tables`
---@return opsh.ResultTable
function result_tables:table(name) end

---@class opsh.ResultTable
local result_table = {}

--- Adds a row: values by column; what is missing is NULL.
---@param row table<string, any>
function result_table:add(row) end

--- Gives each row of a query to a function, with COPY, for large amounts: texts in the order of the columns, opsh.null
--- for NULL. The query takes no parameters, and the function runs no other query. Returns the number of rows.
---@param sql string
---@param each fun(row: (string|opsh.Null)[])
---@return integer
function ctx:copy_out(sql, each) end

--- In `effect` and `compensate`: keeps a value (JSON's) the first time, gives what was kept ever after, also to another
--- process. What is to be put back is remembered before it is changed.
---@param name string
---@param value? any
---@return any
function ctx:remember(name, value) end

--- What a run has done up to now.
---@class opsh.SoFar
---@field run? string
---@field title string
---@field database string
---@field rows integer changed rows
---@field backup? { id?: string, file?: string, level: string, label?: string }
---@field commit? string of the script's repository
---@field incidents { step?: string, what: string, message: string }[]
---@field steps table<string, opsh.Figures> by name
---@field outcome? "done"|"failed"|"stopped"|"check_failed" in `finally`

--- Reads and writes in one batch.
---@class opsh.Transaction: opsh.Queries
local tx = {}

--- Runs a statement; returns how many rows it touched.
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return integer
function tx:exec(sql, ...) end

--- Defines or changes objects, in a schema step: one statement, without values.
---@param sql string
function tx:ddl(sql) end

--- Sends rows with COPY, for rows that do not come from the database. Returns how many the server took.
---@param table string
---@param columns string[]
---@param rows table<string, any>[]|fun(): table<string, any>? by column name
---@return integer
function tx:copy_in(table, columns, rows) end

--- Runs a function; when it raises, what it wrote is taken back and the error goes on.
---@generic T
---@param work fun(...): T
---@param ... any for `work`
---@return T
function tx:savepoint(work, ...) end

--- Runs a function; when it raises, what it wrote is taken back, and nil and the error are returned.
---@generic T
---@param work fun(...): T
---@param ... any for `work`
---@return T?
---@return opsh.Error? err
function tx:try_savepoint(work, ...) end

--- The items of a batch, in key order: a list of rows with the columns of the plan and of `classify`, and in SQL the
--- relation `:items`.
---@class opsh.Items
---@field [integer] opsh.Row
---@field keys any[] the keys; for a key of several columns, a list of lists
---@field column fun(name: string): any[] one column of all items

--- Checks: each adds a result and returns whether it passed.
---@class opsh.Check
local check = {}

--- Two values are the same; numbers and numeric texts by value.
---@param name string
---@param found any
---@param expected any
---@return boolean
function check:equal(name, found, expected) end

--- A condition holds.
---@param name string
---@param condition any
---@param message? string
---@return boolean
function check:that(name, condition, message) end

--- What cannot be looked at here; it fails nothing, and is shown with its reason.
---@param name string
---@param message string why
---@return boolean
function check:skip(name, message) end

--- A query gives no rows; those that it gives are shown, 20 of them at most.
---@param name string
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return boolean
function check:none(name, sql, ...) end

--- A query gives this number: its value when it is one row with one column, else the number of its rows.
---@param name string
---@param sql string
---@param expected integer|string
---@param ... opsh.Value|table<string, opsh.Value>
---@return boolean
function check:count(name, sql, expected, ...) end

---@class opsh.WantedAnswer
---@field status? integer 200
---@field json? any at least these members
---@field bearer? string name of a secret param or environment variable
---@field headers? table<string, string>
---@field redirects? integer followed at most; 0
---@field timeout? number seconds; 30

--- An address answers with this status (200), and its JSON has at least these members.
---@param name string
---@param url string
---@param wanted? opsh.WantedAnswer
---@return boolean
function check:http(name, url, wanted) end

---@alias opsh.ParamType "string"|"integer"|"number"|"boolean"|"choice"|"date"

---@class opsh.Param
---@field type opsh.ParamType
---@field help? string
---@field required? boolean
---@field secret? boolean recorded nowhere; from OPSH_PARAM_<NAME>, the file in OPSH_PARAM_<NAME>_FILE or a prompt
---@field default? string|number|boolean|any[]
---@field list? boolean may be given several times
---@field choices? string[] for the type choice, and only for it
---@field pattern? string a Lua pattern that the text must match

--- What `writes` may say of a table by its name; a text alone is `rows`.
---@class opsh.Written
---@field rows? string a query that returns the keys of the rows that a cascade or trigger may change
---@field row_security? boolean rows that policies hide from the role are left out knowingly

---@class opsh.Report
---@field file? string folders and a name below the working directory; time and extension are added
---@field columns? string|string[] of the items, and the report's own: `outcome`, `error`; with `file`
---@field rows? string the name of the list in the JSON; default "items"
---@field tables? table<string, string[]> result tables by name, with their columns: `apply` adds rows to them

--- Sorts a row: its label, columns that are added, and why it is rejected.
---@alias opsh.Classify fun(row: opsh.Row, ctx: opsh.Context): string?, table<string, any>?, string?

---@class opsh.Step
---@field name string
---@field plan string|fun(ctx: opsh.Context): string, table<string, opsh.Value>? SQL that gives one row per item
---@field key string|string[] columns of the plan that identify an item: unique, not NULL
---@field writes? { [integer]: string, [string]: string|opsh.Written } every table that changes because of the step; a
--- schema step that changes none has none
---@field apply? fun(tx: opsh.Transaction, items: opsh.Items, ctx: opsh.Context): table<string, number>? a schema step
--- may leave it out: then each item's column `ddl` is run
---@field schema? boolean its items are what is missing, its batches define it
---@field undo? fun(tx: opsh.Transaction, items: opsh.Items, ctx: opsh.Context) of a schema step: its reverse
---@field autocommit? boolean of a schema step: one statement an item, outside a transaction
---@field loses_data? string of a schema step: why what it drops may hold data
---@field after? string an earlier step; this one is planned when its turn comes
---@field when? string a param: without a value of it (a switch: unless it is on) the step is not in the run
---@field owns? string[] of a schema step: tables and views that must be the login's that applies
---@field journal? boolean false: no row is recorded, and the step cannot be undone
---@field atomic? boolean one transaction for the whole step, gated by `verify`
---@field batch? integer items per batch, 1 to 10000; without it opsh chooses
---@field classify? string|opsh.Classify
---@field skip? string[] labels of rows that are counted, not worked on
---@field reject? string[] labels of rows that are not worked on and that somebody has to look at: listed, exit 8
---@field tally? string|string[] columns to group the counts by
---@field totals? string[] columns to sum up
---@field recheck? string SQL that locks and returns the keys that still qualify
---@field report? opsh.Report files that list its items with what became of each
---@field max_failures? integer|string 100 or "1%"; default 0
---@field tolerance? integer|string 10 or "1%": items that may come, go or change between plan and apply
---@field on_failure? fun(tx: opsh.Transaction, item: opsh.Row, err: opsh.Error)
---@field summary? fun(planned: opsh.Figures, ctx: opsh.Context): table<string, any>
---@field verify? fun(check: opsh.Check, ctx: opsh.Context)

--- A step beyond the database: `effect`, or `ends` another such step by its compensation.
---@class opsh.EffectStep
---@field name string
---@field effect? fun(ctx: opsh.Context)
---@field compensate? fun(ctx: opsh.Context) takes it back when the run fails after it, or is undone
---@field ends? string an earlier step, whose compensation is done
---@field after? string an earlier step: what it does is known only then
---@field when? string a param: without a value of it (a switch: unless it is on) the step is not in the run
---@field verify? fun(check: opsh.Check, ctx: opsh.Context)

--- A step that a person does, or looks at.
---@class opsh.ManualStep
---@field name string
---@field manual string the question
---@field evidence? boolean a file that shows it is wanted
---@field after? string
---@field when? string a param: without a value of it (a switch: unless it is on) the step is not in the run
---@field verify? fun(check: opsh.Check, ctx: opsh.Context)

---@class opsh.Runbook
---@field title string
---@field description? string
---@field requires? string the oldest opsh that it runs on: "opsh >= 0.3"
---@field params? table<string, opsh.Param>
---@field preconditions? fun(check: opsh.Check, ctx: opsh.Context)
---@field functions? string[] "schema.name": user-written functions that its statements may call
---@field foreign_tables? string[] "schema.name": foreign tables that its statements may read
---@field redact? string[] columns whose values are `***` in reports; their rows are in the spool and the journal
---@field tolerance? integer|string that of the steps that have none of their own; default "1%"
---@field folders? string[] where its files may lie: from the script's folder on; ":name" is what a param says
---@field finally? fun(ctx: opsh.Context) when the run is over, however it ended
---@field steps (opsh.Step|opsh.EffectStep|opsh.ManualStep)[]

--- Declares the runbook of this file: `return runbook { ... }`.
---@param declaration opsh.Runbook
---@return table
local function runbook(declaration) end

return runbook
