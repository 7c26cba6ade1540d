--- The tests that nobody has begun, and who gets which of them.
local M = {}

--- Tests that go to one worker, one after the other: one test, or those that share what they make. Longer ones first,
--- so that no worker is left alone with one in the end.
local function portions(tests)
  local made, shared = {}, {}
  for _, test in ipairs(tests) do
    local portion = test.together and shared[test.together]
    if not portion then
      portion = { order = #made }
      made[#made + 1] = portion
      if test.together then shared[test.together] = portion end
    end
    portion[#portion + 1] = test
  end
  table.sort(made, function(a, b)
    if #a ~= #b then return #a > #b end
    return a.order < b.order
  end)
  return made
end

local Queue = {}
Queue.__index = Queue

--- The file that a worker goes on with: its own, else one that nobody has begun, else that with most left. What the
--- tests of a file load into their databases is loaded once by each worker that takes some of them.
function Queue:choose(worker)
  local own = self.file_of[worker]
  if own and #own.portions > 0 then return own end
  local fullest
  for _, file in ipairs(self.files) do
    if #file.portions > 0 then
      if not file.begun then return file end
      if not fullest or #file.portions > #fullest.portions then fullest = file end
    end
  end
  return fullest
end

--- What the worker is to run next; nothing when there is nothing left.
---@param worker any
---@return opsh.host.test.Test[]|nil
function Queue:take(worker)
  local file = self:choose(worker)
  if not file then return nil end
  file.begun, self.file_of[worker] = true, file
  return table.remove(file.portions, 1)
end

--- How many workers find something to do.
function Queue:width()
  local width = 0
  for _, file in ipairs(self.files) do
    width = width + #file.portions
  end
  return width
end

---@param files opsh.host.test.File[]
function M.new(files)
  local queue = setmetatable({ files = {}, file_of = {} }, Queue)
  for at, file in ipairs(files) do
    queue.files[at] = { portions = portions(file.tests) }
  end
  return queue
end

return M
