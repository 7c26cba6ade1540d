"""Rows of a query as JSON and as CSV: bytes of text in a second of CPU, without the start."""

from __future__ import annotations

from bench import HERE, Bench
from groups import reading
from measure import Sample, Subject
from present import Table

NEEDS_PSQL = True
ROWS = 10_000
QUERY = f"{reading.QUERY} order by id limit {ROWS}"


def rate(sample: Sample, at: int) -> float:
    words = sample.output.split()
    return float(words[at]) / float(words[at + 1])


def measure(bench: Bench) -> list[Table]:
    name = reading.database(bench, max(ROWS, bench.sizes.rows))
    wanted = bench.sizes.megabytes * 1_000_000
    words = ["-e", f"sql, wanted = '{QUERY}', {wanted}", f"--evaluate={(HERE / 'ours' / 'output.lua').read_text()}"]
    rows = bench.folder / "rows.json"
    rows.write_text(bench.measure_opsh("--json", "-e", f"return query('{QUERY}')", database=name).output)

    ours = Subject("opsh", lambda: bench.measure_opsh(*words, database=name))
    peer = Subject("Python", lambda: bench.measure_python("output.py", str(rows), str(wanted)))
    bench.in_turn("output", [ours, peer])

    tables = []
    for at, (name, limit) in enumerate((("JSON", 200e6), ("CSV", 150e6))):
        table = Table(f"output as {name}", unit="MB/s", note=f"{ROWS:,} rows of 10 columns, written over and over.")
        subjects = [subject.by(lambda sample, at=at: rate(sample, 2 * at)) for subject in (ours, peer)]
        table.limit(table.row(subjects[0]), "rate", "figure", limit, "MB/s", at_least=True)
        table.compare(table.row(subjects[1]), *subjects)
        tables.append(table)
    return tables
