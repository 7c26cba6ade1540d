--- The frame of a page: one file that loads nothing and runs nothing but its own script. Nothing that it shows could
--- run if it came to stand in the wrong place: the policy names the sheet and the script by their hashes.
local digest = require("opsh.native.digest")
local host = require("opsh.native.host")
local html = require("opsh.host.page.html")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")

local M = {}

local e = html.element
local object = json.metatables()
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function asset(name) return host.asset("lua/page/assets/" .. name) end

--- Base64 of bytes in hexadecimal: three digits are two signs.
local function base64(hex)
  local signs = (hex .. ("0"):rep(-#hex % 3)):gsub("...", function(digits)
    local value = tonumber(digits, 16)
    local high, low = math.floor(value / 64) + 1, value % 64 + 1
    return alphabet:sub(high, high) .. alphabet:sub(low, low)
  end)
  local length = math.ceil(#hex * 4 / 6)
  return signs:sub(1, length) .. ("="):rep(-length % 4)
end

local function source(text) return ("'sha256-%s'"):format(base64(digest.sha256(text))) end

--- The texts that a script asks for, in the language that is spoken.
local function words_of(script)
  local words = setmetatable({}, object)
  for text in script:gmatch('say%("([^"]*)"') do
    words[text] = lang.text(text)
  end
  return words
end

--- Data for the script, as JSON.
---@param id string
---@param value any
function M.data(id, value)
  local document = html.markup(html.data(json.document(value)))
  return e("script", { type = "application/json", id = id }, document)
end

local function contents(sections)
  local links = {}
  for at, section in ipairs(sections) do
    links[at] = e("li", nil, e("a", { href = "#" .. section.id }, {
      e("span", nil, section.title),
      section.count and e("span.count", nil, section.count),
    }))
  end
  return e("nav", { ["aria-label"] = lang.text("contents") }, e("div", nil, e("ul", nil, links)))
end

--- A page in two pieces, between which data may be written a piece at a time.
---@param page { title: string, kind: string, head: any, sections: table[], scripts: string[], footer: any } `head` is
--- what stands above the sections { id, title, content, count }
---@return string before
---@return string after
function M.page(page)
  local sheet, script = asset("page.css"), asset("page.js")
  for _, name in ipairs(page.scripts) do
    script = script .. "\n" .. asset(name)
  end
  local policy = ("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'"):format(
    source(sheet),
    source(script)
  )
  local sections = {}
  for at, section in ipairs(page.sections) do
    local heading = section.id .. "-title"
    sections[at] = e("section", { id = section.id, ["aria-labelledby"] = heading }, {
      e("h2", { id = heading }, section.title),
      section.content,
    })
  end
  local head = e("head", nil, {
    e("meta", { charset = "utf-8" }),
    e("meta", { ["http-equiv"] = "Content-Security-Policy", content = policy }),
    e("meta", { name = "viewport", content = "width=device-width, initial-scale=1" }),
    e("meta", { name = "color-scheme", content = "light dark" }),
    e("meta", { name = "referrer", content = "no-referrer" }),
    e("title", nil, page.title),
    e("style", nil, html.markup(sheet)),
  })
  local frame = e(#page.sections > 2 and "div.frame.with-contents" or "div.frame", nil, {
    e("header.masthead", nil, {
      e("span", nil, { e("strong", nil, "opsh"), " " .. page.kind }),
      e("button", { id = "theme", type = "button", hidden = true }),
    }),
    #page.sections > 2 and contents(page.sections),
    e("main", { id = "main", tabindex = "-1" }, { page.head, sections }),
    e("footer", nil, page.footer),
  })
  local before = "<!doctype html>\n"
    .. ('<html lang="%s">'):format(lang.language())
    .. html.source(head)
    .. "<body>"
    .. html.source(e("a.skip", { href = "#main" }, lang.text("to the content")))
    .. html.source(frame)
    .. "\n"
    .. html.source(M.data("words", words_of(script)))
    .. "\n"
  local after = "<script>" .. script .. "</script></body></html>\n"
  return before, after
end

return M
