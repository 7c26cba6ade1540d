--- What a rung does when a script asks for something beyond the database. A script asks the same on every rung; whose
--- hands it asks decides, and which of the runbook's functions is running:
---
--- |                            | looks (plan) | rests (simulate, rehearse) | acts (apply, undo)     |
--- | effect, compensate, finally | foretold     | foretold                   | done                   |
--- | apply                      |              | foretold                   | done after the COMMIT  |
--- | reading there              | done         | foretold                   | done                   |
--- | reading in checks          | done         | refused: not judged        | done                   |
---
--- Everywhere else actions are refused.
local batch_effects = require("opsh.host.effects.batch_effects")
local deeds = require("opsh.host.effects.deeds")
local effects = require("opsh.effects")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local kinds = require("opsh.host.effects.kinds")
local worlds = require("opsh.host.effects.world")

local M = {}

--- Stands for what only the answer of a request would say: anything may be taken out of it, and nothing be decided by
--- it. What fails over it is no fault of the script's.
local function unknown_answer(foresight)
  local unknown = {}
  local function touched()
    foresight.touched = true
    return unknown
  end
  local function text()
    foresight.touched = true
    return "..."
  end
  return setmetatable(unknown, {
    __index = touched,
    __call = touched,
    __add = touched,
    __sub = touched,
    __mul = touched,
    __div = touched,
    __concat = function(one, other) return tostring(one) .. tostring(other) end,
    __tostring = text,
    __metatable = "opsh.unknown",
  })
end

--- What would be done, with what is in its way.
---@param checked boolean whether to look for that
local function foretell(job, checked)
  return function(request)
    local kind, world, foresight = kinds.of(request), worlds.of(job), job.foresight
    local entry = { what = kind.describe(request, world), by_hand = kind.by_hand and kind.by_hand(request, world) }
    foresight.list[#foresight.list + 1] = entry
    if checked then
      local ok, problem = host.attempt(kind.foresee, request, world)
      if not ok then
        if problem.kind == "interrupted" then error(problem, 0) end
        entry.obstacle, entry.best_effort = problem, request.best_effort
      end
    end
    return kind.foretold(request, unknown_answer(foresight))
  end
end

local function read(job)
  return function(request)
    local world = worlds.of(job)
    return (kinds.of(request).perform(request, world))
  end
end

--- Reads what an effect wants to know. What cannot be read is in its way, unless the script has an answer to that.
local function read_for_effect(job)
  local perform = read(job)
  return function(request)
    local ok, answer = host.attempt(perform, request)
    if ok then return answer end
    job.foresight.unread = { what = kinds.of(request).describe(request), obstacle = answer }
    error(answer, 0)
  end
end

--- Whether an error is the one that reading ended with.
local function is_unread(foresight, err)
  local problem = foresight.unread and foresight.unread.obstacle
  return problem ~= nil and problem.kind == err.kind and problem.message == err.message
end

local function refuse(hint)
  return function(request)
    errors.raise("script.effects", ("cannot %s here"):format(kinds.of(request).describe(request)), hint)
  end
end

local only_reading = "what acts belongs into the effect of a step, or into apply, where it waits for the COMMIT"
local not_in_apply = "a batch holds locks, and waits for nothing beyond the database: ask in a step of its own"

local function not_judged(request)
  errors.raise(
    "effect.unasked",
    ("%s is not asked on this rung: it would speak of the database as it is without this"):format(
      kinds.of(request).describe(request)
    )
  )
end

--- The hands of a rung. `acts`: what is asked for is done.
local function new(job, rung)
  local places = {
    effect = { act = rung.act, read = rung.read },
    apply = { act = rung.wait, read = refuse(not_in_apply) },
    check = { act = refuse(only_reading), read = rung.judge },
    plan = { act = refuse(only_reading), read = read(job) },
  }
  local function handler(place)
    return function(request) return places[place][request.reads and "read" or "act"](request) end
  end

  local self = { acts = rung.acts or false }

  --- Calls a function of the runbook that may ask for what this place allows.
  ---@param place "effect"|"apply"|"check"|"plan"
  function self.serve(place, work, ...)
    local before = effects.served_by(handler(place))
    local results = { host.protect(work, ...) }
    effects.served_by(before)
    if not results[1] then error(results[2], 0) end
    return unpack(results, 2, table.maxn(results))
  end

  --- What a function would do, in order: { what, obstacle?, unknown? }.
  function self.foretell(work, ...)
    local foresight = { list = {} }
    job.foresight = foresight
    local act = places.effect
    places.effect = {
      act = foretell(job, not rung.rests),
      read = rung.rests and foretell(job, false) or read_for_effect(job),
    }
    local ok, err = host.protect(self.serve, "effect", work, ...)
    places.effect, job.foresight = act, nil
    if not ok then
      if err.kind == "interrupted" then error(err, 0) end
      if is_unread(foresight, err) then
        foresight.list[#foresight.list + 1] = foresight.unread
      elseif foresight.touched then
        foresight.list[#foresight.list + 1] = { unknown = true, what = "what the answer then decides" }
      else
        error(err, 0)
      end
    end
    return foresight.list
  end

  --- What is served outside of `serve`: planning.
  function self.default() effects.served_by(handler("plan")) end

  return self
end

--- A rung that looks: reads what is beyond the database, and foretells the rest.
function M.looking(job)
  local said = foretell(job, true)
  return new(job, { act = said, read = read(job), judge = read(job), wait = said })
end

--- A rung that works on what nobody beyond it sees: foretells everything.
function M.resting(job)
  local said = foretell(job, false)
  return new(job, { rests = true, act = said, read = said, judge = not_judged, wait = batch_effects.foretold(job) })
end

--- The rung that does what it is asked for, and records it before and after.
function M.acting(job)
  return new(job, {
    acts = true,
    act = deeds.doing(job),
    read = read(job),
    judge = read(job),
    wait = batch_effects.waiting(job),
  })
end

return M
