--- `opsh new --kind relink`: a column that refers to a row that is not there gets the one row that matches.
local fixture = require("opsh.host.authoring.fixture")
local params = require("opsh.host.authoring.params")
local source = require("opsh.host.authoring.source")

local template = [==[
local runbook = require("opsh.runbook")

-- Rows that refer to nothing, each with what matches it.
local unlinked = [[
  select $(their_key), $(column), $(matched), count($(other_id)) as candidates,
         (array_agg($(other_id) order by $(other_id)))[1] as found,
         case count($(other_id)) when 0 then 'no match' when 1 then 'relink' else 'several matches' end as verdict
  from $(relation)
  left join $(other_relation) on $(match)
  where not exists (select from $(other_plain) as linked where linked.$(referred) = $(column))
  group by $(their_key), $(column), $(matched)
]]

return runbook {
  title = $(title),
  params = {
    $(params)
  },
  steps = {
    {
      name = "relink",
      plan = unlinked .. $(ordered),
      key = $(lua_key),
      classify = "verdict",
      reject = { "no match", "several matches" },
      writes = { $(lua_table) },
      -- Not when the row refers to something since the plan, or what it is to refer to is gone.
      recheck = [[
        select $(their_key)
        from $(relation)
        join :items as $(item) on $(same)
        where not exists (select from $(other_plain) as linked where linked.$(referred) = $(column))
          and exists (select from $(other_relation) where $(other_id) = $(item).found and $(match))
        order by $(their_key)
        for no key update of $(alias)
      ]],
      apply = function(tx)
        return {
          relinked = tx:exec([[
            update $(relation) set $(bare_column) = $(item).found from :items as $(item) where $(same)
          ]]),
        }
      end,
      verify = function(check, ctx)
        check:equal("rows relinked", ctx.done.counts.relinked, ctx.planned.items - ctx.done.skipped)
        if ctx.params.limit then return end
        check:none(
          "rows left that one row matches",
          "select * from (" .. unlinked .. ") as left_over where verdict = 'relink'"
        )
      end,
    },
  },
}
]==]

local alone = [==[
it("leaves alone what nothing matches, and says so", function()
  local database = filled()
  database:execute($(emptying))
  local before = database:checksum()
  expect.equal(opsh(database, "--apply").exit, 8)
  expect.equal(database:checksum(), before)
end)
]==]

local M = {
  needs = { "column", "references", "match" },
  takes = {},
  title = "Relink rows of %s whose %s refers to nothing",
}

local function column_of(shape, name)
  for _, column in ipairs(shape.columns) do
    if column.name == name then return column end
  end
end

--- Half of the rows refer to something; where the column must have a value, the others to what cannot be there.
local function fixed(request, other_key)
  local column, value = column_of(request.shape, request.column), "i"
  if other_key.type == "uuid" then value = "md5(i::text)::uuid" end
  local dangling = value == "i" and "1000 + i" or "md5('gone ' || i)::uuid"
  return column.not_null and ("case when i %% 2 = 0 then %s else %s end"):format(value, dangling)
    or ("case when i %% 2 = 0 then %s end"):format(value)
end

function M.make(request)
  local shape, other = request.shape, request.other
  local referred = other.key[1]
  local other_id = other.alias .. "." .. source.name(referred)
  local matched = request.alias .. "." .. source.name(request.match[1])
  local column = request.alias .. "." .. source.name(request.column)
  local match = ("%s.%s = %s"):format(other.alias, source.name(request.match[2]), matched)
  shape.filled = { request.column, request.match[1] }
  shape.fixed = { [request.column] = fixed(request, column_of(other, referred)) }
  other.filled = { request.match[2] }
  -- The same on both sides, so that each row has its match.
  local theirs = column_of(other, request.match[2])
  if not column_of(shape, request.match[1]).is_identity then
    shape.fixed[request.match[1]] = fixture.value(theirs)
  end
  local unmatched = ("select count(*) from %s where not exists (select from %s as linked where linked.%s = %s)"):format(
    request.relation,
    other.plain,
    source.name(referred),
    column
  )
  return {
    runbook = source.fill(template, {
      title = source.quoted(M.title:format(shape.given, request.column)),
      params = params.source(request.params, { limit = params.limit(shape.key) }),
      ordered = source.quoted((" order by %s limit :limit"):format(source.listed(shape.key, request.alias))),
      their_key = source.listed(shape.key, request.alias),
      column = column,
      bare_column = source.name(request.column),
      matched = matched,
      match = match,
      other_id = other_id,
      other_relation = other.relation,
      other_plain = other.plain,
      referred = source.name(referred),
      relation = request.relation,
      alias = request.alias,
      lua_key = source.names(shape.key),
      lua_table = source.quoted(shape.given),
      same = source.same(shape.key, request.alias, request.item),
      item = request.item,
    }),
    schema = fixture.schema({ other, shape }),
    data = fixture.data({ other, shape }),
    test = {
      to_do = source.quoted(unmatched),
      finds = "plans every row that refers to nothing",
      counted = request.counting,
      does = "gives each of them the row that matches",
      done = "expect.equal(database:value(to_do), 0)",
      more = source.fill(alone, { emptying = source.quoted("delete from " .. other.plain) }):gsub("\n$", ""),
    },
  }
end

return M
