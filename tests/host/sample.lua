--- Runbooks to test with: the source of one, made of a step that fits, with the fields that a test is about.
local M = {}

--- A table to work on: `item (id, part, amount, done)`.
---@param count integer
function M.items(count)
  return ([[
    create table item (id bigint primary key, part text not null, amount numeric, done boolean not null default false);
    insert into item (id, part, amount)
    select i, (array['red', 'green', 'blue'])[1 + i %% 3], i + 0.10 from generate_series(1, %d) as i;
    analyze item;
  ]]):format(count)
end

local usual = {
  name = '"work"',
  plan = "[[select id, part, amount from item where not done]]",
  key = '"id"',
  writes = '{ "item" }',
  apply = [[function(tx)
    return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }
  end]],
}

local function table_source(fields)
  local lines = {}
  for name, source in pairs(fields) do
    if source then lines[#lines + 1] = ("  %s = %s,"):format(name, source) end
  end
  table.sort(lines)
  return "{\n" .. table.concat(lines, "\n") .. "\n}"
end

--- The source of a step: `fields` are Lua source by name; `false` leaves one out.
---@param fields? table<string, string|false>
function M.step(fields)
  local all = {}
  for name, source in pairs(usual) do
    all[name] = source
  end
  for name, source in pairs(fields or {}) do
    all[name] = source
  end
  return table_source(all)
end

--- The source of a runbook with one step of these fields, or with `steps` among the fields of the top.
---@param fields? table<string, string|false>
---@param top? table<string, string|false>
function M.runbook(fields, top)
  local all = { title = '"sample"', steps = "{ " .. M.step(fields) .. " }" }
  for name, source in pairs(top or {}) do
    all[name] = source
  end
  return 'local opsh, runbook = require("opsh"), require("opsh.runbook")\nreturn runbook ' .. table_source(all) .. "\n"
end

return M
