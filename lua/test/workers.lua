--- Runs tests in several processes at once, each a worker (worker.lua) with servers and a folder of its own.
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local place = require("opsh.host.test.place")
local proc = require("opsh.native.proc")
local process = require("opsh.host.test.process")
local system = require("opsh.native.system")

local M = {}

--- What starts a worker, as the only word behind `opsh test`.
M.word = "--worker"

-- Stopping a server takes a tenth of a second; a machine that has much else to do must not make it a kill.
local patience = 30
local term = 15

local Worker = {}
Worker.__index = Worker

local started = 0

local function line_of(value) return json.encode(value) .. "\n" end

local function new_worker()
  started = started + 1
  local worker = setmetatable({ portion = {}, written = "" }, Worker)
  worker.child = proc.spawn({
    argv = { process.binary(), "test", M.word },
    is_written_to = true,
    shows_errors = true,
    death_signal = term,
  })
  worker:tell({ folder = ("%s/worker-%d"):format(place.root(), started), variables = process.variables })
  return worker
end

--- One that has just ended reads no more; that is seen where its results are read.
function Worker:tell(value) host.protect(self.child.write, self.child, line_of(value)) end

--- Gives it the next test of its portion, or of another; whether there was one.
function Worker:go_on(queue)
  if #self.portion == 0 then self.portion = queue:take(self) or {} end
  self.test = table.remove(self.portion, 1)
  if not self.test then return false end
  self.began = system.clock()
  local test = self.test
  self:tell({ path = test.path, number = test.number, name = test.name })
  return true
end

--- The next result that it has written, if there is one.
function Worker:result()
  self.written = self.written .. (self.child:read_output() or "")
  local line, rest = self.written:match("^(.-)\n(.*)$")
  if not line then return nil end
  self.written = rest
  return json.decode(line)
end

--- What is known of a test whose worker has ended.
function Worker:lost()
  local ended = self.child:wait()
  return {
    name = self.test.name,
    milliseconds = 1000 * (system.clock() - self.began),
    err = {
      kind = "test.worker",
      message = ("the process that ran the test ended before the test did: %s"):format(ended.text),
      excerpt = self.written ~= "" and self.written or nil,
    },
  }
end

--- The worker has no more to do, and stops its servers while others still work.
function Worker:release() self.child:close_input() end

local function advance(worker, queue, take)
  -- Asked before reading: what it wrote before it ended is there then.
  local running = worker.child:running()
  local result = worker:result()
  while result do
    take(worker.test, result)
    worker.test = nil
    if not worker:go_on(queue) then
      worker:release()
      return "done"
    end
    result = worker:result()
  end
  if running then return "working" end
  take(worker.test, worker:lost())
  return "lost"
end

local function work(pool, jobs, queue, take)
  local working = {}
  local function add(portion)
    local worker = new_worker()
    pool[#pool + 1], working[#working + 1] = worker, worker
    worker.portion = portion or worker.portion
    worker:go_on(queue)
  end
  for _ = 1, math.min(jobs, queue:width()) do
    add()
  end
  while #working > 0 do
    local children = {}
    for at, worker in ipairs(working) do
      children[at] = worker.child
    end
    proc.wait_any(children)
    for at = #working, 1, -1 do
      local worker = working[at]
      local state = advance(worker, queue, take)
      if state ~= "working" then table.remove(working, at) end
      -- Another takes the place of one that was lost, while there is something to do.
      if state == "lost" and (#worker.portion > 0 or queue:width() > 0) then add(worker.portion) end
    end
  end
end

local function stop(pool, signal)
  for _, worker in ipairs(pool) do
    if signal then worker.child:signal(signal) end
    worker:release()
  end
  for _, worker in ipairs(pool) do
    worker.child:wait(patience)
    worker.child:close()
  end
end

--- Runs all tests of the queue; none of the processes is there afterwards, however that ends.
---@param queue table of queue.lua
---@param jobs integer at most so many at once
---@param take fun(test: opsh.host.test.Test, result: table) called with each result as it comes
function M.run(queue, jobs, take)
  local pool = {}
  local ok, err = host.protect(work, pool, jobs, queue, take)
  host.shielded(stop, pool, not ok and term or nil)
  if not ok then error(err, 0) end
end

return M
