---@meta opsh.http

---@class opsh.HttpOptions
---@field bearer? string name of a secret param or environment variable: sent as "Authorization: Bearer ..."
---@field headers? table<string, string>
---@field json? any sent as JSON
---@field body? string sent as it is
---@field expect? integer|integer[]|"any" statuses that are right; 200 to 299
---@field redirects? integer followed at most; 0
---@field timeout? number seconds; 30

---@class opsh.HttpAnswer
---@field status integer
---@field headers table<string, string> by name in lower case
---@field body string
---@field json any when the answer says that it is JSON

local http = {}

--- Sends a request. GET and HEAD read; the others act.
---@param method string
---@param url string
---@param options? opsh.HttpOptions
---@return opsh.HttpAnswer
function http.request(method, url, options) end

---@param url string
---@param options? opsh.HttpOptions
---@return opsh.HttpAnswer
function http.get(url, options) end

---@param url string
---@param options? opsh.HttpOptions
---@return opsh.HttpAnswer
function http.head(url, options) end

---@param url string
---@param options? opsh.HttpOptions
---@return opsh.HttpAnswer
function http.post(url, options) end

---@param url string
---@param options? opsh.HttpOptions
---@return opsh.HttpAnswer
function http.put(url, options) end

---@param url string
---@param options? opsh.HttpOptions
---@return opsh.HttpAnswer
function http.patch(url, options) end

---@param url string
---@param options? opsh.HttpOptions
---@return opsh.HttpAnswer
function http.delete(url, options) end

return http
