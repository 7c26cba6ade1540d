--- A table to which rows are only added: a trigger refuses DELETE, TRUNCATE, and UPDATE of columns that are not named.
--- An undo of opsh's is let through.
local sql = require("opsh.native.sql")
local step = require("opsh.schema.step")

local M = {}

-- Anybody may set opsh.rung. The ledger cannot be written by anybody: it has the run, that it is an undo, and whose
-- session it is.
local body = [[
begin
  if pg_catalog.current_setting('opsh.rung', true) = 'undo' then
    if exists (select from opsh.run as r
               where r.id = pg_catalog.current_setting('opsh.run', true) and r.undo_of is not null
                 and r.state = 'running' and r.backend_pid = pg_catalog.pg_backend_pid()) then
      return case tg_op when 'DELETE' then old else new end;
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if pg_catalog.to_jsonb(new) - %s = pg_catalog.to_jsonb(old) - %s then
      return new;
    end if;
  end if;
  raise exception '%% of %%.%% is refused: rows are only added there%s', tg_op, tg_table_schema, tg_table_name
    using errcode = 'restrict_violation';
end
]]

local missing = [[
  select w.place, w.what, w.ddl, w.undo_ddl
  from pg_catalog.pg_class as t
  cross join (values
    (1, 'function ' || :guard::text, :make_function::text, 'drop function ' || :guard::text || '()'),
    (2, 'trigger ' || :row_trigger::text, :make_row::text,
     pg_catalog.format('drop trigger %I on %s', :row_trigger::text, :table::text)),
    (3, 'trigger ' || :truncate_trigger::text, :make_truncate::text,
     pg_catalog.format('drop trigger %I on %s', :truncate_trigger::text, :table::text)))
    as w (place, what, ddl, undo_ddl)
  where t.oid = pg_catalog.to_regclass(:table::text)::pg_catalog.oid
    and case w.place
          when 1 then not exists (select from pg_catalog.pg_proc as p
                                  where p.oid = pg_catalog.to_regproc(:guard::text)::pg_catalog.oid
                                    and p.prosrc = :body::text)
          else not exists (select from pg_catalog.pg_trigger as g
                           where g.tgrelid = t.oid and g.tgenabled <> 'D' and g.tgfoid =
                             pg_catalog.to_regproc(:guard::text)::pg_catalog.oid
                             and g.tgname = case w.place when 2 then :row_trigger::text
                                              else :truncate_trigger::text end)
        end]]

--- The guard of a table. `columns` are those that UPDATE may set.
---@param given { table: string, columns?: string[], name?: string }
---@return table step
function M.append_only(given)
  step.read(given, "append_only", { table = { "string", required = true }, columns = { "table" } })
  local name = step.table_name(given.table)
  local schema, plain = sql.parts(given.table)
  local guard = (schema ~= "" and sql.identifier(schema) .. "." or "") .. sql.identifier(plain .. "_append_only")
  local row_trigger, truncate_trigger = plain .. "_append_only", plain .. "_append_only_truncate"
  local names = {}
  for at, column in ipairs(given.columns or {}) do
    names[at] = sql.literal(column)
  end
  local removed = ("array[%s]::pg_catalog.text[]"):format(table.concat(names, ", "))
  local may_set = table.concat(given.columns or {}, ", "):gsub("[%%']", "")
  local allowed = #names > 0 and "; UPDATE may set " .. may_set or ""
  local source = body:format(removed, removed, allowed)
  local function trigger(which, events)
    return ("create trigger %s before %s execute function %s()"):format(sql.identifier(which), events, guard)
  end
  return step.step(given, {
    name = given.table .. " only grows",
    key = { "place", "what" },
    atomic = true,
    writes = { given.table },
    owns = { given.table },
    plan = function(ctx)
      if ctx:value("select pg_catalog.to_regclass($1) is null", name) then
        step.misuse(("there is no table %s"):format(name), 'if an earlier step makes it, say after = "that step"')
      end
      return missing,
        {
          table = name,
          guard = guard,
          body = source,
          row_trigger = row_trigger,
          truncate_trigger = truncate_trigger,
          make_function = ("create or replace function %s() returns trigger language plpgsql as $opsh$%s$opsh$"):format(
            guard,
            source
          ),
          make_row = trigger(row_trigger, ("update or delete on %s for each row"):format(name)),
          make_truncate = trigger(truncate_trigger, ("truncate on %s for each statement"):format(name)),
        }
    end,
  })
end

return M
