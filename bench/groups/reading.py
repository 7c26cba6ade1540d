"""Rows through a cursor, two columns of ten used by name, in constant memory."""

from __future__ import annotations

from bench import HERE, Bench, same_output
from measure import Sample, Subject
from present import Table

NEEDS_PSQL = True
QUERY = "select * from reading"
KINDS = ("tuples", "NamedTupleCursor", "DictCursor")
CHUNK = f"""
local sum, length = 0, 0
for row in rows("{QUERY}") do
  sum, length = sum + row.id, length + #row.note
end
print(("%.0f %.0f"):format(sum, length))
"""


def database(bench: Bench, rows: int) -> str:
    fill = HERE / "data" / "reading.sql"
    return bench.server.template(f"reading_{rows}", lambda name: bench.server.load(name, fill, rows=rows))


def read(bench: Bench, name: str) -> Sample:
    return bench.measure_opsh("-e", CHUNK, database=name)


def measure(bench: Bench) -> list[Table]:
    name = database(bench, bench.sizes.rows)
    conninfo = bench.server.conninfo(name)
    libpq = bench.build("libpq_rows", HERE / "peers" / "libpq_rows.c", "libpq")
    opsh = Subject("opsh", lambda: read(bench, name))
    raw = Subject("libpq in C", lambda: bench.measure(str(libpq), conninfo, QUERY))
    psql = Subject("psql", lambda: bench.measure_psql(name, "-v", "FETCH_COUNT=1000", "-c", QUERY))
    python = [
        Subject(f"psycopg2, {kind}", lambda kind=kind: bench.measure_python("psycopg2_rows.py", conninfo, QUERY, kind))
        for kind in (KINDS if bench.has_psycopg2 else ())
    ]
    subjects = [opsh, raw, psql, *python]
    bench.in_turn("reading", subjects)
    same_output([subject for subject in subjects if subject is not psql])

    table = Table(f"reading {bench.sizes.rows:,} rows of 10 columns, 2 of them used by name")
    table.note = "Each through a cursor, 1000 rows a FETCH. psql only prints the rows, to /dev/null."
    table.limit(table.row(opsh), "peak RSS", "rss", 32e6, "MB")
    # What is wanted of rows whose columns are looked up by name, as opsh's are.
    limits = [1.3, None] + [None, None, 0.5]
    for subject, limit in zip(subjects[1:], limits):
        table.compare(table.row(subject), opsh, subject, limit)
    return [table]
