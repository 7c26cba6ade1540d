# Compares the includes and requires of the sources with the layers that CMakeLists.txt declares.
#   awk -f tools/layers.awk CMakeLists.txt FILE...
# Prints each line that breaks a rule and then exits 1.

BEGIN {
  # Where a library may be named. A name ending in "/" stands for everything below it.
  split("pg_query.h=sql pg_query/=sql pqxx/=db libpq-fe.h=db,sandbox libpq/=db,sandbox spdlog/=log rapidjson/=json" \
        " CLI/=host readline/=host lua.h=lua,bind,host lauxlib.h=lua,bind,host lualib.h=lua,bind,host" \
        " lua.hpp=lua,bind,host luajit.h=lua,bind,host luajit-2.1/=lua,bind,host utf8proc.h=text openssl/=digest" \
        " curl/=http", rules, " ")
  for (i in rules) {
    split(rules[i], rule, "=")
    home[rule[1]] = rule[2]
  }
}

function complain(message) {
  printf "%s:%d: %s\n    %s\n", FILENAME, FNR, message, $0
  broken = 1
}

# What `bind` and `host` may use is spelled out; elsewhere what a used folder uses is allowed as well.
function allow(folder, used,    i, below) {
  allowed[folder, used] = 1
  if (folder == "bind" || folder == "host") return
  for (i = 1; i <= layers; i++) {
    below = layer[i]
    if ((used, below) in allowed) allowed[folder, below] = 1
  }
}

FILENAME ~ /CMakeLists\.txt$/ {
  if (!match($0, /^opsh_library\([a-z_]+/)) next
  folder = substr($0, RSTART + 13, RLENGTH - 13)
  uses = ""
  if (match($0, /USES [a-z_ ]+/)) uses = substr($0, RSTART + 5, RLENGTH - 5)
  count = split(uses, names, " ")
  for (i = 1; i <= count; i++) {
    if (names[i] in declared) allow(folder, names[i])
    else complain("uses " names[i] ", which is not declared above it")
  }
  declared[folder] = 1
  layer[++layers] = folder
  next
}

FNR == 1 {
  folder = ""
  count = split(FILENAME, parts, "/")
  for (i = 1; i < count; i++) {
    if (parts[i] == "src" || parts[i] == "scripts" || parts[i] == "stdlib") {
      tree = parts[i]
      folder = i + 1 < count ? parts[i + 1] : "main"
      break
    }
  }
  if (tree == "src" && folder != "main" && !(folder in declared))
    complain("src/" folder " is not declared in CMakeLists.txt")
}

tree == "src" && match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]+"/) {
  used = $0
  sub(/^[^"]*"/, "", used)
  sub(/".*/, "", used)
  if (!sub(/\/.*/, "", used)) complain("an include names its folder: \"<folder>/" used "\"")
  else if (folder == "main" ? used != "host" && used != "base" : used != folder && !((folder, used) in allowed))
    complain(folder " may not use " used)
}

tree == "src" && match($0, /^[ \t]*#[ \t]*include[ \t]*<[^>]+>/) {
  header = $0
  sub(/^[^<]*</, "", header)
  sub(/>.*/, "", header)
  key = header
  if (!(key in home)) sub(/\/.*/, "/", key)
  if (key in home && index("," home[key] ",", "," folder ",") == 0)
    complain("<" header "> belongs to src/" home[key] ", not to " folder)
}

tree == "scripts" || tree == "stdlib" {
  code = $0
  sub(/--.*/, "", code)
  if (code ~ /["'\[]opsh\.host[."'\]]/) complain("a module under " tree "/ may not require opsh.host.*")
  if (tree == "scripts" && code ~ /["'\[]opsh\.native[."'\]]/) complain("a runbook may not require opsh.native.*")
}

END {
  exit broken
}
