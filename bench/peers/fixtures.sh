# fixtures.sh PSQL CONNINFO SCRIPTS VARIANT...: makes the fixture of each runbook in a database of its own, works out the
# answers and runs the check, with psql alone. A variant is words NAME=VALUE.
set -eu
export PGOPTIONS='-c client_min_messages=warning'
psql=$1 conninfo=$2 scripts=$3
shift 3

run() { "$psql" -XqAt -v ON_ERROR_STOP=1 "$@"; }

for fixture in "$scripts"/*/fixture; do
  for variant in "$@"; do
    given=
    for word in n=1000 imp=150 $variant; do given="$given -v $word"; done
    run -d "$conninfo" -c 'drop database if exists fixture' -c 'create database fixture'
    database="$conninfo dbname=fixture"
    run -d "$database" $given -f "$fixture/schema.sql" -f "$fixture/data.sql" > /dev/null
    if [ -e "$fixture/reference.py" ]; then
      run -d "$database" -f "$fixture/documents.sql" | python3 "$fixture/reference.py" | run -d "$database" > /dev/null
    fi
    run -d "$database" -v owner=docente_1 -f "$fixture/reference.sql" > /dev/null
    run -d "$database" -v phase=dry -f "$fixture/check.sql" > /dev/null
  done
done
run -d "$conninfo" -c 'drop database fixture'
