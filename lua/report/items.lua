--- Which items there are and what became of them, for a report: batches `{ position, outcome, left_out, last_key }`,
--- each up to a position in the plan.
local M = {}

-- So many items at a time: between them an interrupt is heeded.
local portion = 50000
local page = 1000

--- Items that nobody has worked on, behind a position.
local function portions(from, last, outcome)
  return function()
    if from >= last then return nil end
    from = math.min(from + portion, last)
    return { position = from, outcome = outcome }
  end
end

--- All items of a plan.
function M.planned(step) return portions(0, step.planned.items, "planned") end

local function with_reason(left_out)
  for _, item in ipairs(left_out) do
    item.error = item.message or item.outcome == "changed" and "changed since the plan" or nil
  end
  return left_out
end

--- What the ledger says: items of committed batches.
---@param session userdata
---@param run string
---@param number integer of the step
function M.committed(session, run, number)
  local list, at, last = {}, 0, 0
  local function next_page()
    list, at = session:read(
      [[
      select b.number, b.position, b.last_key, b.skipped + b.failed as left_out from opsh.batch as b
      where b.run = $1 and b.step = $2::pg_catalog.int4 and b.number > $3::pg_catalog.int4
      order by b.number limit $4::pg_catalog.int8]],
      { n = 4, run, number, last, page }
    ),
      0
  end
  local function left_out_of(batch)
    return with_reason(session:read(
      [[
      select l.key, l.outcome, l.message from opsh.left_out as l
      where (l.run, l.step, l.batch) = ($1, $2::pg_catalog.int4, $3::pg_catalog.int4)]],
      { n = 3, run, number, batch.number }
    ))
  end
  return function()
    if at == #list then next_page() end
    at = at + 1
    local batch = list[at]
    if not batch then return nil end
    last = batch.number
    return {
      position = batch.position,
      outcome = "done",
      left_out = batch.left_out > 0 and left_out_of(batch) or nil,
      last_key = batch.last_key,
    }
  end
end

--- What a simulation did, and what it did not come to.
---@param batches { position: integer, left_out: table[] }[] of the step
function M.simulated(step, batches)
  local at, rest = 0, nil
  return function()
    at = at + 1
    local batch = batches[at]
    if batch then
      return { position = batch.position, outcome = "done", left_out = with_reason(batch.left_out) }
    end
    rest = rest or portions(step.done.seen, step.planned.items, "planned")
    return rest()
  end
end

return M
