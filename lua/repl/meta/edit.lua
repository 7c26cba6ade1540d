local chunks = require("opsh.host.repl.chunks")
local digest = require("opsh.native.digest")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local language = require("opsh.host.repl.language")
local programs = require("opsh.native.programs")
local system = require("opsh.native.system")
local words = require("opsh.host.repl.words")

local function editor() return system.environment("VISUAL") or system.environment("EDITOR") or "vi" end

--- A path as a word of the shell.
local function quoted(path) return "'" .. path:gsub("'", "'\\''") .. "'" end

local function edited(path)
  local status = programs.foreground(editor() .. " " .. quoted(path))
  if status ~= 0 then
    errors.raise("usage.editor", ("%s ended with %d"):format(editor(), status), "set EDITOR to an editor that is there")
  end
  return system.read_file(path)
end

--- The last chunk in a file of its own folder, which only its owner reads, and which is gone afterwards.
local function last_chunk_edited(bench)
  local folder = ("%s/opsh-edit-%s"):format(system.environment("TMPDIR") or "/tmp", digest.random_hex(8))
  system.make_directory(folder)
  local path = folder .. "/chunk.sql"
  local ok, text = host.attempt(function()
    system.write_file(path, (bench.last_text or "") .. "\n")
    return edited(path)
  end)
  system.remove_tree(folder)
  if not ok then error(text, 0) end
  return text
end

return {
  name = "e",
  arguments = "[FILE]",
  help = "opens the last chunk, or a file, in $VISUAL or $EDITOR, and runs what is saved",
  run = function(bench, rest)
    local path = words.at_most(rest, 1)
    if not (system.terminal(0).terminal and system.terminal(1).terminal) then
      errors.raise("usage.command", "\\e wants a terminal", "\\i FILE runs a file")
    end
    local text = (path and edited(path) or last_chunk_edited(bench)):gsub("%s+$", "")
    if text == "" then return nil end
    bench.last_text = text
    -- What is not whole is shown, to be gone on with.
    if not path and not language.read(text, bench.env, { name = "edited", line = 1 }) then
      bench.draft = text
      return nil
    end
    if bench.remember then bench.remember(text) end
    bench.display:write(text .. "\n")
    return chunks.feed(bench, (text .. "\n"):gmatch("(.-)\r?\n"), path or "edited")
  end,
}
