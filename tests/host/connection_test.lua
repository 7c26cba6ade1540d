local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function plan(conninfo, arguments)
  return test.opsh({ test.write("sample.lua", sample.runbook()), unpack(arguments or {}) }, { db = conninfo })
end

--- A role that needs a password in every database of the server.
local function guarded(database)
  local path = database:value("select current_setting('hba_file')")
  database:execute(([[
    drop role if exists guarded;
    create role guarded login password 'right-password';
    copy (values ('local all guarded scram-sha-256'), ('local all all trust')) to '%s';
    select pg_reload_conf();
  ]]):format(path))
  return (database.conninfo:gsub("user=%S+", "user=guarded"))
end

describe("without a database", function()
  it("the error says what was tried, and exits 3", function()
    local result = plan("host=/nowhere port=4711 dbname=shop user=nobody")
    expect.equal(result.exit, 3)
    for _, piece in ipairs({ "/nowhere", "4711", "next: " }) do
      expect.contains(result.errors, piece)
    end
  end)

  it("a host without a server is refused within the time that is given", function()
    local result = plan("host=127.0.0.1 port=1 dbname=shop", {})
    expect.equal(result.exit, 3)
    expect.contains(result.errors, "127.0.0.1")
  end)

  it("a connection string that cannot be read is told how to be written", function()
    local result = plan("this is no conninfo")
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "host=... dbname=...")
  end)

  it("a database that does not exist is named", function()
    local database = test.database()
    local result = plan((database.conninfo:gsub("dbname=%S+", "dbname=nowhere")))
    expect.equal(result.exit, 3)
    expect.contains(result.errors, 'database "nowhere" does not exist')
  end)
end)

describe("a password", function()
  it("that is wrong is never printed, in any mode", function()
    local conninfo = guarded(test.database({ sql = sample.items(1) })) .. " password=hunter2-secret"
    for _, mode in ipairs({ {}, { "--json" }, { "--verbose" }, { "--apply" } }) do
      local result = plan(conninfo, mode)
      expect.equal(result.exit, 3)
      expect.lacks(result.errors .. result.output, "hunter2")
      expect.contains(result.errors, "guarded")
    end
  end)

  it("in a URI that cannot be read is never printed", function()
    local result = plan("postgresql://guarded:hunter2-secret@[broken/shop")
    expect.lacks(result.errors .. result.output, "hunter2")
  end)

  it("that is right works, and is in no text of the plan", function()
    local database = test.database({ sql = sample.items(1) .. "grant select on item to public;" })
    local result = plan(guarded(database) .. " password=right-password")
    expect.equal(result.exit, 0)
    expect.lacks(result.output, "right-password")
  end)
end)

describe("a role without the privilege", function()
  it("to read is told so with exit 3", function()
    local database = test.database({
      sql = sample.items(1)
        .. "create table other (id bigint primary key);"
        .. "drop role if exists plain; create role plain login; grant select on item to plain;",
    })
    local path = test.write("sample.lua", sample.runbook({ plan = '"select id from other"' }))
    local result = test.opsh({ path }, { db = (database.conninfo:gsub("user=%S+", "user=plain")) })
    expect.equal(result.exit, 3)
    expect.contains(result.errors, "permission denied for table other")
  end)

  it("to create the schema opsh cannot apply, and nothing is written", function()
    local database = test.database({
      sql = sample.items(1) .. "drop role if exists writer; create role writer login; grant all on item to writer;",
    })
    local before = database:checksum()
    local result = plan((database.conninfo:gsub("user=%S+", "user=writer")), { "--apply" })
    expect.equal(result.exit, 3)
    expect.contains(result.errors, "permission denied")
    expect.equal(database:checksum(), before)
    database:execute("drop owned by writer; drop role writer")
  end)
end)

describe("a schema opsh of somebody else's", function()
  it("is named, left alone, and no run begins", function()
    local database = test.database({ sql = sample.items(1) .. "create schema opsh; create table opsh.own (id int);" })
    local before = database:checksum()
    local result = plan(database.conninfo, { "--apply" })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "this database has a schema opsh that is not opsh's ledger")
    expect.contains(result.errors, "rename it")
    expect.lacks(result.errors, "resume")
    expect.equal(database:checksum(), before)
  end)
end)

describe("opsh.config.lua", function()
  it("names targets, and a misspelt one is told which was meant", function()
    local database = test.database({ sql = sample.items(2) })
    test.write("opsh.config.lua", ("return { targets = { staging = { connect = %q } } }\n"):format(database.conninfo))
    local path = test.write("sample.lua", sample.runbook())
    local result = test.opsh({ "--target=staging", path, "--json" })
    expect.equal(result.json().target.name, "staging")
    local wrong = test.opsh({ "--target=stagin", path })
    expect.equal(wrong.exit, 2)
    expect.contains(wrong.errors, "did you mean staging?")
  end)

  it("with an unknown key is refused with the key that was meant", function()
    test.write("opsh.config.lua", "return { targts = {} }\n")
    local result = test.opsh({ test.write("sample.lua", sample.runbook()) })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean targets?")
  end)

  it("cannot call anything", function()
    test.write("opsh.config.lua", 'return { targets = { a = { connect = os.getenv("HOME") } } }\n')
    local result = test.opsh({ test.write("sample.lua", sample.runbook()) })
    expect.equal(result.exit, 2)
  end)
end)
