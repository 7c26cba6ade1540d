local secrets = require("opsh.secrets")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local function kinds(text)
  local found = {}
  for at, secret in ipairs(secrets.find(text)) do
    found[at] = secret.kind
  end
  return found
end

-- Put together here, so that no scanner of repositories takes this file for a leak.
local function token(head, length) return head .. ("aB3x"):rep(length):sub(1, length) end

describe("secrets", function()
  it("finds what services give out, and what stands behind a word for a password", function()
    for kind, text in pairs({
      ["AWS access key"] = "key AKI" .. "AIOSFODNN7EXAMPLE.",
      ["GitHub token"] = "use " .. token("gh" .. "p_", 36),
      ["GitLab token"] = token("glp" .. "at-", 20),
      ["Slack token"] = token("xo" .. "xb-", 24),
      ["Google API key"] = token("AI" .. "za", 35),
      ["Stripe key"] = token("sk" .. "_live_", 24),
      ["API key"] = token("sk" .. "-proj-", 40),
      ["JSON web token"] = ("%s.%s.%s"):format(token("eyJ", 20), token("eyJ", 30), token("", 20)),
      ["bearer token"] = "Authorization: Bearer " .. token("", 32),
      ["password"] = 'contraseña: "h0la-mundo"',
      ["password in a URL"] = "postgres://app:pa55word@db/app",
      ["private key"] = "-----BEGIN " .. "PRIVATE KEY-----\n" .. token("", 64) .. "\n-----END PRIVATE KEY-----",
    }) do
      expect.equal(kinds(text), { kind }, text)
    end
  end)

  it("leaves alone what only looks a little like one", function()
    for _, text in ipairs({
      "the password must be changed",
      "a skilled bearer of news",
      "https://example.org/a:b@c",
      "sk-short",
      "2026-11-21T10:00:00Z",
      "123e4567-e89b-12d3-a456-426614174000",
      "",
    }) do
      expect.equal(kinds(text), {}, text)
    end
  end)

  it("redacts each, and says how many", function()
    local text = ("a %s b password=%s c"):format(token("gh" .. "p_", 36), "hunter22")
    local redacted, count = secrets.redact(text)
    expect.equal(redacted, "a [redacted: GitHub token] b password=[redacted: password] c")
    expect.equal(count, 2)
  end)

  it("names rows in a check, and shows no secret anywhere", function()
    local leaked = token("gh" .. "p_", 36)
    local database = test.database({
      sql = "create table prompt (id bigint primary key, body text, done boolean);"
        .. ("insert into prompt values (1, 'fine'), (2, 'use %s'), (3, null)"):format(leaked),
    })
    test.write(
      "x.lua",
      [[
      local secrets = require("opsh.secrets")
      return require("opsh.runbook") { title = "t",
        steps = { { name = "s", plan = "select id, body from prompt", key = "id", writes = { "prompt" },
          apply = function(tx) tx:exec("update prompt set done = true from :items i where prompt.id = i.id") end,
          verify = function(check, ctx)
            secrets.none(check, ctx, { query = "select id, body from prompt order by id", key = "id" })
          end } } }]]
    )
    local ran = test.opsh({ "x.lua", "--apply", "--json" }, { db = database })
    expect.equal(ran.exit, 6)
    expect.contains(ran.output, "id 2: GitHub token in body")
    expect.lacks(ran.output .. ran.errors .. test.shell("cat $(find state -name audit.jsonl)").output, leaked)
  end)
end)
