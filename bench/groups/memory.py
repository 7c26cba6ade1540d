"""Whether memory grows with the rows."""

from __future__ import annotations

from bench import Bench
from groups import applying, reading
from measure import Subject
from present import Table

NEEDS_PSQL = True
TIMES = 5
GROWTH = 1.1


def add(table: Table, small: Subject, large: Subject) -> None:
    few, many = (subject.by(lambda sample: sample.rss) for subject in (small, large))
    table.row(few)
    table.compare(table.row(many), many, few, GROWTH)


def measure(bench: Bench) -> list[Table]:
    table = Table(f"memory at {TIMES} times the rows", unit="MB", ratio_of="to the row above")
    table.note = "The figures are of opsh's peak RSS."
    rows = bench.sizes.rows
    small, large = (
        Subject(f"reading {count:,} rows", lambda count=count: reading.read(bench, reading.database(bench, count)))
        for count in (rows, rows * TIMES)
    )
    bench.in_turn("memory", [small, large])
    add(table, small, large)
    jobs = [applying.backfill(bench, count) for count in (bench.sizes.items // TIMES, bench.sizes.items)]
    small, large = (applying.opsh(bench, job, f"applying {job.wanted:,} inserts") for job in jobs)
    bench.in_turn("memory", [small, large])
    add(table, small, large)
    return [table]
