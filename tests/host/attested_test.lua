local test = require("opsh.test")
local backing = require("backing")
local documents = require("documents")

local describe, it, expect = test.describe, test.it, test.expect

local function utc(seconds_ago) return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - seconds_ago) end

local function identifier(database)
  return database:value("select system_identifier::text as id from pg_catalog.pg_control_system()")
end

--- What a command prints, with fields replaced.
local function attestation(database, fields)
  local made = {
    time = utc(600),
    system_identifier = identifier(database),
    label = "20261121-183930F",
    how = "restore test",
    verified = utc(300),
  }
  for name, value in pairs(fields or {}) do
    made[name] = value
  end
  local line = '{"time":"%s","system_identifier":"%s","label":"%s","verified":{"how":"%s","time":"%s"}%s}'
  return line:format(made.time, made.system_identifier, made.label, made.how, made.verified, made.more or "")
end

--- The target with a command that is this shell script.
local function attested_by(database, script, policy)
  test.write("attest.sh", script)
  backing.configure(
    database,
    ('backup = { attested = { command = { "/bin/sh", %q }, verified = { "restore test" }%s } }'):format(
      test.folder() .. "/attest.sh",
      policy or ""
    )
  )
end

local function printing(database, text, policy) attested_by(database, ("echo '%s'\n"):format(text), policy) end

--- An apply that is refused and says what the command printed.
local function refused(fields, words, policy)
  local database = backing.items()
  local text = attestation(database, fields)
  printing(database, text, policy)
  backing.is_refused(backing.apply(), database, words, text:sub(1, 60))
end

describe("an attested backup", function()
  it("is accepted when identity, age and verification are what the target accepts, and is recorded", function()
    local database = backing.items()
    printing(database, attestation(database, { more = ',"database":"' .. database.name .. '"' }))
    local result = backing.apply()
    backing.is_applied(result, database)
    expect.contains(result.output, "backup   20261121-183930F, attested, verified by restore test, 10 min")
    expect.contains(backing.recorded(), '"level":"attested"')
    expect.contains(backing.recorded(), '"label":"20261121-183930F"')
  end)

  it("is in the document of --json, of the plan as the command that will be asked", function()
    local database = backing.items()
    printing(database, attestation(database))
    local planned = backing.on_prod(backing.runbook(), "--json").json()
    expect.equal(planned.backup.outcome, "asked")
    local applied = backing.apply("--json").json()
    expect.equal(applied.backup.outcome, "accepted")
    expect.equal(applied.backup.level, "attested")
    expect.equal(applied.backup.verified.how, "restore test")
    documents.fit(planned, "run")
    documents.fit(applied, "run")
  end)

  it("keeps nothing in the audit log that it does not know", function()
    local database = backing.items()
    printing(database, attestation(database, { more = ',"token":"sesame"' }))
    backing.is_applied(backing.apply(), database)
    expect.lacks(backing.recorded(), "sesame")
  end)

  it("is not asked for when a plan is made, which says who would be asked", function()
    local database = backing.items()
    attested_by(database, "touch asked\n")
    local result = backing.on_prod(backing.runbook())
    expect.equal(result.exit, 0)
    expect.contains(result.output, "An apply would ask /bin/sh for a backup.")
    expect.equal(test.shell("ls asked").output, "")
  end)

  it("is not asked for when --backup names another", function()
    local database = backing.items()
    printing(database, attestation(database))
    backing.is_refused(backing.apply("--backup=absent.dump"), database, "there is no file absent.dump")
  end)

  it("of another server is refused", function()
    refused({ system_identifier = "7710696237139292352" }, "it is a backup of system 7710696237139292352")
  end)

  it("of another database is refused", function()
    refused({ more = ',"database":"elsewhere"' }, "it is a backup of database elsewhere")
  end)

  it("that is older than backups may be is refused", function()
    refused({ time = utc(3 * 3600) }, "3 h 00 min old, and the limit is 2 h 00 min")
  end)

  it("may be older where the target says so", function()
    local database = backing.items()
    printing(database, attestation(database, { time = utc(3 * 3600) }), ', max_age = "1d"')
    backing.is_applied(backing.apply(), database)
  end)

  it("from the future is refused", function() refused({ time = utc(-3600) }, "time is in the future") end)

  it("that was verified in the future is refused", function()
    refused({ verified = utc(-3600) }, "verified.time is in the future")
  end)

  it("whose time has no zone is refused", function()
    refused({ time = "2026-11-21T18:45:00" }, "time is not a time in UTC")
  end)

  it("that was verified in a way that the target does not name is refused", function()
    refused({ how = "it exists" }, "it was verified by it exists, and the target accepts restore test")
  end)

  it("whose command prints something else is refused, with what it printed", function()
    local database = backing.items()
    printing(database, "all is well")
    backing.is_refused(backing.apply(), database, "that is not one JSON object; it printed all is well")
  end)

  it("whose system identifier is a number is refused: it would lose digits", function()
    local database = backing.items()
    printing(database, (attestation(database):gsub('"system_identifier":"(%d+)"', '"system_identifier":%1')))
    backing.is_refused(backing.apply(), database, "system_identifier must be a text")
  end)

  it("whose command says nothing of how it was verified is refused", function()
    local database = backing.items()
    printing(database, (attestation(database):gsub(',"verified".*$', "}")))
    backing.is_refused(backing.apply(), database, "verified must be")
  end)

  it("whose command fails is refused, with what it printed, though that looks right", function()
    local database = backing.items()
    attested_by(database, ("echo '%s'\necho no archive >&2\nexit 3\n"):format(attestation(database)))
    backing.is_refused(backing.apply(), database, "exit status 3", "and as an error no archive")
  end)

  it("whose command is not there is refused", function()
    local database = backing.items()
    backing.configure(database, 'backup = { attested = { command = { "absent/attest" }, verified = { "x" } } }')
    backing.is_refused(backing.apply(), database, test.folder() .. "/absent/attest", "it cannot be run")
  end)

  it("has a command that sees no password of opsh's", function()
    local database = backing.items()
    attested_by(database, 'test -z "$PGPASSWORD" || exit 9\n' .. ("echo '%s'\n"):format(attestation(database)))
    local result = test.opsh(
      { "--target=prod", backing.runbook(), "--apply" },
      { environment = { PGPASSWORD = "sesame" } }
    )
    backing.is_applied(result, database)
  end)
end)

-- A server with a stanza, as an administrator has them; what runs pgbackrest must be the user of the server.
local server = [==[
set -e
work=$(mktemp -d /tmp/opsh-attested-XXXXXX)
if [ "$(id -u)" = 0 ]; then owner=postgres; prefix="runuser -u postgres --"; else owner=$(id -un); prefix=; fi
as() { $prefix "$@"; }
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null; rm -rf "$work"' EXIT
mkdir "$work/repo" "$work/log" "$work/lock" "$work/socket"
cat >"$work/pgbackrest.conf" <<END
[global]
repo1-path=$work/repo
repo1-retention-full=1
log-path=$work/log
lock-path=$work/lock
log-level-console=error
start-fast=y
[main]
pg1-path=$work/data
pg1-socket-path=$work/socket
END
chown -R "$owner" "$work"
as "$bin/initdb" -D "$work/data" -A trust -U "$owner" >"$work/initdb.log"
cat >>"$work/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$work/socket'
fsync = off
archive_mode = on
archive_command = 'pgbackrest --config=$work/pgbackrest.conf --stanza=main archive-push %p'
END
as "$bin/pg_ctl" -D "$work/data" -l "$work/server.log" -w start >/dev/null
stanza() { as pgbackrest --config="$work/pgbackrest.conf" --stanza=main "$@"; }
stanza stanza-create
stanza backup
sql() { as "$bin/psql" -h "$work/socket" -d postgres -Xqtc "$1"; }
sql "create table item (id bigint primary key, part text, amount numeric, done boolean not null default false)"
sql "insert into item select i, 'red', i from generate_series(1, 4) as i"

command=
for word in $prefix "$ATTEST" main "$WAY" "--config=$work/pgbackrest.conf"; do command="$command \"$word\","; done
cat >opsh.config.lua <<END
return { targets = { prod = {
  connect = "host=$work/socket user=$owner dbname=postgres",
  backup = { attested = { command = {$command }, verified = { "pgbackrest $WAY" } } },
} } }
END
if [ -n "$DAMAGE" ]; then
  file=$(find "$work/repo/backup/main" -path '*pg_data/base*' -type f -size +20k | head -1)
  printf X | dd of="$file" bs=1 seek=3000 conv=notrunc 2>/dev/null
fi
set +e
"$OPSH" --target=prod sample.lua --apply
echo "exit $?"
sql "select 'done ' || count(*) from item where done"
]==]

--- An apply there, on a backup that is verified in this way.
local function with_pgbackrest(way, damage)
  backing.runbook()
  return test.shell(server, {
    timeout = 120,
    environment = { ATTEST = test.beside("../../scripts/attested/pgbackrest"), WAY = way, DAMAGE = damage or "" },
  })
end

describe("a backup of pgBackRest", function()
  it("is accepted when its check passes", function()
    local result = with_pgbackrest("check")
    expect.contains(result.output, "exit 0", result.errors)
    expect.contains(result.output, "done 4")
    expect.contains(result.output, "attested, verified by pgbackrest check")
  end)

  it("is accepted when it is verified", function()
    local result = with_pgbackrest("verify")
    expect.contains(result.output, "exit 0", result.errors)
    expect.contains(result.output, "done 4")
  end)

  it("is refused when a byte of it has changed, though pgbackrest verify exits with 0", function()
    local result = with_pgbackrest("verify", "yes")
    expect.contains(result.output, "exit 5", result.errors)
    expect.contains(result.output, "done 0")
    expect.contains(result.errors, "status: invalid")
  end)

  it("is accepted with that byte where only the archive is checked: what a target accepts is its own affair", function()
    local result = with_pgbackrest("check", "yes")
    expect.contains(result.output, "exit 0", result.errors)
  end)
end)
