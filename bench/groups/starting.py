"""What takes milliseconds: programs that start, and the prompt."""

from __future__ import annotations

import os
import pty
import select
import signal
import time

from bench import Bench
from measure import BenchError, Sample, Subject
from present import Table

NEEDS_PSQL = False
PATIENCE = 10  # seconds that a prompt gets to appear


def read_until(terminal: int, wanted: bytes) -> float:
    """Reads what a terminal shows; gives the moment at which it showed `wanted`."""
    shown, deadline = b"", time.monotonic() + PATIENCE
    while wanted not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        try:
            read = os.read(terminal, 4096) if ready else b""
        except OSError:  # what a terminal gives when its program has ended
            read = b""
        if not read:
            raise BenchError(f"the prompt did not appear; instead: {shown.decode(errors='replace').strip()[-500:]!r}")
        shown += read
    return time.monotonic()


def prompt(bench: Bench) -> Sample:
    command = [str(bench.opsh), "--db", bench.server.conninfo()]
    started = time.monotonic()
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(bench.folder)
        os.execve(command[0], command, bench.elsewhere | {"TERM": "xterm"})
    try:
        appeared = read_until(terminal, b"=> ")
        os.write(terminal, b"\\q\n")
    except BaseException:
        os.kill(process, signal.SIGKILL)
        raise
    finally:
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:
            pass
        os.close(terminal)
        _, status, used = os.wait4(process, 0)
    if status != 0:
        raise BenchError(f"the prompt ended with status {os.waitstatus_to_exitcode(status)} at \\q")
    return Sample(appeared - started, used.ru_utime + used.ru_stime)


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
