---@meta opsh.secrets

--- Secrets that got into texts: keys, tokens and passwords in columns that people read.
---@class opsh.secrets
local secrets = {}

---@class opsh.Secret
---@field kind string "GitHub token", "password", ...
---@field first integer its first byte, as string.sub counts them
---@field last integer

--- Finds secrets in a text. From here on they are hidden in all that opsh prints and records.
---@param text string
---@return opsh.Secret[] in the text's order
function secrets.find(text) end

--- The text with "[redacted: GitHub token]" in the place of each secret.
---@param text string
---@return string redacted, integer how_many
function secrets.redact(text) end

--- A check that no row has a secret in it: it names rows by their key, and what kind of secret they have.
---@param check opsh.Check
---@param ctx opsh.Context
---@param where { name?: string, query: string, key: string } `query` gives the key and columns, of which texts are read
function secrets.none(check, ctx, where) end

return secrets
