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

--- Reads and writes in one batch.
---@class opsh.Transaction: opsh.Queries
local transaction = {}

--- Runs a statement; returns how many rows it touched.
---@param sql string
---@param ... opsh.Value|table<string, opsh.Value>
---@return integer
function transaction:exec(sql, ...) end

--- Sends rows with COPY, for rows that do not come from the database. Returns how many the server took.
---@param table string
---@param columns string[]
---@param rows table<string, any>[]|fun(): table<string, any>? by column name
---@return integer
function transaction:copy_in(table, columns, rows) end

--- Runs a function; when it raises, what it wrote is taken back and the error goes on.
---@generic T
---@param work fun(...): T
---@param ... any for `work`
---@return T
function transaction:savepoint(work, ...) end

--- Runs a function; when it raises, what it wrote is taken back, and nil and the error are returned.
---@generic T
---@param work fun(...): T
---@param ... any for `work`
---@return T?
---@return opsh.Error? err
function transaction:try_savepoint(work, ...) end

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

---@class opsh.Step
---@field name string
---@field plan string|fun(ctx: opsh.Context): string, table<string, opsh.Value>? SQL that gives one row per item
---@field key string|string[] columns of the plan that identify an item: unique, not NULL
---@field writes { [integer]: string, [string]: string|opsh.Written } every table that changes because of the step
---@field apply fun(tx: opsh.Transaction, items: opsh.Items, ctx: opsh.Context): table<string, number>?
---@field after? string an earlier step; this one is planned when its turn comes
---@field journal? boolean false: no row is recorded, and the step cannot be undone
---@field atomic? boolean one transaction for the whole step, gated by `verify`
---@field batch? integer items per batch, 1 to 10000; without it opsh chooses
---@field classify? string|fun(row: opsh.Row, ctx: opsh.Context): string?, table<string, any>?
---@field skip? string[] labels of rows that are counted, not worked on
---@field tally? string|string[] columns to group the counts by
---@field totals? string[] columns to sum up
---@field recheck? string SQL that locks and returns the keys that still qualify
---@field max_failures? integer|string 100 or "1%"; default 0
---@field tolerance? integer|string 10 or "1%": items that may come, go or change between plan and apply
---@field on_failure? fun(tx: opsh.Transaction, item: opsh.Row, err: opsh.Error)
---@field summary? fun(planned: opsh.Figures, ctx: opsh.Context): table<string, any>
---@field verify? fun(check: opsh.Check, ctx: opsh.Context)

---@class opsh.Runbook
---@field title string
---@field description? string
---@field params? table<string, opsh.Param>
---@field preconditions? fun(check: opsh.Check, ctx: opsh.Context)
---@field functions? string[] "schema.name": user-written functions that its statements may call
---@field foreign_tables? string[] "schema.name": foreign tables that its statements may read
---@field redact? string[] columns whose values are `***` in reports; their rows are in the spool and the journal
---@field tolerance? integer|string that of the steps that have none of their own; default "1%"
---@field steps opsh.Step[]

--- Declares the runbook of this file: `return runbook { ... }`.
---@param declaration opsh.Runbook
---@return table
local function runbook(declaration) end

return runbook
