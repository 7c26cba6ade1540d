--- A stand-in for the application that the runbooks work beside: a folder with its .env and log, programs that record
--- how they are called, and its API.
local json = require("opsh.json")
local test = require("opsh.test")

local M = {}

local token = "token-of-the-api-4711"

-- Makes the scenario of a generation, and says that its answer was imported.
local accepts = [[
insert into scenarios (organization_id, name, code, start_date, end_date, horizon_months, fiscal_year, scope_type,
                       owner_user_id, created_by, source_generation_id, accepted_prompt)
select organization_id, 'accepted', 'ACC-' || id, '2026-01-01', '2026-12-31', 12, 2026, 'organization_wide', 1, 1, id,
       prompt
from scenario_generations where id = :generation;
update scenario_generations
set metadata = '{"import_audit": [{"import": true, "result": "success"}]}' where id = :generation;
]]

-- Each program says what it was called with; it fails for what the file `failing` has.
local program = [[
#!/bin/sh
echo "$(basename "$0") $* $DB_CONNECTION" | sed 's/ *$//' >> '%s/calls'
! grep -qxF "$*" '%s/failing' 2>/dev/null
]]

--- How the API accepts generations from now on: all, or all but one.
---@param but? integer a generation's id
function M.accepts(but)
  test.write("application/accept.sql", (but and ("select 1 / (:generation - %d);\n"):format(but) or "") .. accepts)
end

--- An application over a database. `folder`, `url`; `env()`: its .env; `calls()`: how its programs were called;
--- `asked()`: the requests that it got, `notices()`: the bodies of those to its webhook.
---@param database table
---@param env? string further lines of .env
function M.start(database, env)
  local folder = test.folder() .. "/application"
  database:execute("create table migrations (id serial primary key, migration varchar(255), batch integer)")
  test.shell(("mkdir -p '%s/storage/logs' '%s/bin'"):format(folder, folder))
  for _, name in ipairs({ "php", "supervisorctl" }) do
    test.write("application/bin/" .. name, program:format(folder, folder))
  end
  test.shell(("chmod +x '%s/bin'/*"):format(folder))
  M.accepts()
  test.write(
    "application/.env",
    ("APP_ENV=staging\nDB_DATABASE=%s\n%s"):format(
      database:value("select current_database()"),
      env or "IMPORT_GENERATION=false # on when it is proved\n"
    )
  )
  test.shell(
    ([[python3 '%s' '%s' %s "$CONNINFO" > '%s/port' 2> '%s/errors' &]]):format(
      test.beside("programs/application.py"),
      folder,
      token,
      folder,
      folder
    ),
    { environment = { CONNINFO = database.conninfo } }
  )

  local function read(name) return test.shell(("cat '%s/%s' 2>/dev/null || true"):format(folder, name)).output end
  local function lines(name)
    local list = {}
    for line in read(name):gmatch("[^\n]+") do
      list[#list + 1] = line
    end
    return list
  end

  local self = { folder = folder }
  self.url = "http://127.0.0.1:" .. test.wait_until("the API runs", function() return read("port"):match("^%d+") end)
  function self.env() return read(".env") end
  function self.calls() return lines("calls") end
  function self.asked()
    local list = {}
    for at, line in ipairs(lines("seen")) do
      list[at] = json.decode(line).request
    end
    return list
  end
  function self.notices()
    local list = {}
    for _, line in ipairs(lines("seen")) do
      local asked = json.decode(line)
      if asked.request == "POST /webhook" then list[#list + 1] = asked.body end
    end
    return list
  end
  --- The environment of an opsh that finds the programs and has the secrets.
  function self.environment()
    local path = test.shell('printf %s "$PATH"').output
    return {
      PATH = ("%s/bin:%s"):format(folder, path),
      OPSH_PARAM_API_TOKEN = token,
      OPSH_PARAM_WEBHOOK = self.url .. "/webhook",
    }
  end
  return self
end

return M
