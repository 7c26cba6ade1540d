--- In an opsh that a test started: writes which lines of a runbook and its modules run, while they do. A process that
--- is killed loses none.
local coverage = require("opsh.native.coverage")
local digest = require("opsh.native.digest")
local json = require("opsh.native.json")
local lines = require("opsh.host.test.lines")
local system = require("opsh.native.system")

--- Follows a file from here on, in a file of its own in `folder`.
---@param folder string
---@param chunk function what the file was compiled to
---@param path string
---@param sha256 string of its content
return function(folder, chunk, path, sha256)
  local head = json.encode({ path = system.real_path(path), sha256 = sha256 })
  coverage.follow(chunk, folder, digest.random_hex(8), head .. "\n", lines.of(chunk))
end
