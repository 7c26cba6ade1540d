--- `opsh lint` of one file: what is wrong in it, found without a database.
local agreement = require("opsh.host.lint.agreement")
local cage = require("opsh.host.cage")
local declared_module = require("opsh.host.lint.declared")
local handles = require("opsh.host.lint.handles")
local host = require("opsh.native.host")
local load = require("opsh.host.runbook.load")
local modules = require("opsh.host.lint.modules")
local names = require("opsh.host.lint.names")
local options = require("opsh.host.options")
local plans = require("opsh.host.lint.plans")
local review_module = require("opsh.host.lint.review")
local roles = require("opsh.host.lint.roles")
local shape = require("opsh.host.lint.shape")
local sql = require("opsh.host.lint.sql")
local statements = require("opsh.host.lint.statements")
local syntax = require("opsh.host.lint.syntax")
local system = require("opsh.native.system")
local use = require("opsh.host.lint.use")
local walk = require("opsh.host.lint.walk")

local M = {}

--- Whether the file is meant to be a runbook: it requires opsh.runbook, or gives a table with steps and a title.
local function is_meant_as_runbook(tree, declared)
  if declared.is_runbook then return true end
  local value = declared.returns
  if value and value.kind == "table" then
    local fields = declared_module.fields_of(value)
    return fields.steps ~= nil and fields.title ~= nil
  end
  if value then return false end
  local found = false
  walk.all(tree, function(node) found = found or declared_module.required(node) == "opsh.runbook" end)
  return found
end

--- Loads the runbook as a run does; an error is a finding.
local function load_runbook(review, tree, declared, shelf)
  local ok, result = host.protect(load.load, review.path, options.taken())
  if ok then
    review.runbook = result
    modules.resolve(review.path, tree, shelf)
    review.has_all_steps = declared.has_all_steps and #declared.steps == #result.steps
    review.params = {}
    for _, param in ipairs(result.params) do
      review.params[param.name] = true
    end
    return
  end
  if result.kind == "interrupted" then error(result, 0) end
  review.refusal = result
  if declared.node and declared.params then
    review.params = {}
    for name in pairs(declared.params) do
      review.params[name] = true
    end
  end
end

--- Reviews a file.
---@param path string
---@param shelf table what is read once for several files
---@return table review { path, source, findings, runbook?, declared?, statements? } findings in the order of the file
function M.file(path, shelf)
  local is_readable, source = host.protect(system.read_file, path)
  local review = review_module.new(path, is_readable and source or "")
  if not is_readable then
    shape.refused(review, nil, source)
    return review
  end
  -- Tests have opsh.test, and so have the files that they share.
  review.is_test = path:find("_test%.lua$") ~= nil
  review.is_beside_test = ("/" .. path):find("/tests?/") ~= nil
  local compiled, err = host.protect(cage.compile, path, source, {})
  if not compiled then
    shape.refused(review, nil, err)
    return review
  end
  local tree, fault = syntax.parse(source)
  if not tree then
    -- LuaJIT takes what this parser does not know: nothing more can be said of it.
    review:add("lua-syntax", fault.at, fault.syntax, "opsh lint does not know this; a run may")
    return review
  end
  tree.is_chunk = true
  review:read_comments(tree.comments)
  names.look(review, tree)
  local declared = declared_module.find(tree)
  roles.resolve(tree, declared)
  if is_meant_as_runbook(tree, declared) and not review.is_test then load_runbook(review, tree, declared, shelf) end
  local list = statements.of(tree, declared, review.has_all_steps and review.runbook.steps or nil)
  shape.look(review, declared)
  sql.look(review, list)
  plans.look(review, tree, declared, list, sql.place)
  agreement.look(review, declared, list)
  handles.look(review, tree)
  use.look(review, tree, declared, list)
  if declared.is_runbook then modules.look(review, tree) end
  if review.refusal then shape.refused(review, declared, review.refusal) end
  review.declared, review.statements = declared, list
  review:sort()
  return review
end

return M
