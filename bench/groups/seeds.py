"""The five shipped runbooks on their fixtures: plan, apply and undo beside the reference that works out the answers."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import ROOT, Bench
from measure import BenchError, Sample, Subject
from present import Table

NEEDS_PSQL = True
ROWS = 100_000
QUICK_ROWS = 1_000
MEMORY = 100e6


@dataclass(frozen=True)
class Seed:
    """A runbook with its fixture."""

    name: str
    seconds: int  # that an apply may take
    options: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()

    @property
    def runbook(self) -> str:
        return str(ROOT / "scripts" / f"{self.name}.lua")

    @property
    def fixture(self) -> Path:
        return ROOT / "scripts" / self.name / "fixture"


OWNER = "docente_1"
SEEDS = (
    Seed("remediate_achievements", 15, (f"--owner-username={OWNER}",), ("-v", f"owner={OWNER}")),
    Seed("backfill_versions", 15),
    Seed("backfill_import_audit", 15),
    Seed("backfill_accepted_prompts", 60),
    Seed("quarantine_orphan_drivers", 15),
)


class Turn:
    """The copy of a filled database that the reference, the plan, the apply and the undo of one turn share. The
    reference writes only the answers, which the others are held against."""

    def __init__(self, bench: Bench, seed: Seed, template: str):
        self.bench, self.seed, self.template = bench, seed, template
        self.held, self.database = ExitStack(), ""

    def reference(self) -> Sample:
        self.held.close()
        self.database = self.held.enter_context(self.bench.server.copy(self.template))
        psql = self.bench.server.psql_command(self.database)
        answers = shlex.join([*psql, *self.seed.reference, "-f", str(self.seed.fixture / "reference.sql")])
        program = self.seed.fixture / "reference.py"
        if program.exists():
            documents = shlex.join([*psql, "-f", str(self.seed.fixture / "documents.sql")])
            judge, load = shlex.join([sys.executable, "-B", str(program)]), shlex.join(psql)
            answers = f"{documents} > documents && {judge} < documents > judged && {load} < judged && {answers}"
        sample = self.bench.measure("sh", "-c", f"({answers}) > answered")
        self.bench.server.execute("checkpoint")
        return Sample(sample.wall, sample.cpu, sample.rss)

    def opsh(self, phase: str, *words: str) -> Sample:
        if not self.database:
            raise BenchError("the reference failed")
        sample = self.bench.measure_opsh(*words, "--quiet", database=self.database, discard=True)
        self.check(phase)
        return sample

    def plan(self) -> Sample:
        return self.opsh("dry", self.seed.runbook, *self.seed.options)

    def apply(self) -> Sample:
        return self.opsh("apply", self.seed.runbook, "--apply", *self.seed.options)

    def undo(self) -> Sample:
        run = self.bench.server.execute("select id from opsh.run", self.database)
        return self.opsh("rollback", "undo", run, "--apply")

    def check(self, phase: str) -> None:
        """Who leaves a row other than the reference expects has not done the work."""
        check = self.bench.server.psql_command(self.database, "-v", f"phase={phase}")
        counted = self.bench.measure(*check, "-f", str(self.seed.fixture / "check.sql")).output
        wrong = [line for line in counted.splitlines() if not line.endswith("|0")]
        if wrong:
            raise BenchError(f"{phase}: {'; '.join(wrong)}")


def template(bench: Bench, seed: Seed, rows: int, number: int = 1, hard: int = 0) -> str:
    def fill(name: str) -> None:
        bench.say(f"making {rows:,} rows for {seed.name}")
        bench.server.load(name, seed.fixture / "schema.sql")
        bench.server.load(name, seed.fixture / "data.sql", n=rows, seed=number, hard=hard)

    return bench.server.template(f"{seed.name}_{rows}_{number}_{hard}", fill)


def compared(bench: Bench, seed: Seed, rows: int) -> Table:
    turn = Turn(bench, seed, template(bench, seed, rows))
    reference = Subject("its reference", turn.reference)
    ours = [Subject("opsh", turn.plan), Subject("opsh --apply", turn.apply), Subject("opsh undo --apply", turn.undo)]
    with turn.held:
        bench.in_turn(seed.name, [reference, *ours])
    table = Table(f"{seed.name}, {rows:,} rows", ratio_of="this / reference")
    table.row(reference, "works out what is right, and changes nothing")
    for subject in ours:
        row = table.row(subject)
        table.compare(row, subject, reference)
        if subject.name == "opsh --apply":
            table.limit(row, "median", "figure", seed.seconds, "s")
        table.limit(row, "peak RSS", "rss", MEMORY, "MB")
    return table


def measure(bench: Bench) -> list[Table]:
    return [compared(bench, seed, QUICK_ROWS if bench.quick else ROWS) for seed in SEEDS]
