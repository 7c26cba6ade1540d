local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

-- What must not be found, and where it is planted.
local password, token, row, mail = "planted-password", "planted-token", "planted-row", "planted-mail"

--- Programs in PATH and OPSH_PG_BIN that write down how they are called, and with which environment.
local function recorded_programs()
  local recorded = test.write("recorded", "")
  local folder = recorded:gsub("recorded$", "bin")
  for _, name in ipairs({ "git", "psql", "postgres", "initdb" }) do
    local found = test.shell(
      ("command -v %s || ls -d /usr/lib/postgresql/*/bin/%s | sort -V | tail -1"):format(name, name)
    )
    test.write(
      "bin/" .. name,
      ('#!/bin/sh\n{ echo "%s $*"; env; } >>%s\nexec %s "$@"\n'):format(name, recorded, found.output:match("%S+"))
    )
  end
  -- For the account that a server of root's runs as; the folder of a worker is one further down.
  test.shell("chmod 755 bin bin/* . ..; case $PWD in */worker-*) chmod 755 ../..;; esac; chmod 666 recorded")
  return folder
end

--- A role that logs in with a password, and owns what is worked on.
local function planted_database()
  local database = test.database({
    sql = ([[
      create table item (id bigint primary key, part text not null, email text, done boolean not null default false);
      insert into item (id, part, email) select i, '%s-' || i, '%s-' || i from generate_series(1, 6) as i;
      alter table item add constraint blocked check (not (done and id = 5));
      drop role if exists planted;
      create role planted login superuser password '%s';
      alter table item owner to planted;
    ]]):format(row, mail, password),
  })
  local hba = database:value("select current_setting('hba_file')")
  database:execute(([[
    copy (values ('local all planted scram-sha-256'), ('local all all trust')) to '%s';
    select pg_reload_conf();]]):format(hba))
  return database, (database.conninfo:gsub("user=%S+", "user=planted"))
end

local fields = {
  batch = "2",
  plan = ("[[select id, part, email, :token::text as given from item where not done and :token = '%s']]"):format(token),
  apply = [[function(tx, items, ctx)
    print("the token is " .. ctx.params.token)
    tx:exec("update item set done = true, email = item.email || '!' from :items as i where item.id = i.id")
  end]],
  verify = [[function(check, ctx)
    check:none("nothing is left", "select id, email, :token::text as given from item where not done")
    check:equal(ctx.params.token, ctx.params.token, ctx.params.token)
  end]],
}
local top = {
  params = '{ token = { type = "string", secret = true, required = true } }',
  redact = '{ "email" }',
}

--- All that the ledger says, but what rows hold.
local function ledger_text(database)
  local parts = {}
  for _, name in ipairs({ "run", "step", "batch", "left_out", "audit" }) do
    for _, found in ipairs(database:query(("select t::text as line from opsh.%s as t"):format(name))) do
      parts[#parts + 1] = found.line
    end
  end
  return table.concat(parts, "\n")
end

--- Everything that opsh says and leaves behind on the way from a plan to an undo.
local function whole_way()
  local database, conninfo = planted_database()
  local bin = recorded_programs()
  test.shell("git init -q . && git -c user.name=a -c user.email=b commit -q --allow-empty -m one")
  local path = test.write("sample.lua", sample.runbook(fields, top))
  local environment = {
    PATH = bin .. ":/usr/bin:/bin",
    PGPASSWORD = password,
    OPSH_PARAM_TOKEN = token,
  }
  local said = { output = {}, errors = {} }
  local function opsh(...)
    local result = test.opsh({ "--db=" .. conninfo .. " passfile=/nonexistent", ... }, { environment = environment })
    said.output[#said.output + 1], said.errors[#said.errors + 1] = result.output, result.errors
    return result
  end
  expect.equal(opsh(path).exit, 0)
  expect.equal(opsh(path, "--json", "--verbose").exit, 0)
  expect.equal(opsh(path, "--simulate").exit, 1)
  expect.equal(opsh(path, "--apply", "--verbose", "--reason", "it is " .. token).exit, 4)
  local id = database:value("select id from opsh.run")
  opsh("show", id)
  opsh("show", id, "--json")
  opsh("show", id, "--changes")
  opsh("show", id, "--changes", "--json")
  opsh("audit", "show", id)
  database:execute("alter table item drop constraint blocked")
  expect.equal(opsh("resume", id).exit, 0)
  opsh("runs")
  database:execute("update item set email = email || '?' where id = 1")
  expect.equal(opsh("undo", id).exit, 0)
  expect.equal(opsh("undo", id, "--apply").exit, 8)
  opsh("-e", ("select '%s' as password;"):format(password))
  return database, said, opsh, id
end

describe("on the whole way from a plan to an undo", function()
  it("a password, a secret param and redacted columns are found nowhere, row values in no log", function()
    local database, said, opsh, id = whole_way()
    local output, errors = table.concat(said.output, "\n"), table.concat(said.errors, "\n")
    local state, children = test.shell("grep -ra . state").output, test.shell("cat recorded").output
    local audit = test.shell("find state -name audit.jsonl -exec cat {} +").output
    local ledger = ledger_text(database)
    for name, text in pairs({ output = output, errors = errors, children = children, ledger = ledger }) do
      for _, secret in ipairs({ password, token }) do
        expect.lacks(text, secret, name)
      end
    end
    expect.lacks(state, password)
    expect.lacks(audit, token)
    expect.lacks(output, mail)
    expect.lacks(errors, mail)
    expect.lacks(errors, row)
    expect.lacks(audit, row)
    -- The controls: what is searched for is found where it is, in what was looked into.
    expect.contains(errors, "the token is ***")
    expect.contains(output, "***")
    expect.contains(output, row .. "-1")
    expect.contains(state, mail .. "-1")
    expect.contains(children, "git --no-optional-locks")
    expect.contains(audit, '"reason":"it is ***"')
    expect.contains(opsh("show", id, "--changes", "--reveal").output, mail .. "-1")
    expect.contains(test.shell("echo $OPSH_PARAM_TOKEN", { environment = { OPSH_PARAM_TOKEN = token } }).output, token)
  end)
end)

describe("the programs of a sandbox", function()
  it("get neither a password nor a secret param, in arguments or environment", function()
    local environment = {
      OPSH_PG_BIN = recorded_programs(),
      XDG_CACHE_HOME = test.folder() .. "/cache",
      PGPASSWORD = password,
      OPSH_PARAM_TOKEN = token,
      SOMEBODYS_TOKEN = token,
    }
    local tables = test.write("tables.sql", "create table item (id bigint primary key);")
    local result = test.opsh({ "--sandbox=" .. tables, "-e", "select 1;" }, { environment = environment })
    expect.equal(result.exit, 0)
    local children = test.shell("cat recorded").output
    expect.lacks(children, password)
    expect.lacks(children, token)
    for _, name in ipairs({ "initdb ", "postgres ", "psql " }) do
      expect.contains(children, name)
    end
  end)
end)

describe("redact", function()
  it("refuses a column that names items: key, tally or classify", function()
    for _, step in ipairs({ { key = '"email"' }, { tally = '"email"' }, { classify = '"email"' } }) do
      local path = test.write("sample.lua", sample.runbook(step, { redact = '{ "email" }' }))
      local result = test.opsh({ path })
      expect.equal(result.exit, 1)
      expect.contains(result.errors, "email is redacted, and " .. next(step) .. " shows it")
    end
  end)
end)

describe("an error about data", function()
  local function failed(option)
    local database = test.database({ sql = sample.items(3) })
    local path = test.write(
      "sample.lua",
      sample.runbook({ apply = ([[function(tx) tx:exec("update item set amount = '%s'::numeric") end]]):format(row) })
    )
    return test.opsh({ path, "--apply", option }, { db = database }).errors
  end

  it("is said without the value where it goes into a log, and with it where that is asked for", function()
    expect.contains(failed("--no-color"), 'invalid input syntax for type numeric: "..."')
    expect.contains(failed("--error-detail"), ('invalid input syntax for type numeric: "%s"'):format(row))
  end)
end)

describe("a core", function()
  it("is not left, whatever the shell allows", function()
    local database = test.database()
    local result = test.shell(([[ulimit -c unlimited
      "$OPSH" --db="%s" -e "select pg_sleep(30);" & pid=$!
      sleep 1; grep "core file" /proc/$pid/limits /proc/$$/limits; kill $pid; wait $pid]]):format(database.conninfo))
    expect.matches(result.output, "core file size +0 ")
    -- The control: the shell's own.
    expect.matches(result.output, "core file size +unlimited")
  end)
end)
