--- How the functions of a runbook treat errors, state and effects; and params that nobody uses.
local declared_module = require("opsh.host.lint.declared")
local roles = require("opsh.host.lint.roles")
local walk = require("opsh.host.lint.walk")

local M = {}

--- Whether a statement of tx may fail in it, outside a savepoint of its own.
local function sends(node)
  local found = false
  walk.all(node, function(inner)
    if inner.kind == "invoke" and roles.handle(inner.object) == "tx" then
      if inner.name == "try_savepoint" or inner.name == "savepoint" then return false end
      found = true
    end
    if inner.kind == "index" and roles.handle(inner.object) == "tx" then found = true end
  end)
  return found
end

local function look_at_pcall(review, node)
  local callee = node.callee
  if callee.kind ~= "name" or callee.binding or callee.name ~= "pcall" and callee.name ~= "xpcall" then return end
  local work = node.arguments[1] and walk.meant(node.arguments[1])
  if not work or not sends(work) then return end
  review:add(
    "swallowed-error",
    node.at,
    ("%s round a statement of a batch: after an error nothing of the batch can be kept"):format(callee.name),
    "let the error pass, or put what may fail into tx:try_savepoint(function() ... end)"
  )
end

--- The outermost function that runs for a batch; nothing when code does not.
local function batch_of(owner)
  local found
  while owner do
    if owner.places then
      if not roles.only_in(owner, "apply", "on_failure") then return found end
      found = owner
    end
    owner = owner.outer
  end
  return found
end

local function is_outside(binding, batch)
  local owner = binding.owner
  while owner do
    if owner == batch then return false end
    owner = owner.outer
  end
  return true
end

local function base_of(node)
  while node.kind == "index" or node.kind == "paren" do
    node = node.object or node.inner
  end
  return node.kind == "name" and node.binding or nil
end

local function look_at_state(review, node, target, owner)
  local batch, binding = batch_of(owner), base_of(target)
  if not batch or not binding or binding.role or not is_outside(binding, batch) then return end
  review:add(
    "kept-state",
    node.at,
    ("%s keeps something beyond the batch, and apply may run more than once for one"):format(binding.name),
    "return counts from apply; what a later batch needs is in the database"
  )
end

-- Of the modules of effects, what only reads and what acts.
local effects = {
  ["opsh.http"] = { get = "read", head = "read", post = "act", put = "act", patch = "act", delete = "act" },
  ["opsh.files"] = { read = "read", write = "act" },
  ["opsh.flags"] = { get = "read", set = "act" },
  ["opsh.notify"] = { slack = "act", webhook = "act" },
  ["opsh.proc"] = { run = "act" },
}

local function reads_only(node)
  local options = node.arguments[2] and declared_module.constructor(node.arguments[2])
  if node.arguments[2] and not options then return nil end
  local reads = options and declared_module.fields_of(options).reads
  if not reads then return false end
  local value = walk.meant(reads.value)
  return value.kind == "true"
end

local function look_at_effect(review, node)
  local callee = node.callee
  if callee.kind ~= "index" then return end
  local module = declared_module.required(callee.object)
  local does = module and effects[module] and effects[module][callee.name]
  if not does then return end
  local name = module:sub(6) .. "." .. callee.name
  if module == "opsh.proc" then
    local reads = reads_only(node)
    if reads == nil then return end
    does = reads and "read" or "act"
  end
  if node.owner.is_chunk then
    review:add(
      "effect-place",
      node.at,
      "nothing can be asked for while a script is read",
      "do it in a step's effect, apply or verify"
    )
  elseif does == "read" and roles.only_in(node.owner, "apply", "on_failure") then
    review:add(
      "effect-place",
      node.at,
      ("%s within a batch"):format(name),
      "a batch holds locks, and waits for nothing beyond the database: ask in a step of its own"
    )
  elseif does == "act" and roles.only_in(node.owner, "plan", "classify", "summary", "verify", "preconditions") then
    review:add(
      "effect-place",
      node.at,
      ("%s where only reading is allowed"):format(name),
      "what acts belongs into the effect of a step, or into apply, where it waits for the COMMIT"
    )
  end
end

--- Params that no line uses. Another module of the team's may use them by ctx, so that only a file that has none is
--- looked at.
local function look_for_unused(review, tree, declared, list)
  if not declared.params or not declared.node or review.refusal then return end
  -- It may be what a misspelt name means.
  for _, finding in ipairs(review.findings) do
    if finding.rule == "unknown-param" then return end
  end
  local used, escapes = {}, false
  walk.all(tree, function(node)
    if node.kind == "text" then used[node.value], used[node.value:match("^:(.*)$") or ""] = true, true end
    if node.kind == "index" and node.name then used[node.name] = true end
    if node.kind == "call" then
      local module = declared_module.required(node)
      escapes = escapes or module ~= nil and not module:find("^opsh")
      local callee = node.callee.kind == "name" and node.callee.binding
      if not callee and declared_module.required(node.callee) ~= "opsh.runbook" then
        for _, argument in ipairs(node.arguments) do
          local bare = walk.bare(argument)
          local params = bare.kind == "index" and bare.name == "params" and roles.handle(bare.object) == "ctx"
          escapes = escapes or params
        end
      end
    end
    -- Params taken with a name that is computed.
    if node.kind == "index" and not node.name and node.object.kind == "index" and node.object.name == "params" then
      escapes = true
    end
  end)
  for _, statement in ipairs(list) do
    if not statement.text and statement.node.kind ~= "name" then escapes = true end
    for _, placeholder in ipairs(statement.outline and statement.outline.placeholders or {}) do
      if placeholder.name then used[placeholder.name] = true end
    end
    if not statement.outline then escapes = true end
  end
  if escapes then return end
  for name, item in pairs(declared.params) do
    if not used[name] then
      review:add(
        "unused-param",
        item.at,
        ("param %s is declared, and nothing uses it"):format(name),
        ("--%s would do nothing: use it in the plan, or take it out"):format((name:gsub("_", "-")))
      )
    end
  end
end

---@param review table
---@param tree table
---@param declared table
---@param list table[] statements, with their outlines
function M.look(review, tree, declared, list)
  local owner = tree
  local function look(node)
    if node.kind == "function" and node ~= tree then
      local outer = owner
      owner = node
      walk.all({ kind = "do", statements = node.statements }, look)
      owner = outer
      return false
    end
    if node.kind == "call" then
      look_at_pcall(review, node)
      look_at_effect(review, node)
      local callee = node.callee
      if callee.kind == "index" and callee.name == "insert" and callee.object.kind == "name" and node.arguments[1] then
        look_at_state(review, node, node.arguments[1], owner)
      end
    elseif node.kind == "assign" then
      for _, target in ipairs(node.targets) do
        look_at_state(review, target, target, owner)
      end
    end
  end
  walk.all(tree, look)
  look_for_unused(review, tree, declared, list)
end

return M
