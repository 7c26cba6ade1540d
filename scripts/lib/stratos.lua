--- The application that these runbooks work beside, a Laravel program: how it is taken down, where its flags are, what
--- shows that it works. Steps and checks that need it, or a person, are in a run only when their param is given.
local flags = require("opsh.flags")
local http = require("opsh.http")
local notify = require("opsh.notify")
local preflight = require("opsh.preflight")
local proc = require("opsh.proc")

local M = {}

local params = {
  app_dir = { type = "string", pattern = "^/", help = "The application's folder, from / on, with artisan and .env." },
  url = { type = "string", pattern = "^https?://%S+$", help = "The application's address; the run asks its API." },
  app_tests = { type = "boolean", default = false, help = "Run the application's own tests first, with --app-dir." },
  api_token = { type = "string", secret = true, help = "Token for the API." },
  smoke_tests = { type = "boolean", default = false, help = "Ask a person to look at the application." },
  webhook = { type = "string", secret = true, help = "Address that is told how the run ended." },
  window = {
    type = "string",
    pattern = "^%d%d?:%d%d%-%d%d?:%d%d *%S*$",
    help = 'Apply within this time only: "22:00-06:00", or "22:00-06:00 America/Santiago"; UTC without a zone.',
  },
}

--- A runbook's own params, and those of the application that it has.
---@param own table<string, table>
---@param ... string names
function M.params(own, ...)
  for _, name in ipairs({ ... }) do
    own[name] = params[name]
  end
  return own
end

--- What a param says. Raises when what needs it was asked for without it.
local function given(ctx, name)
  local option = "--" .. name:gsub("_", "-")
  return ctx.params[name]
    or error({ kind = "usage.missing", message = option .. " is wanted too", hint = "see --help" }, 0)
end

local function environment_file(ctx) return given(ctx, "app_dir") .. "/.env" end

local function address(ctx, path) return given(ctx, "url"):gsub("/+$", "") .. path end

local function artisan(ctx, arguments, environment)
  return proc.run(
    { "php", "artisan", unpack(arguments) },
    { directory = given(ctx, "app_dir"), environment = environment }
  )
end

-- The configuration may be cached, and then nobody reads .env.
local function read_flags_again(ctx)
  artisan(ctx, { "config:clear" })
  artisan(ctx, { "cache:clear" })
end

--- Checks before anything is written, which no healthy database fails.
---@param ... table tables, as opsh.preflight.schema takes them
function M.preflight(check, ctx, ...)
  preflight.server_version(check, ctx, { at_least = "13" })
  preflight.free_space(check, ctx, { here = "100 MB", server = "100 MB" })
  preflight.no_long_transactions(check, ctx, { older_than = "1 h", unseen = "skip" })
  for _, tables in ipairs({ ... }) do
    preflight.schema(check, ctx, tables)
  end
  if ctx.params.window then preflight.window(check, ctx, ctx.params.window) end
  if ctx.params.app_dir then
    local file = environment_file(ctx)
    local surroundings = flags.get(file, "APP_ENV")
    check:equal("APP_ENV of the application", surroundings, surroundings or "a name")
    check:equal("database of the application", flags.get(file, "DB_DATABASE"), ctx:value("select current_database()"))
  end
end

--- A check that the flag of imports is off. What .env does not say is decided by config/features.php, which may say on.
function M.imports_are_off(check, ctx)
  if not ctx.params.app_dir then return end
  check:equal("IMPORT_GENERATION in .env", flags.get(environment_file(ctx), "IMPORT_GENERATION"), "false")
end

--- A step that runs tests of the application. They judge its code and not the data, so it comes first. They empty the
--- database that they find: the environment wins over .env, and the cached configuration, which would win over that, is
--- not read. Not part of every run, because a deployment without development packages has no `artisan test`.
---@param filter string which, as artisan takes it
function M.tests(filter)
  local apart = { APP_ENV = "testing", DB_CONNECTION = "sqlite", DB_DATABASE = ":memory:", DB_URL = "",
    APP_CONFIG_CACHE = "bootstrap/cache/none.php" }
  return {
    name = "tests of the application",
    when = "app_tests",
    effect = function(ctx) artisan(ctx, { "test", "--filter", filter }, apart) end,
  }
end

M.maintenance = {
  name = "maintenance mode",
  when = "app_dir",
  effect = function(ctx) artisan(ctx, { "down" }) end,
  compensate = function(ctx) artisan(ctx, { "up" }) end,
}

--- Ends the maintenance, and looks into the log; so does each look of opsh watch.
M.maintenance_off = {
  name = "maintenance mode off",
  when = "app_dir",
  ends = "maintenance mode",
  verify = function(check, ctx) M.log_is_clean(check, ctx) end,
}

-- Laravel has no command that stops workers and nothing else, but in its newest versions.
M.queue = {
  name = "queue workers at rest",
  when = "queue",
  effect = function(ctx) proc.run({ "supervisorctl", "stop", ctx.params.queue }) end,
  compensate = function(ctx) proc.run({ "supervisorctl", "start", ctx.params.queue }) end,
}

M.queue_on = { name = "queue workers on", when = "queue", ends = "queue workers at rest" }

--- A step that switches a flag in the application's .env. When the run fails or is undone the flag is what it was.
---@param step { name: string, when: string, flag: string, value: any }
function M.flag(step)
  local switch = flags.in_file({ name = step.name, file = environment_file, flag = step.flag, value = step.value })
  return {
    name = step.name,
    when = step.when,
    effect = function(ctx)
      switch.effect(ctx)
      read_flags_again(ctx)
    end,
    compensate = function(ctx)
      switch.compensate(ctx)
      read_flags_again(ctx)
    end,
  }
end

--- A check that the importer and the validator have logged no error since the run began; the log's times are UTC.
function M.log_is_clean(check, ctx)
  if not ctx.params.app_dir then return end
  local began = ctx.run and ctx.run:gsub("^(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d).*$", "[%1-%2-%3 %4:%5:%6]")
    or os.date("![%Y-%m-%d %H:%M:%S]")
  local errors = "^\\[[0-9: -]+\\] [a-z]+\\.(ERROR|CRITICAL|ALERT|EMERGENCY).*"
    .. "(importer|ScenarioGenerationImporter|LlmResponseValidator)"
  local found = proc.run(
    { "grep", "-rhE", errors, "storage/logs" },
    { directory = given(ctx, "app_dir"), reads = true, expect = { 0, 1 } }
  )
  local count = 0
  for line in found.output:gmatch("[^\n]+") do
    if line:sub(1, #began) >= began then count = count + 1 end
  end
  check:equal("errors in the application's log since the run began", count, 0)
end

--- A step that accepts generations through the API, which makes their scenarios and imports the answers. The API
--- answers 201 when the import failed too, so the database is asked what became of them.
M.accept = {
  name = "accept generations",
  when = "accept",
  effect = function(ctx)
    local path = "/api/strategic-planning/scenario-generations/%s/accept"
    -- Done twice, it would make a second scenario. The column may not be there yet when this is planned.
    for _, row in ipairs(ctx:query([[
      select generation.id from scenario_generations as generation
      where generation.id = any(:accept)
        and not exists (select from scenarios as scenario
                        where to_jsonb(scenario) ->> 'source_generation_id' = generation.id::text)
      order by generation.id
    ]])) do
      http.post(address(ctx, path:format(row.id)), { bearer = "api_token", json = { import = true } })
    end
  end,
  verify = function(check)
    check:none("generations accepted without their import", [[
      select wanted.id as generation_id, generation.metadata::jsonb #>> '{import_audit,-1,result}' as result
      from unnest(:accept) as wanted (id)
      left join scenario_generations as generation on generation.id = wanted.id
      where generation.metadata::jsonb #>> '{import_audit,-1,result}' is distinct from 'success'
      order by wanted.id
    ]])
  end,
}

--- A step whose checks ask the application; so does each look of opsh watch.
---@param more? fun(ask: fun(name: string, path: string, json: table), ctx: table) further checks
function M.answers(more)
  return {
    name = "the application answers",
    when = "url",
    effect = function() end,
    verify = function(check, ctx)
      local function ask(name, path, json)
        check:http(name, address(ctx, path), { json = json, bearer = ctx.params.api_token and "api_token" })
      end
      ask("the application is up", "/up")
      if more then more(ask, ctx) end
    end,
  }
end

--- A step in which a person looks at the application.
---@param name string
---@param question string
function M.look(name, question) return { name = name, when = "smoke_tests", manual = question } end

--- Tells the team how the run ended: backup, commit, rows, incidents.
M.notice = notify.ending("webhook")

return M
