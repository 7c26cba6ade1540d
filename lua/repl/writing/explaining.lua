--- Errors of a batch, said to a person at the prompt: the words of the host are about steps, and there is none to be
--- changed here.
local M = {}

local kinds = {}

kinds["proof.undeclared"] = function(err)
  local name = (err.hint or ""):match("add (.+) to the step's writes$")
  err.message = err.message:gsub("^the batch changed (.-), which the step does not declare", "%1 would change too")
  if name then err.hint = ("if that is meant: \\write also %s, and the statement again"):format(name) end
end

kinds["proof.too_large"] = function(err)
  err.hint = "make a runbook of it: a step can say which rows it changes there"
end

kinds["sql.refused"] = function(err)
  if (err.hint or ""):find("schema step", 1, true) then err.hint = "make a runbook with a schema step" end
end

kinds["sql.undefined_table"] = function(err)
  err.message = err.message:gsub(", which is declared in writes$", "")
end

kinds["refused.budget"] = function(err)
  err.hint = "change less, or raise the budget (--max-rows, budgets in opsh.config.lua)"
end

kinds["refused.ledger"] = function(err)
  err.message = err.message:gsub("^writes names (.-), a table", "%1 is a table")
  err.hint = "it says what was done: opsh alone writes it"
end

-- What the host says to authors, and what a person can do instead.
local instead = {
  { "declare those tables and let apply write to them", "write to those tables" },
  { "declare the tables that it writes and let apply write to them", "write to the tables that it writes" },
  {
    "say journal = false, and the step cannot be undone",
    "make a runbook of it: a step may do without a journal, and without undo",
  },
}

kinds["refused.journal"] = function(err)
  for _, pair in ipairs(instead) do
    err.hint = (err.hint or ""):gsub(pair[1], pair[2])
  end
end

--- The same error, in words for the prompt.
function M.of(err)
  if kinds[err.kind] then kinds[err.kind](err) end
  return err
end

return M
