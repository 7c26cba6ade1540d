"""`opsh test` of the shipped runbooks, beside psql, which makes their fixtures and answers alone."""

from __future__ import annotations

from pathlib import Path

from bench import ROOT, Bench
from measure import Subject
from present import Table

NEEDS_PSQL = False

LIMIT = 20.0
PEER = ROOT / "bench" / "peers" / "fixtures.sh"
VARIANTS = ("seed=1", "seed=2 hard=1")


def tests() -> list[Path]:
    """What compares runs on 1000 rows with the reference of a runbook; ladders have fixtures of their own."""
    found = sorted((ROOT / "scripts").glob("*/test/*_test.lua"))
    shipped = {file.stem for file in (ROOT / "scripts").glob("*.lua")}
    return [file for file in found if file.parts[-3] in shipped and not file.stem.endswith("_ladder_test")]


def measure(bench: Bench) -> list[Table]:
    files = [str(file) for file in tests()]
    opsh = Subject("opsh test", lambda: bench.measure_opsh("test", *files))
    alone = Subject(
        "psql: schema, data, answers, check",
        lambda: bench.measure("sh", str(PEER), str(bench.psql), bench.server.conninfo(), str(ROOT / "scripts"), *VARIANTS),
    )
    subjects = [opsh] + ([alone] if bench.psql else [])
    bench.in_turn("testing", subjects, 1 if bench.quick else 3)

    table = Table("testing", note="The tests of the five shipped runbooks at n = 1000, on their own throw-away servers.")
    table.limit(table.row(opsh), "median", "figure", LIMIT, "s")
    if bench.psql:
        table.compare(table.row(alone, "each of the two fixtures of a runbook once, on the server of the bench"), opsh, alone)
    return [table]
