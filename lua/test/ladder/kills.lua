--- Kills opsh in one batch after the other: all of the batch is written, its row is in the ledger, COMMIT is not sent.
local content = require("opsh.host.test.ladder.content")
local errors = require("opsh.host.errors")
local load = require("opsh.host.runbook.load")
local native_db = require("opsh.native.db")
local native_journal = require("opsh.native.journal")
local options = require("opsh.host.options")
local place = require("opsh.host.test.place")
local process = require("opsh.host.test.process")

local M = {}

local patience = 300
-- A batch waits where the setting `ladder.hold` of its session says, with this lock, which nobody else takes.
local lock_class, lock_number = 1869640548, 1

-- In opsh's own schema, which no journal and no proof looks at. Numbers that a batch which is killed has taken from
-- sequences are given back: the ledger remembers with each batch how far they were.
local instruments = ([[
  create table opsh.ladder_sequence (place bigserial, name text, last bigint, is_called boolean);
  create function opsh.ladder_note() returns void language plpgsql as $$
  declare name text;
  begin
    for name in select c.oid::regclass::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
                where c.relkind = 'S' and n.nspname !~ '^pg_' and n.nspname <> 'opsh'
    loop
      execute format('insert into opsh.ladder_sequence (name, last, is_called)
                      select %%L, last_value, is_called from %%s', name, name);
    end loop;
  end $$;
  create function opsh.ladder_hold() returns trigger language plpgsql as $$
  declare
    row jsonb := to_jsonb(new);
    place text := case tg_table_name when 'batch' then (row ->> 'step') || '.' || (row ->> 'number')
                  else (row ->> 'number') || '.end' end;
  begin
    perform opsh.ladder_note();
    if place = current_setting('ladder.hold', true) then
      perform pg_advisory_xact_lock(%d, %d);
      perform pg_sleep(%d);
    end if;
    return null;
  end $$;
  create trigger ladder_hold after insert on opsh.batch for each row execute function opsh.ladder_hold();
  create trigger ladder_hold after update of done_at on opsh.step for each row when (new.done_at is not null)
    execute function opsh.ladder_hold();
  select opsh.ladder_note();
]]):format(lock_class, lock_number, patience)

local rewind = [[
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid();
  select setval(name::regclass, last, is_called)
  from (select distinct on (name) * from opsh.ladder_sequence order by name, place desc) as newest
  where to_regclass(name) is not null;
]]

local is_held = ([[
  select count(*)::int as held
  from pg_locks as l join pg_database as d on d.oid = l.database
  where l.locktype = 'advisory' and (l.classid, l.objid, l.objsubid) = (%d, %d, 2) and l.granted and d.datname = $1
]]):format(lock_class, lock_number)

--- How many batches a step has.
local function batches_of(step, declared, batch)
  if type(step.planned) ~= "table" or step.planned.items == 0 then return 0 end
  if declared.atomic then return 1 end
  local size = declared.autocommit and 1 or math.min(batch, declared.batch or batch)
  return math.ceil(step.planned.items / size)
end

--- The steps of an apply, with how many batches they have when it is done again; and the most that one has.
local function steps_of(course, document)
  local declared, steps, most = {}, {}, 0
  for _, step in ipairs(load.load(place.beside(course.runbook), options.taken()).steps) do
    declared[step.name] = step
  end
  for at, step in ipairs(document.steps) do
    local has_items = step.kind == "items"
    local batches = has_items and batches_of(step, declared[step.name], course:batch()) or 0
    steps[at] = {
      number = step.number,
      batches = batches,
      is_itemless = not has_items,
      is_schema = type(step.schema) == "table",
    }
    most = math.max(most, batches)
  end
  return steps, most
end

--- Where a run of this apply is killed, in order, as the ledger knows the places. Unless all are meant: in the second
--- and the last batch of the largest step, the first of others, of schema steps of one, and at ends of steps that have
--- none.
---@param document table of an apply
---@param is_all boolean
local function places(course, document, is_all)
  local steps, most = steps_of(course, document)
  local found, has_schema = {}, false
  for at, step in ipairs(steps) do
    local is_largest = step.batches == most and most > 1
    for number = 1, step.batches do
      local is_chosen = number == 1 and not (step.is_schema and has_schema)
      if is_largest then is_chosen = number == 2 or number == most end
      if is_all or is_chosen then found[#found + 1] = ("%d.%d"):format(step.number, number) end
    end
    has_schema = has_schema or step.is_schema and step.batches > 0
    if step.is_itemless or at == #steps or is_all then found[#found + 1] = step.number .. ".end" end
  end
  return found
end

local function run_of(database) return database:value("select max(id) from opsh.run") end

--- Starts opsh and kills it where it is held; nothing when it ends before.
local function kill_at(course, on, words, where, watcher)
  local settings = course:options(on)
  settings.environment.PGOPTIONS = "-c ladder.hold=" .. where
  local started = process.spawn(words, settings)
  process.wait_until("opsh comes to " .. where, function()
    return watcher:read(is_held, { n = 1, on.name })[1].held > 0 or not started:running()
  end, patience)
  if not started:running() then return started:wait(patience) end
  started:signal("KILL")
  started:wait(patience)
  on:execute(rewind)
end

--- Applies, is killed wherever that was chosen, and goes on, to the end.
---@return { database: table, kills: string[], exit: integer }
function M.run(course)
  local applied, on = course:applied(), course:copy(course:base())
  on:execute(table.concat(native_journal.schema(), ";\n") .. ";\n" .. instruments)
  local watcher = native_db.host_reader({ conninfo = course:planned().database.conninfo })
  local words = course:words("--apply", "--json", "--batch=" .. course:batch())
  local killed, result = {}, nil
  for _, where in ipairs(places(course, applied.document, course.fixture.boundaries == "all")) do
    result = kill_at(course, on, course:answered(words), where, watcher)
    if result then break end
    killed[#killed + 1] = where
    words = { "resume", run_of(on), "--quiet", "--json", "--batch=" .. course:batch() }
  end
  watcher:close()
  result = result or process.opsh(course:answered(words), course:options(on))
  if #killed == 0 then
    local message = "opsh was never killed: it came to no place where that was meant"
    errors.raise("test.failed", message)
  end
  return { database = on, kills = killed, result = result }
end

--- What it left that an apply which nobody killed did not, but for what differs between two of these anyway.
---@return { rows: table[] }
function M.differences(course, on)
  local left = course:applied().left
  local found = content.differences(left, on, { except = course.except })
  if #found.rows == 0 then return found end
  local except = content.unequal_columns(left, course:twin())
  for name, columns in pairs(course.except) do
    except[name] = except[name] or {}
    for column in pairs(columns) do
      except[name][column] = true
    end
  end
  return content.differences(left, on, { except = except })
end

return M
