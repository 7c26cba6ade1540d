"""The prompt beside psql: until it shows, Tab, a paste, a large result in a file and in the pager."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace

from bench import HERE, Bench
from measure import Sample, Subject
from present import Table
from terminal import Terminal

NEEDS_PSQL = True
TABLES, TABS = 5000, 100
PASTED = 100_000
CLEAR = b"\x15"
MEGABYTE = 1e6

Work = Callable[[Terminal], float]  # how long it took


class Shell:
    """opsh or psql, each at a terminal with a pager that nobody has to leave."""

    def __init__(self, bench: Bench, name: str, prompt: bytes, option: str):
        self.bench, self.name, self.prompt, self.option = bench, name, prompt, option
        self.program = str(bench.opsh if name == "opsh" else bench.psql)
        self.environment = bench.elsewhere | {"PAGER": "cat > /dev/null"}

    def measured(self, database: str, work: Work) -> Sample:
        command = [self.program, self.option, self.bench.server.conninfo(database)]
        with Terminal(command, self.environment, self.bench.folder) as terminal:
            wall = work(terminal)
            sample = replace(terminal.used(), wall=wall)
            terminal.type(CLEAR + b"\\q\r")
        return sample

    def appears(self, terminal: Terminal) -> float:
        return terminal.until(self.prompt) - terminal.started

    def completes(self, terminal: Terminal) -> float:
        """The 99th percentile of Tabs, half of them for tables, half for columns."""
        terminal.until(self.prompt)
        terminal.drain(2)  # opsh reads the names beside its prompt
        times = []
        for at in range(TABS):
            table = b"t%d_orders" % (1 + at * 53 % TABLES)
            typed = b"select * from " + (table[:-4] if at % 2 else table + b" where cust")
            terminal.type(CLEAR + typed)
            terminal.drain(0.05)
            began = terminal.type(b"\t")
            times.append(terminal.until(b"ders" if at % 2 else b"omer_id") - began)
        return statistics.quantiles(times, n=100)[98]

    def pastes(self, terminal: Terminal) -> float:
        """A text of many lines, until what its last one gives is shown."""
        terminal.until(self.prompt)
        lua, sql = (b"n = %d\n", b"print('the ' .. 'end')"), (b"-- %d\n", b"select 'the ' || 'end';")
        line, last = lua if self.name == "opsh" else sql
        text = b"".join(line % at for at in range(PASTED))[: PASTED - len(last)]
        text = text[: text.rindex(b"\n") + 1] + last
        began = terminal.type(b"\x1b[200~" + text + b"\x1b[201~\r")
        return terminal.until(b"the end") - began

    def answers(self, *lines: str) -> Work:
        """From the first line to the prompt behind the last one."""

        def work(terminal: Terminal) -> float:
            at = began = terminal.until(self.prompt)
            for line in lines:
                terminal.type(line.encode() + b"\r")
                at = terminal.until(self.prompt)
            return at - began

        return work


def measure(bench: Bench) -> list[Table]:
    ours, peer = Shell(bench, "opsh", b"=> ", "--db"), Shell(bench, "psql", b"=# ", "-Xd")
    data = HERE / "data" / "wide.sql"
    wide = bench.server.template("wide", lambda name: bench.server.load(name, data, tables=TABLES))
    rows = f"select n as id, md5(n::text) as word, n * 1.5 as amount from generate_series(1, {bench.sizes.rows}) as n"
    copied = f"\\copy ({rows}) to 'rows.csv' csv"
    count = f"{bench.sizes.rows:,} rows"

    def compared(title: str, our: Work, their: Work, database: str, limit: float | None = None) -> Table:
        subjects = [
            Subject(shell.name, lambda shell=shell, work=work: shell.measured(database, work))
            for shell, work in ((ours, our), (peer, their))
        ]
        bench.in_turn(title, subjects)
        table = Table(f"prompt: {title}", unit="ms" if limit else "s")
        row = table.row(subjects[0])
        if limit:
            table.limit(row, "median", "figure", limit, "ms")
        else:
            table.limit(row, "peak RSS", "rss", 64 * MEGABYTE, "MB")
        table.compare(table.row(subjects[1]), *subjects)
        return table

    return [
        compared("until it shows", ours.appears, peer.appears, "postgres", 0.050),
        compared(f"until it shows, {TABLES:,} tables", ours.appears, peer.appears, wide, 0.060),
        compared(f"99 of {TABS} Tabs, {TABLES:,} tables", ours.completes, peer.completes, wide, 0.030),
        compared(f"a paste of {PASTED:,} characters", ours.pastes, peer.pastes, "postgres", 1),
        compared(f"{count} into a file", ours.answers(copied), peer.answers(copied), "postgres"),
        compared(
            f"{count} to the pager",
            ours.answers(rows + ";", "\\more all"),
            peer.answers(rows + ";"),
            "postgres",
        ),
    ]
