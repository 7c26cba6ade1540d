"""What the journal costs: the same runbook with it and with `journal = false`, and its undo."""

from __future__ import annotations

from pathlib import Path

from bench import HERE, Bench
from measure import Sample, Subject
from present import Table

NEEDS_PSQL = True
ROWS = 200_000
QUICK_ROWS = 5_000
OTHER_TABLES = 5_000
SMALL_BATCH = 100
PROOF = 0.0005  # seconds a batch, at OTHER_TABLES

RUNBOOK = """local runbook = require("opsh.runbook")
return runbook {{ title = "{name}", steps = {{ {{
  name = "{name}", plan = "select id from {source}", key = "id", writes = {{ "{table}" }}, batch = {batch}, {journal}
  apply = function(tx) return {{ rows = tx:exec([[{sql}]]) }} end }} }} }}
"""

STATEMENTS = {
    "update of 3 columns": (
        "changed",
        "changed",
        "update changed set number = number + 1, name = name || 'x', due = due + interval '1 day' where id = any(:keys)",
    ),
    "insert of 6 columns": ("changed", "filled", "insert into filled select * from changed where id = any(:keys)"),
    "delete": ("changed", "changed", "delete from changed where id = any(:keys)"),
}


def runbook(bench: Bench, name: str, journaled: bool, batch: int = 10_000) -> Path:
    source, table, sql = STATEMENTS[name]
    path = bench.folder / f"{name.split()[0]}_{batch}_{'journaled' if journaled else 'bare'}.lua"
    journal = "" if journaled else "journal = false,"
    path.write_text(RUNBOOK.format(name=name, source=source, table=table, batch=batch, journal=journal, sql=sql))
    return path


def template(bench: Bench, rows: int, others: int) -> str:
    data = HERE / "data" / "journaled.sql"
    return bench.server.template(
        f"journaled_{rows}_{others}", lambda name: bench.server.load(name, data, rows=rows, others=others)
    )


def apply(bench: Bench, database: str, path: Path) -> Sample:
    """Its figure is the wall time; what it wrote into the WAL is in its output."""
    with bench.server.copy(database) as copy:
        before = bench.server.execute("select pg_current_wal_insert_lsn()", copy)
        sample = bench.measure_opsh(str(path), "--apply", "--quiet", database=copy)
        written = bench.server.execute(f"select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{before}')", copy)
    return Sample(sample.wall, sample.cpu, sample.rss, written)


def undo(bench: Bench, database: str, path: Path) -> Sample:
    with bench.server.copy(database) as copy:
        bench.measure_opsh(str(path), "--apply", "--quiet", database=copy)
        run = bench.server.execute("select id from opsh.run", copy)
        return bench.measure_opsh("undo", run, "--apply", "--quiet", database=copy)


def compared(bench: Bench, name: str, database: str, time_limit: float | None, wal_limit: float | None) -> list[Table]:
    ours, bare = (
        Subject(word, lambda path=runbook(bench, name, journaled): apply(bench, database, path))
        for word, journaled in (("with the journal", True), ("journal = false", False))
    )
    bench.in_turn("journaling", [ours, bare])
    by_wal = [subject.by(lambda sample: float(sample.output)) for subject in (ours, bare)]
    tables = [Table(f"journaling, {name}: time"), Table(f"journaling, {name}: WAL", unit="MB")]
    for table, (first, second), limit in zip(tables, ([ours, bare], by_wal), (time_limit, wal_limit)):
        table.row(first)
        table.ratio_of = "with / without"
        table.compare(table.row(second), first, second, limit)
    return tables


def measure(bench: Bench) -> list[Table]:
    rows = QUICK_ROWS if bench.quick else ROWS
    database = template(bench, rows, 0)
    limits = {"update of 3 columns": (1.6, 1.3), "insert of 6 columns": (None, 1.8), "delete": (None, None)}
    tables = [table for name, pair in limits.items() for table in compared(bench, name, database, *pair)]

    changed = runbook(bench, "update of 3 columns", True)
    back = Subject(f"undo of {rows:,} rows", lambda: undo(bench, database, changed))
    few, many = (
        Subject(
            f"batches of {SMALL_BATCH}, {others:,} other tables",
            lambda others=others: apply(
                bench,
                template(bench, QUICK_ROWS, others),
                runbook(bench, "update of 3 columns", True, SMALL_BATCH),
            ),
        )
        for others in (0, 100 if bench.quick else OTHER_TABLES)
    )
    bench.in_turn("journaling", [back, few, many])
    table = Table("journaling: undo, and the proof where there are many tables", ratio_of="to the row above")
    table.limit(table.row(back), "median", "figure", rows / 60_000, "s")
    table.row(few)
    batches = QUICK_ROWS / SMALL_BATCH
    row = table.row(many)
    table.compare(row, many, few)
    if few.samples:
        table.limit(row, "median", "figure", few.median() + batches * PROOF, "s")
    return tables + [table]
