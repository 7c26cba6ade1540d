"""A throw-away PostgreSQL of one command: from the cached template to the first answer, and to its end."""

from __future__ import annotations

import subprocess
import time

from bench import ROOT, Bench
from measure import BenchError, Sample, Subject, started, text_of
from present import Table

NEEDS_PSQL = False
SCHEMA = ROOT / "scripts" / "backfill_versions" / "fixture" / "schema.sql"
LIMIT = 0.150


def answered(bench: Bench, option: str, query: str) -> Sample:
    """`chosen` is the time until the answer can be read."""
    command = [str(bench.opsh), option, "-e", f"return value('{query}')"]
    log = bench.folder / "sandbox.log"
    with log.open("w+b") as said:
        begun = time.monotonic()
        with started(command, bench.elsewhere, bench.folder, stdout=subprocess.PIPE, stderr=said) as process:
            answer = process.stdout.readline()
            first = time.monotonic() - begun
            process.stdout.close()
            status = process.wait()
        wall = time.monotonic() - begun
        if status != 0 or answer.strip() != b"0":
            raise BenchError(f"opsh ended with status {status}, answered {answer!r}: {text_of(said)}")
    return Sample(wall, chosen=first)


def measure(bench: Bench) -> list[Table]:
    empty = Subject("--sandbox", lambda: answered(bench, "--sandbox", "select 0"))
    loaded = Subject(
        "--sandbox=schema.sql",
        lambda: answered(bench, f"--sandbox={SCHEMA}", "select count(*) from competency_versions"),
    )
    # Loading is done by psql.
    subjects = [empty] + ([loaded] if bench.psql else [])
    bench.in_turn("sandbox", subjects, bench.sizes.short_rounds)
    table = Table("sandbox, from the cached template", unit="ms")
    table.note = "schema.sql has the 10 tables of the backfill. The warm-up fills the cache."
    for subject in subjects:
        first = subject.by(lambda sample: sample.figure, f"{subject.name}, to the first answer")
        table.limit(table.row(first), "median", "figure", LIMIT, "ms")
        table.row(subject.by(lambda sample: sample.wall, f"{subject.name}, until everything is gone"))
    return [table]
