local sample = require("sample")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local function stopped_at_the_end(work)
  local ok, err = pcall(work)
  test.opsh({ "sandbox", "stop" })
  if not ok then error(err, 0) end
end

--- A cache of this test's own.
local function own_cache()
  local marker = test.write("cache/marker", "")
  return { XDG_CACHE_HOME = marker:match("^(.*)/marker$") }
end

local function running() return test.opsh({ "sandbox", "status" }).exit == 0 end

describe("opsh sandbox start", function()
  it("with --durable writes as in production", function()
    stopped_at_the_end(function()
      test.opsh({ "sandbox", "start", "--durable" })
      local shown = test.opsh({ "sandbox", "psql", "--", "-Atc", "show fsync", "-c", "show full_page_writes" })
      expect.equal(shown.output, "on\non\n")
    end)
  end)

  it("twice is refused, and the first goes on", function()
    stopped_at_the_end(function()
      test.opsh({ "sandbox", "start" })
      local again = test.opsh({ "sandbox", "start" })
      expect.equal(again.exit, 1)
      expect.contains(again.errors, "a sandbox runs already")
      expect.is_true(running())
    end)
  end)

  it("makes another database than the sandbox before, whose plans are not those of this one", function()
    local path = test.write("sample.lua", sample.runbook())
    stopped_at_the_end(function()
      local file = test.write("load.sql", sample.items(3))
      test.opsh({ "sandbox", "start", "--load", file })
      local plan = test.opsh({ "--sandbox", path, "--json" }).json().plan.id
      test.opsh({ "sandbox", "stop" })
      test.opsh({ "sandbox", "start", "--load", file })
      local held = test.opsh({ "--sandbox", path, "--apply", "--plan", plan })
      expect.equal(held.exit, 5)
      expect.contains(held.errors, "was made in another sandbox")
      local applied = test.opsh({ "--sandbox", path, "--apply" })
      expect.equal(applied.exit, 0)
      expect.contains(applied.output, "no earlier plan to compare with")
    end)
  end)

  it("says where it looked for a server", function()
    local result = test.opsh({ "sandbox", "start" }, { environment = { OPSH_PG_BIN = "/usr/share" } })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "OPSH_PG_BIN is /usr/share, but there is no postgres and initdb in it")
  end)

  it("mends a damaged cache, and says so in one line", function()
    local environment = own_cache()
    test.opsh({ "sandbox", "psql", "--", "-c", "select 1" }, { environment = environment })
    test.shell('for kept in "$XDG_CACHE_HOME"/opsh/sandbox/*; do rm "$kept/data/PG_VERSION"; done', {
      environment = environment,
    })
    local mended = test.opsh({ "sandbox", "psql", "--", "-Atc", "select 6 * 7" }, { environment = environment })
    expect.equal({ mended.exit, mended.output }, { 0, "42\n" })
    expect.matches(mended.errors, "^warning: a sandbox template in [^\n]* is damaged; it is made again\n$")
    expect.equal(test.opsh({ "sandbox", "psql", "--", "-Atc", "" }, { environment = environment }).errors, "")
  end)
end)

describe("opsh sandbox status", function()
  it("tells version, age, size and the file that was loaded, also as JSON", function()
    local file = test.write("load.sql", sample.items(3))
    stopped_at_the_end(function()
      test.opsh({ "sandbox", "start", "--load", file })
      local shown = test.opsh({ "sandbox", "status" })
      expect.matches(shown.output, "version +%d")
      expect.matches(shown.output, "started +%S+, [^\n]+ ago")
      expect.matches(shown.output, "size +%d+ MB")
      expect.matches(shown.output, "loaded +" .. file:gsub("%p", "%%%0"))
      local document = test.opsh({ "sandbox", "status", "--json" }).json()
      expect.equal(document.loaded, file)
      expect.is_true(document.size_bytes > 2 ^ 20 and document.age_seconds >= 0 and document.age_seconds < 60)
      expect.matches(document.version, "^%d+")
    end)
  end)

  it("takes no option of another action, and no word", function()
    local option = test.opsh({ "sandbox", "status", "--load=x.sql" })
    expect.equal(option.exit, 2)
    expect.contains(option.errors, "opsh sandbox status takes no --load")
    expect.equal(test.opsh({ "sandbox", "status", "what" }).exit, 2)
  end)
end)

describe("opsh sandbox clean", function()
  it("removes the templates and says how much that was", function()
    local environment = own_cache()
    test.opsh({ "sandbox", "psql", "--", "-c", "" }, { environment = environment })
    local document = test.opsh({ "sandbox", "clean", "--json" }, { environment = environment }).json()
    expect.equal(document.templates, 1)
    expect.is_true(document.freed_bytes > 2 ^ 20)
    local again = test.opsh({ "sandbox", "clean" }, { environment = environment })
    expect.equal({ again.exit, again.output }, { 0, "removed 0 templates, 0 bytes\n" })
  end)
end)

describe("opsh sandbox psql", function()
  it("opens a sandbox of its own, loaded with a file, and leaves none", function()
    local file = test.write("load.sql", sample.items(7))
    local result = test.opsh({ "sandbox", "psql", "--load", file, "--", "-Atc", "select count(*) from item" })
    expect.equal({ result.exit, result.output, result.errors }, { 0, "7\n", "" })
    expect.is_true(not running())
  end)

  it("uses the one that runs, and psql's words choose its database", function()
    stopped_at_the_end(function()
      test.opsh({ "sandbox", "start" })
      test.opsh({ "sandbox", "psql", "--", "-c", "create database other" })
      local result = test.opsh({ "sandbox", "psql", "--", "other", "-Atc", "select current_database(), current_user" })
      expect.equal(result.output, "other|opsh\n")
      expect.is_true(running())
    end)
  end)

  it("exits as psql does", function()
    expect.equal(test.opsh({ "sandbox", "psql", "--", "-c", "select 1/0" }).exit, 1)
    local script = test.opsh({ "sandbox", "psql", "--", "-v", "ON_ERROR_STOP=1" }, { input = "select 1/0;" })
    expect.equal(script.exit, 3)
  end)

  it("knows nothing of the operator's own servers", function()
    local result = test.opsh({ "sandbox", "psql", "--", "-Atc", "show application_name" }, {
      environment = { PGAPPNAME = "mine", PGHOST = "/nowhere", PGPORT = "1", PGOPTIONS = "-c nonsense=1" },
    })
    expect.equal({ result.exit, result.output }, { 0, "psql\n" })
  end)

  it("leaves Ctrl-C to psql: the statement ends, and psql goes on", function()
    local result = test.shell([[
      said() { for _ in $(seq 600); do if grep -q "$1" typescript; then return; fi; sleep 0.1; done; }
      : > typescript
      (said '=#'; echo 'select pg_sleep(50);'; said 'pg_sleep(50);'; sleep 1; printf '\003'; said 'canceling'
       echo 'select 6 * 7 as answer;'; echo '\q') |
        PSQL_HISTORY=/dev/null script -qfec 'exec "$OPSH" sandbox psql' typescript; echo "exit $?"]])
    expect.contains(result.output, "canceling statement due to user request")
    expect.contains(result.output, "42")
    expect.contains(result.output, "exit 0")
    expect.lacks(result.output, "interrupted")
  end)

  it("ends psql and the sandbox when opsh is asked to end", function()
    local process = test.spawn({ "sandbox", "psql", "--", "-Atc", "select 'ready'", "-c", "select pg_sleep(50)" })
    test.wait_until("psql is at work", function() return process:output():find("ready") end)
    process:signal("TERM")
    expect.equal(process:wait(10).exit, 128 + 15)
  end)

  it("is refused as wrong usage for a file that is not there, which --sandbox=FILE is too", function()
    for _, words in ipairs({ { "sandbox", "psql", "--load", "none.sql" }, { "--sandbox=none.sql", "runs" } }) do
      local result = test.opsh(words)
      expect.equal(result.exit, 2)
      expect.contains(result.errors, "there is no file none.sql")
      expect.contains(result.errors, "next: check the path")
    end
  end)

  it("is not for --json", function() expect.equal(test.opsh({ "sandbox", "psql", "--json" }).exit, 2) end)
end)

describe("--keep", function()
  it("leaves the server of --sandbox=FILE running, with what was done in it", function()
    local file = test.write("load.sql", sample.items(4))
    local path = test.write("sample.lua", sample.runbook())
    stopped_at_the_end(function()
      local applied = test.opsh({ "--sandbox=" .. file, "--keep", path, "--apply" })
      expect.equal(applied.exit, 0)
      expect.contains(applied.errors, "opsh --sandbox uses it, opsh sandbox stop ends it")
      expect.equal(#test.opsh({ "--sandbox", "runs", "--json" }).json(), 1)
      expect.equal(test.opsh({ "sandbox", "status", "--json" }).json().loaded, file)
    end)
  end)

  it("leaves it after a failure too, and the run can be resumed there", function()
    local file =
      test.write("load.sql", sample.items(10) .. "alter table item add constraint no check (not (done and id = 5));")
    local path = test.write("sample.lua", sample.runbook({ batch = "2" }))
    stopped_at_the_end(function()
      local failed = test.opsh({ path, "--sandbox=" .. file, "--keep", "--apply" })
      expect.equal(failed.exit, 4)
      expect.matches(failed.errors, "Go on with: opsh resume %S+ %-%-sandbox\n")
      test.opsh({ "sandbox", "psql", "--", "-c", "alter table item drop constraint no" })
      local resumed = test.shell('"$OPSH" ' .. failed.errors:match("Go on with: opsh (.-)\n"))
      expect.equal(resumed.exit, 0)
    end)
  end)

  it("is left out of the command that applies a plan", function()
    local file = test.write("load.sql", sample.items(4))
    local path = test.write("sample.lua", sample.runbook())
    stopped_at_the_end(function()
      local planned = test.opsh({ "--sandbox=" .. file, path, "--keep" })
      expect.contains(planned.output, "To apply: opsh --sandbox " .. path .. " --apply")
    end)
  end)

  it("is refused when a sandbox runs already, before another is started", function()
    local path = test.write("sample.lua", sample.runbook())
    stopped_at_the_end(function()
      test.opsh({ "sandbox", "start" })
      local before = test.opsh({ "sandbox", "status", "--conninfo" }).output
      local result = test.opsh({ "--sandbox=" .. test.write("load.sql", sample.items(1)), "--keep", path })
      expect.equal(result.exit, 1)
      expect.contains(result.errors, "a sandbox runs already")
      expect.equal(test.opsh({ "sandbox", "status", "--conninfo" }).output, before)
    end)
  end)

  it("without --sandbox is a usage error", function()
    local result = test.opsh({ "--keep", "runs" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--keep is for the server that --sandbox starts")
    expect.equal(test.opsh({ "--keep", "--sandbox", "--lock-timeout=x", "runs" }).exit, 2)
    expect.is_true(not running())
  end)

  it("leaves nothing when the file does not load", function()
    local result = test.opsh({ "--keep", "--sandbox=" .. test.write("load.sql", "select broken;"), "runs" })
    expect.is_true(result.exit ~= 0)
    expect.is_true(not running())
  end)
end)

describe("a loaded file", function()
  it("comes from the cache the second time, and --verbose says so, and why not", function()
    local file = test.write("load.sql", "create table t as select clock_timestamp() as made;\n")
    local function made(extra)
      local arguments = { "sandbox", "psql", extra or "-q", "--load", file, "--", "-Atc", "select made from t" }
      return test.opsh(arguments, { environment = own_cache() })
    end
    local first = made().output
    expect.equal(made().output, first)
    expect.contains(made("--verbose").errors, "loaded before")
    test.write("load.sql", "\\! true\ncreate table t as select clock_timestamp() as made;\n")
    expect.is_true(made().output ~= made().output)
    expect.contains(made("--verbose").errors, "load.sql:1: \\! runs a program")
    expect.equal(made().errors, "")
  end)
end)

describe("the databases of opsh test", function()
  it("are copies of one that is loaded once for the same content, and anew for another", function()
    local source = "create table made as select clock_timestamp() as at;\n"
    local one, same = test.write("one.sql", source), test.write("same.sql", source)
    local function made(file) return test.database({ files = { file } }):value("select at::text from made") end
    local first = made(one)
    expect.equal({ made(one), made(same) }, { first, first })
    test.write("one.sql", source .. "-- changed\n")
    expect.is_true(made(one) ~= first)
  end)

  it("are loaded each time when it cannot be told what the file depends on", function()
    local file = test.write("f.sql", "\\! true\ncreate table made as select clock_timestamp() as at;\n")
    local function made() return test.database({ files = { file } }):value("select at::text from made") end
    expect.is_true(made() ~= made())
  end)

  it("do not meet those of another opsh test at the same time", function()
    local source = [[
      local test = require("opsh.test")
      test.it("works", function()
        for count = 1, 3 do
          local database = test.database({ sql = "create table t (a int)" })
          test.expect.equal(database:value("select count(*) from pg_database where datname like 'test%'"), count)
          test.opsh({ "runs" }, { db = database })
        end
      end)]]
    local file = test.write("other_test.lua", source)
    local processes = {}
    for at = 1, 3 do
      processes[at] = test.spawn({ "test", file })
    end
    for _, process in ipairs(processes) do
      expect.equal(process:wait().exit, 0)
    end
  end)
end)
