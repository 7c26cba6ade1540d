"""What takes milliseconds: programs that start, and the prompt."""

from __future__ import annotations

from dataclasses import replace

from bench import Bench
from measure import Sample, Subject
from present import Table
from terminal import Terminal

NEEDS_PSQL = False


def prompt(bench: Bench) -> Sample:
    with Terminal([str(bench.opsh), "--db", bench.server.conninfo()], bench.elsewhere, bench.folder) as terminal:
        wall = terminal.until(b"=> ") - terminal.started
        sample = replace(terminal.used(), wall=wall)
        terminal.type(b"\\q\n")
    return sample


def measure(bench: Bench) -> list[Table]:
    version = Subject("opsh --version", lambda: bench.measure_opsh("--version"))
    nothing = Subject("opsh -e 'return 1'", lambda: bench.measure_opsh("-e", "return 1"))
    query = "return value('select 1')"
    asked = Subject(f'opsh -e "{query}"', lambda: bench.measure_opsh("-e", query, database="postgres"))
    psql = Subject("psql, the program itself", lambda: bench.measure_psql("postgres", "-c", "select 1"))
    typed = Subject("psql -c 'select 1', as it is typed", lambda: bench.measure_typed_psql("-c", "select 1"))
    shown = Subject("opsh, until its prompt shows", lambda: prompt(bench))
    subjects = [version, nothing, asked] + ([psql, typed] if bench.psql else []) + [shown]
    bench.in_turn("starting", subjects, bench.sizes.short_rounds)

    table = Table("starting", unit="ms", ratio_of="opsh -e / this")
    for subject, limit in ((version, None), (nothing, 0.015), (asked, None), (shown, 0.050)):
        row = table.row(subject)
        if limit:
            table.limit(row, "median", "figure", limit, "ms")
    if bench.psql:
        table.compare(table.row(typed), asked, typed, 1.3)
        table.compare(table.row(psql, "which Debian's psql, a script, starts"), asked, psql)
    return [table]
