--- The rules of `opsh lint`: one name for one kind of mistake, and what it is worth.
local M = {}

-- "error": a run would refuse it, fail, or do something else than the author meant. "warning": it may be meant, and a
-- reviewer would ask.
M.list = {
  { name = "lua-syntax", severity = "error", help = "Lua cannot read the file." },
  { name = "undefined-global", severity = "error", help = "A name that is no local and no global of a script." },
  { name = "global-write", severity = "error", help = "A global is set; a local is meant." },
  { name = "unknown-module", severity = "error", help = "A module that is not there, or that a runbook cannot have." },
  { name = "late-module", severity = "error", help = "require where a run has begun: it is refused." },
  { name = "hidden-module", severity = "warning", help = "Two folders have a module of the name; the first is taken." },
  { name = "no-runbook", severity = "error", help = "The file does not return a runbook." },
  { name = "load", severity = "error", help = "The file fails when it is loaded." },
  { name = "declaration", severity = "error", help = "The declaration is not what opsh takes." },
  { name = "unknown-key", severity = "error", help = "A key that a runbook, a step or a param does not have." },
  { name = "missing-key", severity = "error", help = "A key that must be there and is not: key, plan, writes." },
  { name = "duplicate-key", severity = "error", help = "A table names a key twice; the first is lost." },
  { name = "unknown-param", severity = "error", help = "A param, or a :name of SQL, that nothing declares or gives." },
  { name = "unused-param", severity = "warning", help = "A declared param that nothing uses." },
  { name = "sql-syntax", severity = "error", help = "SQL that PostgreSQL's grammar does not take." },
  { name = "sql-refused", severity = "error", help = "A statement that a runbook may not send." },
  { name = "read-only", severity = "error", help = "A plan, a check or a query of ctx that writes or locks." },
  { name = "sql-values", severity = "error", help = "More or fewer values than the statement has $n." },
  { name = "glued-sql", severity = "error", help = "A value glued into the text of a statement." },
  { name = "null-comparison", severity = "error", help = "= null is never true." },
  { name = "insert-columns", severity = "error", help = "INSERT lists more or fewer columns than it gives values." },
  { name = "batch-relation", severity = "error", help = ":items or :keys where there is no batch." },
  { name = "unbounded-write", severity = "error", help = "A write that the items of the batch do not limit." },
  { name = "undeclared-write", severity = "error", help = "A statement changes a table that writes does not name." },
  { name = "plan-column", severity = "error", help = "key, tally, totals or classify names what the plan has not." },
  { name = "duplicate-column", severity = "error", help = "Two columns of the plan have one name." },
  { name = "item-column", severity = "error", help = "A column of an item that the plan does not have." },
  { name = "recheck", severity = "error", help = "recheck without a column of the key, or in no order." },
  { name = "apply-counts", severity = "error", help = "apply returns something else than a table of counts." },
  { name = "unknown-figure", severity = "error", help = "A count or total that nothing gives, which would be 0." },
  { name = "unknown-label", severity = "error", help = "skip or reject names a label that classify never gives." },
  { name = "unstable-plan", severity = "warning", help = "Time or chance in a plan: an apply plans something else." },
  { name = "limit-order", severity = "warning", help = "LIMIT without ORDER BY: each plan has other items." },
  { name = "handle-call", severity = "error", help = "A method of tx, ctx or check called with a dot." },
  { name = "handle-member", severity = "error", help = "What tx, ctx, check or their figures do not have." },
  { name = "check-arguments", severity = "error", help = "A check without its name, its query or what it expects." },
  { name = "missing-verify", severity = "warning", help = "A step that changes rows and checks nothing afterwards." },
  { name = "empty-verify", severity = "warning", help = "A verify or preconditions without a check." },
  { name = "swallowed-error", severity = "error", help = "pcall round a statement of a batch, which stays doomed." },
  { name = "kept-state", severity = "error", help = "apply changes a local outside it; apply may run more than once." },
  { name = "effect-place", severity = "error", help = "An effect where none may be, or reading within a batch." },
  { name = "allow", severity = "error", help = "A lint: allow without a rule that there is, or without a reason." },
  { name = "refused-by-server", severity = "error", help = "With a target: the server does not take the statement." },
  { name = "missing-table", severity = "error", help = "With a target: writes names a table that is not there." },
  { name = "unjournaled-table", severity = "error", help = "With a target: a table that no journal can be kept of." },
  { name = "undeclared-cascade", severity = "warning", help = "With a target: a foreign key changes other tables." },
  { name = "unindexed-foreign-key", severity = "warning", help = "With a target: deleting reads a whole other table." },
  { name = "weak-key", severity = "error", help = "With a target: the plan gives a key more than once, or NULL." },
  { name = "missing-index", severity = "warning", help = "With a target: the plan reads a large table row by row." },
}

M.named = {}
for _, rule in ipairs(M.list) do
  M.named[rule.name] = rule
end

return M
