"""A backfill applied with the ledger on, beside the SQL and the script that do the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench import HERE, ROOT, Bench
from measure import BenchError, Sample, Subject
from present import Table

NEEDS_PSQL = True
PART = 20  # the script row by row does one row of so many
FIXTURE = ROOT / "scripts" / "backfill_versions" / "fixture"
ITEMS_PER_COMPETENCY = 0.527  # what the fixture leaves to be done


@dataclass(frozen=True)
class Work:
    """What is applied: a filled database, the table that grows, by how many rows, and the runbook that does it."""

    template: str
    table: str
    wanted: int
    runbook: Path
    plan: Path
    insert: Path


def backfill(bench: Bench, items: int) -> Work:
    competencies = round(items / ITEMS_PER_COMPETENCY)

    def fill(name: str) -> None:
        bench.say(f"making {competencies:,} competencies")
        bench.server.load(name, FIXTURE / "schema.sql")
        bench.server.load(name, FIXTURE / "data.sql", n=competencies)

    template = bench.server.template(f"backfill_{items}", fill)
    return work(bench, template, "competency_versions", ROOT / "scripts" / "backfill_versions.lua", "backfill")


def bare(bench: Bench, items: int) -> Work:
    data = HERE / "data" / "bare.sql"
    template = bench.server.template(f"bare_{items}", lambda name: bench.server.load(name, data, rows=items))
    return work(bench, template, "bare", HERE / "ours" / "bare.lua", "bare")


def work(bench: Bench, template: str, table: str, runbook: Path, peer: str) -> Work:
    plan, insert = (HERE / "peers" / f"{peer}_{part}.sql" for part in ("plan", "insert"))
    query = plan.read_text().strip().removesuffix(";")
    wanted = int(bench.server.execute(f"select count(*) from ({query}) as plan", template))
    return Work(template, table, wanted, runbook, plan, insert)


def round_of(bench: Bench, job: Work, wanted: int, program: Callable[[str], Sample]) -> Sample:
    """One round on a fresh copy. Who makes another number of rows has not done the work."""
    count = f"select count(*) from {job.table}"
    with bench.server.copy(job.template) as copy:
        before = int(bench.server.execute(count, copy))
        sample = program(copy)
        made = int(bench.server.execute(count, copy)) - before
    if made != wanted:
        raise BenchError(f"made {made:,} rows in {job.table}, not {wanted:,}")
    return sample


def opsh(bench: Bench, job: Work, name: str = "opsh") -> Subject:
    words = (str(job.runbook), "--apply", "--quiet")
    return Subject(
        name, lambda: round_of(bench, job, job.wanted, lambda copy: bench.measure_opsh(*words, database=copy))
    )


def psql(bench: Bench, job: Work) -> Subject:
    words = ("-f", str(job.plan), "-f", str(job.insert))
    return Subject("psql", lambda: round_of(bench, job, job.wanted, lambda copy: bench.measure_psql(copy, *words)))


def by_row(bench: Bench, job: Work) -> Subject:
    part = max(1, job.wanted // PART)

    def script(copy: str) -> Sample:
        sample = bench.measure_python("backfill_rows.py", bench.server.conninfo(copy), str(part))
        loop = float(sample.output)
        # Its start and its reading of the capabilities happen once however many rows there are.
        return replace(sample, chosen=sample.wall - loop + loop * job.wanted / part)

    return Subject("psycopg2, row by row", lambda: round_of(bench, job, part, script))


def table(bench: Bench, title: str, job: Work, limit: float, script: Subject | None = None) -> Table:
    ours, pair = opsh(bench, job), psql(bench, job)
    bench.in_turn("applying", [ours, pair] + ([script] if script else []))
    made = Table(f"applying {job.wanted:,} inserts, {title}")
    made.row(ours)
    made.compare(made.row(pair, "the plan's query, then one INSERT ... SELECT"), ours, pair, limit)
    if script:
        note = f"1 row of {PART} done, its loop's time times {PART}"
        made.compare(made.row(script, note), ours, script, 0.25)
    return made


def measure(bench: Bench) -> list[Table]:
    job = backfill(bench, bench.sizes.items)
    script = by_row(bench, job) if bench.has_psycopg2 else None
    first = table(bench, "with a foreign key and 5 indexes", job, 1.4, script)
    first.note = "Each round on a fresh copy of the database; the server is durable, opsh writes its ledger."
    return [first, table(bench, "no foreign key, no index but the primary key", bare(bench, bench.sizes.items), 2.0)]
