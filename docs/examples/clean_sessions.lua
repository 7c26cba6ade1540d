local runbook, schema = require("opsh.runbook"), require("opsh.schema")

-- What is meant, said once: the plan, the recheck and the checks have it from here.
local expired = "session.expires_at < :as_of::timestamptz - make_interval(days => :days::int)"
local paid = "exists (select from payment_intent where payment_intent.session_token = session.token)"
local alerted = [[exists (
  select from login_alert where login_alert.session_token = session.token and login_alert.resolved_at is null
)]]
local free = expired .. " and session.kind <> 'api' and not " .. paid .. " and not " .. alerted

return runbook {
  title = "Move expired sessions into the archive",
  description = "Sessions of kind api stay. Those with a payment_intent stay and are listed: somebody must look at "
    .. "them. Those with an unresolved login_alert stay until it is resolved. "
    .. "It wants indexes on session_token of session_event, login_alert and payment_intent: without them the server "
    .. "reads these tables once for each deleted session.",
  params = {
    as_of = {
      type = "string", required = true, pattern = "^%d%d%d%d%-%d%d%-%d%d[ T]%d%d:%d%d.*[Z%d]$",
      help = "The moment that ages are counted from, as 2026-03-01T00:00Z; UTC where it names no zone.",
    },
    days = { type = "integer", default = 30, help = "Expired for more than so many days." },
  },
  preconditions = function(check)
    check:count("as_of is not in the future", "select case when :as_of::timestamptz <= now() then 0 else 1 end", 0)
    check:count("days is not negative", "select case when :days >= 0 then 0 else 1 end", 0)
  end,
  steps = {
    schema.table { table = "session_archive", definition = [[
      token uuid primary key, account_id bigint not null, kind session_kind not null, created_at timestamptz not null,
      expires_at timestamptz not null, last_seen_at timestamptz, revoked boolean not null, ip inet, data jsonb not null,
      archived_at timestamptz not null default now(), run text not null
    ]] },
    schema.table { table = "session_event_archive", definition = [[
      id bigint primary key, session_token uuid not null references session_archive, at timestamptz not null,
      what text not null, archived_at timestamptz not null default now(), run text not null,
      unique (session_token, id)
    ]], after = "table session_archive" },
    {
      name = "archive and delete",
      after = "table session_event_archive",
      plan = [[
        select session.token, session.account_id, session.expires_at,
               coalesce(event.events, 0) as events, payment.payments,
               case when session.kind = 'api' then 'api' when payment.payments is not null then 'payment'
                    when ]] .. alerted .. [[ then 'unresolved alert' else 'delete' end as what
        from session
        left join (select session_token, count(*) as events from session_event group by session_token) as event
          on event.session_token = session.token
        left join (select session_token, string_agg(id::text, ', ' order by id) as payments
                   from payment_intent group by session_token) as payment
          on payment.session_token = session.token
        where ]] .. expired,
      key = "token",
      classify = function(row)
        if row.what == "payment" then return "payment", nil, "payment_intent " .. row.payments end
        return row.what
      end,
      skip = { "api", "unresolved alert" },
      reject = { "payment" },
      totals = { "events" },
      summary = function(planned)
        return {
          to_archive = planned.items, events = planned.totals.events, to_be_looked_at = planned.labels.payment,
          left_api = planned.labels.api, left_unresolved_alert = planned.labels["unresolved alert"],
        }
      end,
      writes = {
        "session", "session_archive", "session_event", "session_event_archive",
        login_alert = "select id from login_alert where session_token = any(:keys)", -- on delete set null
      },
      -- for update: until this batch is committed nobody can use these sessions, nor refer to them.
      recheck = "select session.token from session where session.token = any(:keys) and " .. free
        .. " order by session.token for update",
      apply = function(tx, _, ctx)
        local run = { run_id = ctx.run }
        -- Locked, so that what is copied is what is deleted.
        tx:value([[
          select count(*) from (
            select id from session_event where session_token = any(:keys) order by id for update
          ) as locked
        ]])
        local archived = tx:exec([[
          insert into session_archive
            (token, account_id, kind, created_at, expires_at, last_seen_at, revoked, ip, data, run)
          select token, account_id, kind, created_at, expires_at, last_seen_at, revoked, ip, data, :run_id
          from session where token = any(:keys)
        ]], run)
        local events_archived = tx:exec([[
          insert into session_event_archive (id, session_token, at, what, run)
          select id, session_token, at, what, :run_id from session_event where session_token = any(:keys)
        ]], run)
        local events_deleted = tx:exec("delete from session_event where session_token = any(:keys)")
        local deleted = tx:exec("delete from session where token = any(:keys)")
        return {
          archived = archived, deleted = deleted, events_archived = events_archived, events_deleted = events_deleted,
        }
      end,
      verify = function(check, ctx)
        local counts, run = ctx.done.counts, { run_id = ctx.run or "" }
        check:equal("sessions deleted", counts.deleted, ctx.planned.items - ctx.done.skipped)
        check:equal("sessions archived", counts.archived, counts.deleted)
        check:equal("events archived", counts.events_archived, counts.events_deleted)
        check:count("sessions of this run in the archive",
          "select count(*) from session_archive where run = :run_id", counts.deleted, run)
        check:count("events of this run in the archive",
          "select count(*) from session_event_archive where run = :run_id", counts.events_deleted, run)
        check:none("expired sessions that should be gone",
          "select session.token, session.expires_at from session where " .. free .. " order by session.token")
        check:none("sessions both here and in the archive",
          "select token from session join session_archive using (token) order by token")
        check:none("archived api sessions", "select token from session_archive where kind = 'api' order by token")
      end,
    },
  },
}
