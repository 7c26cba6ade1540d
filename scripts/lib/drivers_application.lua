--- The application that the drivers belong to: what must hold before a run, what is done and looked at after it. What
--- needs it, or a person, is in a run only when its param is given.
local preflight = require("opsh.preflight")
local proc = require("opsh.proc")

local M = {}

M.params = {
  app_dir = { type = "string", pattern = "^/", help = "The application's folder, from / on: backend, frontend." },
  url = { type = "string", pattern = "^https?://%S+$", help = "The application's address; the run asks its API." },
  api_token = { type = "string", secret = true, help = "Token for the API." },
  smoke_tests = { type = "boolean", help = "Ask a person to look at the application." },
  webhook = { type = "string", secret = true, help = "Address that is told how the run ended." },
  window = {
    type = "string",
    pattern = "^%d%d?:%d%d%-%d%d?:%d%d *%S*$",
    help = 'Apply within this time only: "22:00-06:00", or "22:00-06:00 America/Lima"; UTC without a zone.',
  },
}

local function backend(ctx) return ctx.params.app_dir .. "/backend" end
local function frontend(ctx) return ctx.params.app_dir .. "/frontend" end

--- What a program says that only reads, and whether it ended well.
local function look(folder, ...)
  return proc.run({ ... }, { directory = folder, reads = true, expect = "any", timeout = 120 })
end

local key, text, moment = "uuid", "character varying", "timestamp with time zone"

local tables = {
  ["canon.drivers_index"] = { driver_id = text, license_norm = text, phone_norm = text },
  ["canon.identity_links"] = { person_key = key, source_table = text, source_pk = text, evidence = "jsonb" },
  ["canon.identity_registry"] = { person_key = key, primary_license = text, primary_phone = text },
  ["observational.lead_events"] = { id = "integer", event_date = "date", payload_json = "jsonb", person_key = key },
  ["public.drivers"] = { "driver_id", "license_number", "license_normalized_number", "phone" },
}

local quarantine = {
  driver_id = text,
  person_key = key,
  detected_at = moment,
  detected_reason = "orphan_detected_reason",
  creation_rule = text,
  evidence_json = "jsonb",
  status = "orphan_status",
  resolved_at = moment,
  resolution_notes = "text",
}

-- An upgrade has no plan, brings along whatever else is pending, and stops where the table is there already.
local function check_backend(check, ctx)
  local migration = look(backend(ctx), "alembic", "current")
  local is_head = migration.exit == 0 and migration.output:find("(head)", 1, true)
  check:that("the application has no pending migration", is_head, "in its backend: alembic upgrade head")
  local names = "DriverOrphanQuarantine, OrphanDetectedReason, OrphanStatus"
  local models = look(backend(ctx), "python3", "-c", "from app.models.canon import " .. names)
  check:that("the backend has the models of the quarantine", models.exit == 0, "deploy the backend first")
end

--- Preconditions, which no healthy database fails.
function M.preflight(check, ctx)
  preflight.server_version(check, ctx, { at_least = "13" })
  preflight.no_long_transactions(check, ctx, { older_than = "1 hour", unseen = "skip" })
  preflight.schema(check, ctx, tables)
  if ctx:value("select to_regclass('canon.driver_orphan_quarantine') is not null") then
    preflight.schema(check, ctx, { ["canon.driver_orphan_quarantine"] = quarantine })
  end
  if ctx.params.window then preflight.window(check, ctx, ctx.params.window) end
  if ctx.params.app_dir then check_backend(check, ctx) end
end

--- A check that the application sees what the database has.
function M.check_metrics(check, ctx)
  if not ctx.params.url then return end
  local counted = ctx:value("select count(*) from canon.driver_orphan_quarantine where status = 'quarantined'")
  local address = ctx.params.url:gsub("/+$", "") .. "/api/v1/identity/orphans/metrics"
  local bearer = ctx.params.api_token and "api_token"
  local wanted = { bearer = bearer, json = { quarantined = counted } }
  check:http("the API counts the same drivers in quarantine", address, wanted)
end

M.frontend = {
  name = "build the frontend",
  when = "app_dir",
  effect = function(ctx)
    proc.run({ "npm", "ci" }, { directory = frontend(ctx) })
    proc.run({ "npm", "run", "build" }, { directory = frontend(ctx) })
  end,
  verify = function(check, ctx)
    for _, page in ipairs({ "app/orphans/page.tsx", "components/Sidebar.tsx" }) do
      check:that("the frontend has " .. page, look(frontend(ctx), "test", "-f", page).exit == 0)
    end
  end,
}

--- They only read the database, and judge its content: so they come last.
M.tests = {
  name = "integrity tests of the application",
  when = "app_dir",
  effect = function(ctx)
    proc.run({ "pytest", "tests/test_orphans_integrity.py", "-v" }, { directory = backend(ctx) })
  end,
}

return M
