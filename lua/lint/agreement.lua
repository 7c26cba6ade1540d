--- What one function of a step gives and another reads: counts, totals, labels, the key that recheck returns.
local constant = require("opsh.host.lint.constant")
local roles = require("opsh.host.lint.roles")
local sorted_names = require("opsh.host.sorted_names")
local walk = require("opsh.host.lint.walk")

local M = {}

--- Calls `visit` for the returns of a function, not of those in it.
local function each_return(node, visit)
  walk.all({ kind = "do", statements = node.statements }, function(inner)
    if inner.kind == "function" then return false end
    if inner.kind == "return" then visit(inner) end
  end)
end

local function function_of(step, field)
  local node = step.fields[field] and walk.meant(step.fields[field].value)
  return node and node.kind == "function" and node or nil
end

-- What a call of tx gives that is no table of counts.
local numbers = { exec = true, value = true, copy_in = true }

local function look_at_result(review, step, node)
  each_return(node, function(inner)
    local value = inner.values[1] and walk.bare(inner.values[1])
    local is_number = value and (value.kind == "number" or value.kind == "unary")
    local is_call = value and value.kind == "invoke" and numbers[value.name] and roles.handle(value.object) == "tx"
    if not is_number and not is_call then return end
    review:add(
      "apply-counts",
      value.at,
      ("%s: apply may return counts: a table of names and numbers"):format(step.what),
      "return { changed = tx:exec(...) }"
    )
  end)
end

--- The names of the counts that apply returns; nothing where the text does not say all of them.
local function counts_of(step)
  local node = function_of(step, "apply")
  if not node then return nil end
  local names = {}
  each_return(node, function(inner)
    -- A table that has a name may get more of it elsewhere.
    local value = names and inner.values[1] and walk.bare(inner.values[1])
    local is_open = value and value.kind ~= "nil" and value.kind ~= "table"
    for _, item in ipairs(value and value.kind == "table" and not is_open and value.items or {}) do
      if item.name and names then
        names[item.name] = true
      else
        is_open = true
      end
    end
    if is_open then names = nil end
  end)
  return names
end

local function texts_in(item)
  local node = item and walk.meant(item.value)
  local one = node and constant.of(node)
  local names = {}
  if one then names[one.text] = true end
  for _, inner in ipairs(node and node.kind == "table" and node.items or {}) do
    local text = inner.place and constant.of(inner.value)
    if not text then return nil end
    names[text.text] = true
  end
  return node and names or nil
end

--- `ctx.done.counts.NAME` in verify, which is 0 for a name that nothing gives.
local function look_at_reads(review, node, counts, totals)
  walk.all({ kind = "do", statements = node.statements }, function(inner)
    local figure = inner.kind == "index" and inner.name_at and walk.bare(inner.object)
    if not figure or figure.kind ~= "index" then return end
    local of = walk.bare(figure.object)
    if not of or of.kind ~= "index" or of.name ~= "done" or roles.handle(of.object) ~= "ctx" then return end
    local known = figure.name == "counts" and counts or figure.name == "totals" and totals
    if not known or known[inner.name] then return end
    local list = sorted_names(known)
    local hint = review.meant(
      inner.name,
      list,
      #list > 0 and ("there are %s"):format(table.concat(list, ", ")) or "apply returns none"
    )
    review:add(
      "unknown-figure",
      inner.name_at,
      ("ctx.done.%s has no %s: it would be 0"):format(figure.name, inner.name),
      hint
    )
  end)
end

--- Adds the texts that an expression may give; whether these are all.
local function add_texts(node, texts)
  node = node and walk.bare(node)
  if not node or node.kind == "nil" then return true end
  if node.kind == "binary" and node.operator == "and" then return add_texts(node.right, texts) end
  if node.kind == "binary" and node.operator == "or" then
    return add_texts(node.left, texts) and add_texts(node.right, texts)
  end
  local text = constant.of(node)
  if text then texts[text.text] = true end
  return text ~= nil
end

--- Labels of skip and reject that classify never gives.
local function look_at_labels(review, step)
  local node = function_of(step, "classify")
  if not node then return end
  local given, is_whole = {}, true
  each_return(node, function(inner) is_whole = is_whole and add_texts(inner.values[1], given) end)
  if not is_whole then return end
  for _, field in ipairs({ "skip", "reject" }) do
    local list = step.fields[field] and walk.meant(step.fields[field].value)
    for _, item in ipairs(list and list.kind == "table" and list.items or {}) do
      local label = item.place and constant.of(item.value)
      if label and not given[label.text] and label.text ~= "undecodable" then
        review:add(
          "unknown-label",
          item.value.at,
          ("%s: classify gives no label %s"):format(step.what, label.text),
          (review.meant(label.text, sorted_names(given), "it gives " .. table.concat(sorted_names(given), ", ")))
        )
      end
    end
  end
end

--- The key's columns and their order, which recheck must give.
local function look_at_recheck(review, statement)
  local step, outline = statement.step, statement.outline
  local key = texts_in(step.fields.key)
  if not outline or not key then return end
  local given = {}
  for _, name in ipairs(outline.columns or {}) do
    given[name] = true
  end
  for _, name in ipairs(outline.columns and sorted_names(key) or {}) do
    if not given[name] then
      review:add(
        "recheck",
        step.fields.recheck.at,
        ("recheck does not return the key column %s"):format(name),
        "select the columns of the key, under the plan's names"
      )
    end
  end
  if not outline.has_order then
    review:add(
      "recheck",
      step.fields.recheck.at,
      "recheck locks rows in any order",
      "order by the key: then two runs cannot wait for each other"
    )
  end
end

---@param review table
---@param declared table
---@param statements table[] with their outlines
function M.look(review, declared, statements)
  for _, step in ipairs(declared.steps) do
    local apply, verify = function_of(step, "apply"), function_of(step, "verify")
    if apply then look_at_result(review, step, apply) end
    if verify then look_at_reads(review, verify, counts_of(step), texts_in(step.fields.totals)) end
    look_at_labels(review, step)
  end
  for _, statement in ipairs(statements) do
    if statement.field == "recheck" then look_at_recheck(review, statement) end
  end
end

return M
