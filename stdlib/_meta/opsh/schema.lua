---@meta opsh.schema

--- Schema steps from declarations: each function gives a whole step. `after`, `name`, `verify`, `tolerance`,
--- `summary` and `when` may stand among its own fields, and mean what they mean in a step.
---@class opsh.schema
local schema = {}

---@class opsh.SchemaStep
---@field name? string
---@field after? string
---@field verify? fun(check: opsh.Check, ctx: opsh.Context)
---@field tolerance? integer|string
---@field summary? fun(planned: opsh.Figures, ctx: opsh.Context): table<string, any>

---@class opsh.SchemaColumn
---@field name string
---@field type string "text", "numeric(10, 2)"
---@field default? string SQL
---@field not_null? boolean

---@class opsh.SchemaColumns: opsh.SchemaStep
---@field table string
---@field columns opsh.SchemaColumn[]|table<string, string> a list, or types by name

--- Columns that a table lacks. One that is there with another type is an error.
---@param columns opsh.SchemaColumns
---@return opsh.Step
function schema.columns(columns) end

---@class opsh.SchemaTable: opsh.SchemaStep
---@field table string
---@field definition string what stands between the parentheses of CREATE TABLE

--- A table that is not there.
---@param table opsh.SchemaTable
---@return opsh.Step
function schema.table(table) end

---@class opsh.SchemaForeignKey: opsh.SchemaStep
---@field table string
---@field columns string|string[]
---@field references string a table
---@field key? string|string[] its columns; the primary key unless given
---@field on_delete? "cascade"|"restrict"|"set null"|"set default"|"no action"
---@field constraint? string its name

--- A foreign key, added NOT VALID and validated in a transaction of its own.
---@param foreign_key opsh.SchemaForeignKey
---@return opsh.Step
function schema.foreign_key(foreign_key) end

---@class opsh.SchemaIndex: opsh.SchemaStep
---@field table string
---@field index string its name
---@field columns? string|string[]
---@field expression? string instead of columns: what stands between the parentheses
---@field unique? boolean
---@field where? string SQL
---@field using? string "gin"
---@field concurrently? boolean default true

--- An index, built while others read and write.
---@param index opsh.SchemaIndex
---@return opsh.Step
function schema.index(index) end

---@class opsh.SchemaView
---@field view string
---@field query string

---@class opsh.SchemaViews: opsh.SchemaStep
---@field views opsh.SchemaView[] in the order in which they depend on each other

--- Views, made or replaced, in one transaction; undo puts their former definitions back.
---@param views opsh.SchemaViews
---@return opsh.Step
function schema.views(views) end

---@class opsh.SchemaAppendOnly: opsh.SchemaStep
---@field table string
---@field columns? string[] that UPDATE may set

--- A trigger that refuses DELETE, TRUNCATE and other UPDATEs. An undo of opsh's is let through.
---@param append_only opsh.SchemaAppendOnly
---@return opsh.Step
function schema.append_only(append_only) end

---@class opsh.SchemaFile: opsh.SchemaStep
---@field done string a query of one boolean: whether the file has been run
---@field writes? string[] the tables that it changes or makes
---@field undo? string a file that takes it back
---@field autocommit? boolean each statement outside a transaction; they must bear to be repeated
---@field loses_data? string why losing data is right

--- A migration: the statements of a file beside the runbook, in one transaction.
---@param path string
---@param file opsh.SchemaFile
---@return opsh.Step
function schema.file(path, file) end

--- `apply` of a step whose plan has the column `ddl`.
---@param tx opsh.Transaction
---@param items opsh.Items
function schema.apply(tx, items) end

--- `undo` of a step whose plan has the column `undo_ddl`; the last item comes first, NULL is passed over.
---@param tx opsh.Transaction
---@param items opsh.Items
function schema.undo(tx, items) end

--- A name as SQL, in quotes where it needs them.
---@param name string
---@return string
function schema.name(name) end

--- A text as SQL.
---@param text string
---@return string
function schema.literal(text) end

return schema
