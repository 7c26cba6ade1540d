local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local head = 'local test = require("opsh.test")\nlocal expect = test.expect\n'

--- Runs a test file made of this Lua, with the folder `meeting` for its tests to meet in.
local function run(lua, arguments, options)
  local path = test.write("inner/sample_test.lua", head .. lua .. "\n")
  test.write("meeting/.keep", "")
  return test.opsh({ "test", path, unpack(arguments or {}) }, options)
end

--- Declares a test that passes only while the other of two runs.
local function meets(own, other, seconds)
  local folder = test.folder() .. "/meeting"
  return ([[
    test.it(%q, function()
      local met = test.shell("touch %s; for n in $(seq %d); do test -e %s && exit 0; sleep 0.05; done; exit 1")
      expect.equal(met.exit, 0)
    end)
  ]]):format(own, folder .. "/" .. own, 20 * seconds, folder .. "/" .. other)
end

local function without_times(document)
  for _, result in ipairs(document.tests) do
    result.milliseconds = nil
  end
  return document
end

describe("opsh test with several jobs", function()
  it("runs two tests of a file at once, and with one job one after the other", function()
    expect.equal(run(meets("a", "b", 20) .. meets("b", "a", 20), { "--jobs", "2" }).exit, 0)
    expect.equal(test.shell("rm meeting/a meeting/b").exit, 0)
    local alone = run(meets("a", "b", 0.2) .. meets("b", "a", 0.2), { "--jobs", "1" })
    expect.contains(alone.output, "1 passed, 1 failed")
  end)

  it("runs tests that belong together in one process, in their order, and others where there is room", function()
    local function declared(together)
      return ([[
        local steps = {}
        test.describe("a story", function()
          for number = 1, 4 do
            test.it("step " .. number, function()
              test.shell("sleep 0.1")
              steps[#steps + 1] = number
              expect.equal(#steps, number)
            end)
          end
        end, { together = %s })]]):format(tostring(together))
    end
    expect.equal(run(declared(true), { "--jobs", "2" }).exit, 0)
    expect.equal(run(declared(false), { "--jobs", "2" }).exit, 1)
  end)

  it("shows the same in the same order as with one job, whatever ends first", function()
    local lua = [[
      test.it("slow", function() test.shell("sleep 0.3") end)
      test.it("fails", function() expect.equal({ a = 1 }, { a = 2 }) end)
      test.it("quick", function() end)]]
    local one, two = run(lua, { "--jobs", "1" }), run(lua, { "--jobs", "2" })
    local function told(result) return (result.output:gsub("%d+ ms", "")) end
    expect.equal(told(two), told(one))
    expect.equal(two.errors, "")
    expect.equal(
      without_times(run(lua, { "--jobs", "2", "--json" }).json()),
      without_times(run(lua, { "--jobs", "1", "--json" }).json())
    )
  end)

  it("makes a test that ended its process a failure, ends what it started, and goes on with the rest", function()
    local folder = test.folder() .. "/temporary"
    expect.equal(test.shell("mkdir temporary").exit, 0)
    local result = run(
      ([[
      for number = 1, 2 do
        test.it("dies " .. number, function()
          test.write("left/behind", "x")
          test.shell("echo $$ > %s/meeting/" .. number .. "; kill -9 $PPID; for n in $(seq 50); do sleep 0.1; done")
        end)
      end
      test.it("is another", function() end)]]):format(test.folder()),
      { "--jobs", "2" },
      { environment = { TMPDIR = folder } }
    )
    expect.equal(result.exit, 1)
    expect.contains(result.output, "1 passed, 2 failed")
    expect.matches(result.output, "FAIL  dies 1.*ended before the test did: killed by signal 9")
    expect.equal(test.shell("ls temporary").output, "")
    test.wait_until("what they started is gone", function()
      return test.shell("kill -0 $(cat meeting/1) || kill -0 $(cat meeting/2)").exit == 1
    end, 2)
  end)

  it("ends everything at once on Ctrl-C, and leaves nothing behind", function()
    local folder = test.folder() .. "/temporary"
    expect.equal(test.shell("mkdir temporary").exit, 0)
    local path = test.write(
      "inner/sample_test.lua",
      head
        .. ([[
      for number = 1, 3 do
        test.it("hangs " .. number, function()
          test.database()
          test.shell("echo $$ > %s/" .. number .. "; exec sleep 50")
        end)
      end]]):format(test.write("pids/.keep", ""):match("^(.*)/"))
    )
    local process = test.spawn({ "test", "--jobs", "2", path }, { environment = { TMPDIR = folder } })
    local function pids() return test.shell("cat pids/1 pids/2").output end
    test.wait_until("both hang", function() return select(2, pids():gsub("\n", "")) == 2 end, 60)
    process:signal("INT")
    expect.equal(process:wait(30).exit, 130)
    expect.equal(test.shell("ls temporary").output, "")
    for pid in pids():gmatch("%d+") do
      expect.equal(test.shell("kill -0 " .. pid .. " 2>/dev/null").exit, 1)
    end
  end)

  it("fails tests that a file does not declare each time that it is read", function()
    local result = run([[
      test.it("began " .. os.clock(), function() end)
      test.it("is there", function() end)]], { "--jobs", "2" })
    expect.contains(result.output, "the file does not declare")
    expect.contains(result.output, "1 passed, 1 failed")
  end)

  it("refuses a number of jobs that is none", function()
    local result = run('test.it("holds", function() end)', { "--jobs", "0" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, '--jobs wants a number from 1 to 64, not "0"')
  end)
end)

describe("opsh test for other programs", function()
  local lua = [[
    test.describe("birds & <bees>", function()
      test.it("fly", function() end)
      test.it("sing", function()
        test.shell("echo in the morning; echo 'not & loud' >&2")
        expect.equal({ sound = "a" }, { sound = "b" })
      end)
    end)]]

  it("lists the tests without running them, as text and as a document", function()
    local listed = run('test.it("fails", function() expect.is_true(false) end)' .. lua, { "--list", "--filter", "i" })
    expect.equal(listed.exit, 0)
    expect.matches(listed.output, "sample_test%.lua\n  fails\n  birds & <bees>: fly\n  birds & <bees>: sing\n$")
    local document = run(lua, { "--list", "--json" }).json()
    expect.equal(#document.tests, 2)
    expect.equal(document.tests[2].name, "birds & <bees>: sing")
    expect.matches(document.tests[2].file, "sample_test%.lua$")
    expect.equal(run("local a = = 1", { "--list" }).exit, 1)
  end)

  it("writes the results as JUnit XML", function()
    expect.equal(run(lua, { "--junit", "results.xml" }).exit, 1)
    local xml = test.shell("cat results.xml").output
    for _, piece in ipairs({
      '<testsuites name="opsh test" tests="2" failures="1" errors="0" skipped="0" time="',
      'name="birds &amp; &lt;bees&gt;: fly" time="0.',
      '<failure message="not equal" type="test.failed">\n',
      "sample_test.lua:7\n",
      "expected &quot;b&quot;\n",
      "<system-out>\nin the morning\n</system-out>",
      "<system-err>\nnot &amp; loud\n</system-err>",
    }) do
      expect.contains(xml, piece)
    end
  end)

  it("says before it begins that the JUnit file cannot be written", function()
    local result = run(lua, { "--junit", "nowhere/results.xml" })
    expect.is_true(result.exit ~= 0 and result.output == "", result.output)
    expect.contains(result.errors, "nowhere/results.xml")
  end)

  it("gives ctest a test for each file", function()
    test.write("inner/a/one_test.lua", head .. 'test.it("holds", function() end)')
    test.write("inner/two_test.lua", head .. 'test.it("does not", function() expect.is_true(false) end)')
    test.write(
      "CMakeLists.txt",
      ([[
      cmake_minimum_required(VERSION 3.22)
      project(team NONE)
      enable_testing()
      include(%s)
      opsh_add_tests(inner PREFIX "runbooks: " PROPERTIES TIMEOUT 60)]]):format(
        test.beside("../../cmake/OpshTest.cmake")
      )
    )
    local made = test.shell('cmake -S . -B built -DOPSH_PROGRAM="$OPSH" 2>&1 && ctest --test-dir built')
    expect.equal(made.exit, 8, made.output .. made.errors)
    expect.matches(made.output, "runbooks: inner/a/one_test %.+ +Passed")
    expect.matches(made.output, "runbooks: inner/two_test %.+%*%*%*Failed")
  end)
end)
