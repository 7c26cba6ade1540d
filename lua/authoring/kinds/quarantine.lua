--- `opsh new --kind quarantine`: rows that meet a condition are recorded in a table of their own, with why and when.
local expressions = require("opsh.host.authoring.expressions")
local delete = require("opsh.host.authoring.kinds.delete")
local fixture = require("opsh.host.authoring.fixture")
local params = require("opsh.host.authoring.params")
local source = require("opsh.host.authoring.source")
local sql = require("opsh.native.sql")

local template = [==[
local runbook, schema = require("opsh.runbook"), require("opsh.schema")

return runbook {
  title = $(title),
  params = {
    $(params)
  },
  steps = {
    schema.table {
      table = $(lua_quarantine),
      definition = [[
        $(definition)
      ]],
    },
    {
      name = "quarantine",
      after = $(after),
      plan = [[
        select $(shown)
        from $(relation)
        where $(condition)
          and not exists (select from $(quarantine) as known where $(known))
        order by $(key)
        limit :limit
      ]],
      key = $(lua_key),
      writes = { $(lua_quarantine) },
      recheck = [[
        select $(key)
        from $(relation)
        where $(in_batch) and $(condition)
          and not exists (select from $(quarantine) as known where $(known))
        order by $(key)
        for no key update
      ]],
      apply = function(tx)
        return {
          quarantined = tx:exec([[
            insert into $(quarantine) ($(key), reason)
            select $(their_key), :why::text from :items as $(item)
          ]]),
        }
      end,
      verify = function(check, ctx)
        check:equal("rows quarantined", ctx.done.counts.quarantined, ctx.planned.items - ctx.done.skipped)
        if ctx.params.limit then return end
        check:none("rows left out of quarantine", [[
          select $(key) from $(relation)
          where $(condition)
            and not exists (select from $(quarantine) as known where $(known))
          order by $(key)
        ]])
      end,
    },
  },
}
]==]

local M = { needs = { "where" }, takes = { "archive" }, title = "Quarantine rows of %s" }

local function definition(shape)
  local lines = {}
  for _, name in ipairs(shape.key) do
    for _, column in ipairs(shape.columns) do
      if column.name == name then
        lines[#lines + 1] = ("%s %s not null,"):format(source.name(name), column.replaced or column.type)
      end
    end
  end
  lines[#lines + 1] = "reason text not null,"
  lines[#lines + 1] = "quarantined_at timestamptz not null default now(),"
  lines[#lines + 1] = ("primary key (%s)"):format(source.listed(shape.key))
  return table.concat(lines, "\n")
end

function M.make(request)
  local shape, given = request.shape, request.archive or request.shape.given .. "_quarantine"
  local quarantine, tried = source.table(given), params.tried(request.where, request.params)
  shape.schemas = { (sql.parts(given)) } -- of a table that the runbook makes
  shape.hints, shape.filled = expressions.comparisons(tried), expressions.names(request.where)
  local name = source.quoted(request.checksum_name)
  local why = ('{ type = "string", default = %s, help = "Why; recorded with every row." }'):format(
    source.quoted(request.where)
  )
  return {
    runbook = source.fill(template, {
      title = source.quoted(M.title:format(shape.given)),
      params = params.source(request.params, { limit = params.limit(shape.key), why = why }),
      lua_quarantine = source.quoted(given),
      quarantine = quarantine,
      definition = definition(shape),
      after = source.quoted("table " .. given),
      shown = delete.shown(request),
      relation = request.relation,
      condition = source.condition(request.where),
      known = source.same(shape.key, "known", request.alias),
      key = source.listed(shape.key),
      their_key = source.listed(shape.key, request.item),
      lua_key = source.names(shape.key),
      in_batch = source.in_batch(shape.key),
      item = request.item,
    }),
    schema = fixture.schema({ shape }),
    data = fixture.data({ shape }),
    test = {
      to_do = source.quoted(("select count(*) from %s where %s"):format(request.relation_plain, tried)),
      simulates = true,
      finds = "would record every row that meets the condition",
      counted = request.counting,
      does = "records these rows and leaves them as they are",
      earlier = "local before = database:checksum()[" .. name .. "]",
      done = ("expect.equal(database:value(%s), database:value(to_do))\n"):format(
        source.quoted("select count(*) from " .. quarantine)
      ) .. ("expect.equal(database:checksum()[%s], before)"):format(name),
    },
  }
end

return M
