--- Effects that `apply` asks for: they wait for the COMMIT of their batch, in whose transaction they are kept, and are
--- done after it, at least once.
local deeds = require("opsh.host.effects.deeds")
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local kinds = require("opsh.host.effects.kinds")
local secrets = require("opsh.native.secrets")

local _, array = json.metatables()

local M = {}

local most = 1000
-- Of what a simulation would have done so much is shown.
local shown = 20

--- What is asked for from here on belongs to a new attempt.
function M.begin(job) job.asked = {} end

--- Takes a request, to be done later.
function M.waiting(job)
  return function(request)
    local what = kinds.of(request).describe(request)
    if #job.asked >= most then
      errors.raise(
        "script.effects",
        ("a batch may ask for %d effects, and asks for more"):format(most),
        "say batch = ..., or ask once for many items"
      )
    end
    if secrets.holds(json.encode(request)) then
      errors.raise(
        "script.effects",
        ("%s has a secret in it, and would wait with it in the database"):format(what),
        "name it: bearer, secrets and webhook take the name of a secret param"
      )
    end
    job.asked[#job.asked + 1] = { what = what, request = request, outcome = "waiting" }
  end
end

--- Counts what would be done.
function M.foretold(job)
  return function(request)
    local made = job.foretold_in_batches or { count = 0, first = {} }
    made.count = made.count + 1
    if made.count <= shown then made.first[made.count] = kinds.of(request).describe(request) end
    job.foretold_in_batches = made
  end
end

--- What waits for the batch's COMMIT, for its row in the ledger; nil when nothing does.
function M.list(job)
  if not job.asked or not job.asked[1] then return nil end
  debug.setmetatable(job.asked, array)
  return job.asked
end

local function release(job, step, batch, list)
  debug.setmetatable(list, array)
  local function save(head) job.ledger:record_effects(step.number, batch, json.encode(list), head) end
  for number, entry in ipairs(list) do
    if entry.outcome ~= "done" and not entry.given_up then
      entry.step, entry.name, entry.number, entry.batch = step.number, step.name, number, batch
      entry.again = entry.outcome ~= "waiting" or nil
      local request = entry.request
      deeds.perform(job, request, entry, function(head)
        -- Done, or a notice that did not arrive: nothing of it is wanted any more.
        if entry.outcome == "done" or (request.best_effort and entry.outcome ~= "begun") then
          entry.request, entry.given_up = nil, entry.outcome ~= "done" or nil
        end
        save(head)
      end)
      step.released = (step.released or 0) + 1
    end
  end
end

--- After the COMMIT: does what waited for it.
function M.release(job, step, batch, list)
  if list then release(job, step, batch, list) end
end

--- Of a run that goes on: does what still waits, or was begun and not finished.
---@param waiting { number: integer, effects: table[] }[] from the ledger
function M.catch_up(job, step, waiting)
  for _, row in ipairs(waiting) do
    job.say(("doing what waited for the commit of batch %d of step %s"):format(row.number, step.name))
    release(job, step, row.number, row.effects)
  end
end

return M
