local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local plan = "plans without changing anything"
local simulate = "simulates without changing anything but sequences"
local checks = "has checks that fail while the work is not done"
local apply = "applies what it planned, and changes what it declares"
local again = "has nothing to do the second time"
local kills = "gives the same when it is killed in any batch and resumed"
local undo = "is taken back by an undo"
local stays = "cannot be taken back by an undo, as its fixture says"

-- A function whose writes no transaction takes back, and which only writes on one rung.
local on_the_side = [[
  create extension dblink;
  create table side (id int primary key, n int not null);
  insert into side values (1, 0);
  create function on_the_side(rung text) returns int language plpgsql stable as $$
  begin
    if coalesce(nullif(current_setting('opsh.rung', true), ''), 'plan') = rung then
      perform dblink_exec(format('host=%s port=%s user=%s dbname=%s',
                                 trim(both '"' from current_setting('unix_socket_directories')),
                                 current_setting('port'), current_user, current_database()),
                          'update side set n = 7 where n <> 7');
    end if;
    return 0;
  end $$;
]]

local declared = { functions = '{ "public.on_the_side" }' }

local function worked(more)
  return ([[function(tx, items)
    %s
    return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }
  end]]):format(more)
end

--- A test file of ladders: of each the runbook is written, and its fixture is Lua source.
local function ladders(list)
  local lines = { 'local test = require("opsh.test")' }
  for _, ladder in ipairs(list) do
    test.write(ladder.name .. ".lua", ladder.head or "" .. sample.runbook(ladder.step, ladder.top))
    local sql = sample.items(ladder.items or 8) .. (ladder.sql or "")
    lines[#lines + 1] = ("test.ladder(%q, { sql = %q, %s })"):format(ladder.name .. ".lua", sql, ladder.fixture or "")
  end
  return test.write("ladders_test.lua", table.concat(lines, "\n"))
end

--- Runs ladders; gives the failed tests by name.
local function failures(list, ...)
  local result = test.opsh({ "test", ladders(list), "--json", ... }, { timeout = 120 })
  local found, names = {}, {}
  for _, each in ipairs(result.json().tests) do
    if each.outcome == "failed" then
      found[each.name], names[#names + 1] = each, each.name
    end
  end
  table.sort(names)
  return found, names
end

local function said(failure) return failure.message .. "\n" .. tostring(failure.difference) end

--- What fails of each of these runbooks is what is said, and no more.
local function expect_failures(list, ...)
  local found, names = failures(list, ...)
  local expected = {}
  for _, ladder in ipairs(list) do
    for name, texts in pairs(ladder.fails) do
      local full = ladder.name .. ": " .. name
      expected[#expected + 1] = full
      for _, text in ipairs(found[full] and texts or {}) do
        expect.contains(said(found[full]), text, full)
      end
    end
  end
  table.sort(expected)
  expect.equal(names, expected)
end

describe("the ladder of a runbook", function()
  it("holds for one that is right, with columns of the clock, of chance and of sequences", function()
    expect_failures({
      {
        name = "right",
        sql = [[
          alter table item add column at timestamptz, add column token uuid;
          create table log (id bigint generated always as identity primary key, item bigint not null);]],
        step = {
          writes = '{ "item", "log" }',
          apply = [[function(tx)
            tx:exec("insert into log (item) select i.id from :items as i")
            tx:exec([=[
              update item set done = true, at = now(), token = gen_random_uuid()
              from :items as i where item.id = i.id]=])
          end]],
          verify = 'function(check) check:none("left", "select id from item where not done") end',
        },
        fixture = 'boundaries = "all", batch = 3',
        fails = {},
      },
    })
  end)

  it("finds what a plan or a simulation writes behind the transaction's back", function()
    expect_failures({
      {
        name = "plan_writes",
        sql = on_the_side,
        top = declared,
        step = { plan = "[[select id, part, on_the_side('plan') from item where not done]]" },
        fails = {
          [plan] = { "the plan changed the database", 'side, id = "1"\n  n: "0" -> "7"', "next: " },
          -- It begins with a plan.
          [simulate] = { 'n: "0" -> "7"' },
        },
      },
      {
        name = "simulation_writes",
        sql = on_the_side,
        top = declared,
        step = { apply = worked([[tx:value("select public.on_the_side('simulate')")]]) },
        fails = { [simulate] = { "although it was rolled back", 'n: "0" -> "7"' } },
      },
    }, "--filter=without changing")
  end)

  it("finds what is wrong with an apply, and says which row and column", function()
    expect_failures({
      {
        name = "keeps_a_counter",
        step = {
          -- Also those that are done.
          plan = '"select id from item"',
          -- The verify is content with whatever was counted, which is nothing before the apply.
          verify = 'function(check, ctx) check:equal("worked", ctx.done.counts.worked, ctx.done.items) end',
          apply = [[(function()
            local batches = 0
            return function(tx, items)
              batches = batches + 1
              tx:exec("update item set amount = $1, done = true from :items as i where item.id = i.id", batches)
              return { worked = #items }
            end
          end)()]],
        },
        fails = {
          [checks] = { "step work has 8 items to do, and its checks pass already", "worked" },
          [again] = { "after the apply, the plan finds 8 items; none is expected" },
          [kills] = { "killed in 1.2, 1.4, 1.end (step.batch)", 'item, id = "3"\n  amount: "2" -> "1"' },
        },
      },
      {
        name = "leaves_half",
        sql = [[
          create table side (id int primary key, n int not null);
          insert into side values (1, 0);
          create function aside() returns trigger language plpgsql as
            $$ begin update side set n = 1 where n = 0; return null; end $$;
          create trigger aside after update on item for each statement execute function aside();]],
        step = {
          journal = "false",
          apply = [[function(tx, items)
            tx:exec("update item set done = true from :items as i where item.id = i.id and item.id % 2 = 0")
            return { worked = #items }
          end]],
        },
        fixture = "undo = false",
        fails = {
          [apply] = { "a table that no step names in writes", 'side, id = "1"\n  n: "0" -> "1"' },
          [again] = { "the plan finds 4 items" },
        },
      },
      {
        name = "apply_writes_aside",
        sql = on_the_side,
        top = declared,
        step = {
          writes = '{ "item", "side" }',
          apply = worked([[tx:value("select public.on_the_side('apply')")]]),
        },
        fails = {
          [apply] = { "rows that its journal does not have", 'side, id = "1"\n  n: "0" -> "7"' },
          [undo] = { "after the undo the database is not as it was", 'n: "0" -> "7"' },
        },
      },
    })
  end)

  it("knows what an undo can take back, and what its author says of it", function()
    local trigger = [[
      alter table item add column changed_at timestamptz not null default '2026-01-01';
      create function touched() returns trigger language plpgsql as
        $$ begin new.changed_at := clock_timestamp(); return new; end $$;
      create trigger touched before update on item for each row execute function touched();]]
    local found, names = failures({
      { name = "no_journal", step = { journal = "false" } },
      { name = "said_so", step = { journal = "false" }, fixture = "undo = false" },
      { name = "said_in_vain", fixture = "undo = false" },
      { name = "touched", sql = trigger },
      { name = "touched_said", sql = trigger, fixture = 'except = { item = { "changed_at" } }' },
    }, "--filter=by an undo")
    expect.equal(names, { "no_journal: " .. undo, "said_in_vain: " .. stays, "touched: " .. undo })
    expect.contains(said(found["no_journal: " .. undo]), "the undo is refused")
    expect.contains(said(found["no_journal: " .. undo]), "the fixture says undo = false")
    expect.contains(said(found["said_in_vain: " .. stays]), "and the undo takes everything back")
    expect.contains(said(found["touched: " .. undo]), 'changed_at: "2026-01-01 00:00:00+00" -> ')
  end)

  it("wants a row for the plan to find, the exit status that is said, and what it knows", function()
    local found, names = failures({
      { name = "empty", items = 0 },
      { name = "broken", step = { apply = 'function(tx) tx:exec("select 1 / 0") end' } },
      { name = "rejects", step = { classify = '"part"', reject = '{ "red" }' }, fixture = "exit = 8" },
    }, "--filter=applies")
    expect.equal(names, { "broken: " .. apply, "empty: " .. apply })
    expect.equal(found["empty: " .. apply].message, "the fixture has no row for the plan to find")
    expect.contains(found["broken: " .. apply].message, "the apply ends with exit status 1: ")
    expect.contains(found["broken: " .. apply].message, "division by zero")
    for fixture, message in pairs({
      ["file = {}"] = "did you mean files?",
      ["batch = 0"] = "batch is a whole number",
      ["undo = true"] = "undo is false, or left out",
    }) do
      local result = test.opsh({ "test", ladders({ { name = "x", fixture = fixture } }) })
      expect.equal(result.exit, 1)
      expect.contains(result.output, message)
    end
  end)
end)
