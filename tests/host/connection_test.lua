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
  it("in a connection string is refused, and not repeated, in any mode", function()
    local conninfo = guarded(test.database({ sql = sample.items(1) }))
    local uri = "postgresql://guarded:hunter2-secret@localhost/shop"
    for _, with in ipairs({ conninfo .. " password=hunter2-secret", uri, uri .. "?sslpassword=hunter2" }) do
      for _, mode in ipairs({ {}, { "--json" }, { "--verbose" }, { "--apply" } }) do
        local result = plan(with, mode)
        expect.equal(result.exit, 2)
        expect.lacks(result.errors .. result.output, "hunter2")
        expect.contains(result.errors, "passfile")
      end
    end
  end)

  it("in a target of opsh.config.lua is refused, and not repeated", function()
    for _, key in ipairs({ "connect", "reader" }) do
      local config = "return { targets = { shop = { %s = 'password=hunter2-secret' } } }\n"
      test.write("opsh.config.lua", config:format(key))
      local result = test.opsh({ "--target=shop", test.write("sample.lua", sample.runbook()) })
      expect.equal(result.exit, 2)
      expect.contains(result.errors, key .. " of target shop")
      expect.lacks(result.errors .. result.output, "hunter2")
    end
  end)

  it("in a URI that cannot be read is never printed", function()
    local result = plan("postgresql://guarded:hunter2-secret@[broken/shop")
    expect.lacks(result.errors .. result.output, "hunter2")
  end)

  it("in a passfile works; one that others can read is refused", function()
    local database = test.database({ sql = sample.items(1) .. "grant select on item to public;" })
    local conninfo = guarded(database) .. " passfile=" .. test.write("pass", "*:*:*:guarded:right-password\n")
    test.shell("chmod 600 pass")
    local result = plan(conninfo)
    expect.equal(result.exit, 0)
    expect.lacks(result.output .. result.errors, "right-password")
    test.shell("chmod 644 pass")
    local readable = plan(conninfo)
    expect.equal(readable.exit, 5)
    expect.contains(readable.errors, "next: let only its owner read it: chmod 600 " .. test.folder())
    expect.lacks(readable.output .. readable.errors, "right-password")
  end)

  it("in a service file works; one that others can read is refused, and one without a password is not", function()
    local database = test.database({ sql = sample.items(1) .. "grant select on item to public;" })
    local text = "[other]\npassword=x\n[shop]\n" .. guarded(database):gsub("'", ""):gsub(" ", "\n") .. "\n"
    local path = test.write("services", text .. "password=right-password\n[last]\n")
    local environment = { PGSERVICEFILE = path }
    local script = test.write("sample.lua", sample.runbook())
    local function with_service(mode)
      test.shell("chmod " .. mode .. " services")
      return test.opsh({ "--db=service=shop", script }, { environment = environment })
    end
    expect.equal(with_service("600").exit, 0)
    local readable = with_service("644")
    expect.equal(readable.exit, 5)
    expect.contains(readable.errors, "chmod 600 " .. path)
    expect.lacks(readable.output .. readable.errors, "right-password")
    test.write("services", text)
    expect.contains(with_service("644").errors, "password")
    expect.lacks(with_service("644").errors, "chmod")
  end)

  it("in the environment works, and no child gets it", function()
    local database = test.database({ sql = sample.items(1) .. "grant select on item to public;" })
    local script = test.write("sample.lua", sample.runbook())
    local result = test.opsh(
      { "--db=" .. guarded(database) .. " passfile=/nonexistent", script },
      { environment = { PGPASSWORD = "right-password" } }
    )
    expect.equal(result.exit, 0)
    expect.lacks(result.output .. result.errors, "right-password")
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
