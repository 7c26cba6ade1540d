# Writes the build file of tools/tidy: one stamp for each source, made by clang-tidy finding nothing. Ninja makes it
# again when the source, a header of ours, the configuration, the tool or the flags have changed.
# Input: ninja -t deps (the headers that the compiler read), then compile_commands.json.
# Variables: top, the folder of the tree; tool, the program.

function escaped(path) {
  gsub(/\$/, "$$", path)
  gsub(/ /, "$ ", path)
  gsub(/:/, "$:", path)
  return path
}

BEGIN {
  print "builddir = build/tidy"
  print "rule tidy"
  print "  command = { " escaped(tool) " --quiet $in -- $flags 2>$out.log || " \
    "{ cat $out.log; false; }; } && touch $out"
  print "  description = clang-tidy $in"
}

# "object.o: #deps 123, ...", then a line for each file that was read, the source first.
FILENAME == "-" && /: #deps / { source = ""; next }
FILENAME == "-" && /^    / {
  path = substr($0, 5)
  if (source == "") headers[source = path] = ""
  else if (index(path, top "/") == 1) headers[source] = headers[source] " " escaped(path)
  next
}
FILENAME == "-" { next }

$1 == "\"command\":" {
  flags = $0
  sub(/^ *"command": "[^ ]+( [^- ][^ ]*)* /, "", flags)
  sub(/ -o [^ ]+ -c .*$/, "", flags)
  # Precompiled by the compiler, for itself: clang-tidy cannot read it, and does without.
  sub(/-include [^ ]+cmake_pch\.hxx/, "", flags)
  gsub(/\\\\/, "\001", flags)
  gsub(/\\"/, "\"", flags)
  gsub("\001", "\\", flags)
  gsub(/\$/, "$$", flags)
}
$1 == "\"file\":" {
  source = $0
  sub(/^ *"file": "/, "", source)
  sub(/",?$/, "", source)
  if (source ~ /cmake_pch\.hxx\.cxx$/) next
  if (!(source in headers)) {
    print "tools/tidy: " source " was not built" >"/dev/stderr"
    exit 1
  }
  name = substr(source, length(top) + 2)
  print "build build/tidy/" escaped(name) ".clean: tidy " escaped(name) " |" headers[source] \
    " .clang-tidy tests/.clang-tidy " escaped(tool)
  print "  flags = " flags
}
