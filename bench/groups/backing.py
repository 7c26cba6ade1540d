"""A backup beside the programs that it is made with, to readable and to equal."""

from __future__ import annotations

import shlex
from pathlib import Path

from bench import HERE, Bench
from measure import Sample, Subject, measure as measured
from present import Table

NEEDS_PSQL = True
ROWS = 4  # times those of the other groups: a gigabyte
SCAN = "select count(*), sum(hashtextextended(row(id, holder, balance, opened, note)::text, 0)::numeric) from account"


def shell(bench: Bench, *lines: str) -> Sample:
    """The lines one after the other, as a person has them in a script."""
    sample = measured(["sh", "-c", " && ".join(lines)], bench.environment, bench.folder, discard=True)
    (bench.folder / "peer.dump").unlink(missing_ok=True)
    return sample


def programs(bench: Bench, database: str) -> dict[str, str]:
    """What opsh does with PostgreSQL's own programs, each as a line of shell."""
    psql, conninfo = bench.server.psql_command(database), shlex.quote(bench.server.conninfo(database))
    folder = Path(psql[0]).parent
    return {
        "dump": f"{folder}/pg_dump -Fc -f peer.dump -d {conninfo}",
        "read": f"{folder}/pg_restore -f /dev/null peer.dump",
        "restore": f"{folder}/pg_restore --single-transaction --exit-on-error "
        f"-d {shlex.quote(bench.server.conninfo('again'))} peer.dump",
        "scan": shlex.join([*psql, "-c", SCAN]),
    }


def restored(bench: Bench, lines: list[str]) -> Sample:
    bench.server.execute("create database again template template0")
    try:
        return shell(bench, *lines)
    finally:
        bench.server.execute("drop database again with (force)")


def opsh(bench: Bench, name: str, database: str, *words: str) -> Subject:
    return Subject(name, lambda: bench.measure_opsh("backup", "--quiet", *words, database=database, discard=True))


def filled(bench: Bench, rows: int) -> str:
    def fill(name: str) -> None:
        bench.say(f"making {rows:,} accounts")
        bench.server.load(name, HERE / "data" / "backing.sql", rows=rows)

    return bench.server.template(f"backing_{rows}", fill)


def to_readable(bench: Bench, database: str, rows: int) -> Table:
    lines = programs(bench, database)
    ours = opsh(bench, "opsh backup --level=readable", database, "--level=readable")
    peer = Subject("pg_dump, then pg_restore reads it", lambda: shell(bench, lines["dump"], lines["read"]))
    bench.in_turn("backing", [ours, peer])
    table = Table(f"a backup of {rows:,} rows, to readable")
    table.limit(table.row(ours, "with the hash of every table"), "peak RSS", "rss", 64e6, "MB")
    table.compare(table.row(peer), ours, peer, 1.1)
    return table


def to_equal(bench: Bench, database: str, rows: int) -> Table:
    lines = programs(bench, database)
    server = bench.server.conninfo()
    ours = opsh(bench, "opsh backup --scratch", database, f"--scratch={server}")
    sandbox = opsh(bench, "opsh backup", database)
    peer = Subject(
        "pg_dump, pg_restore, one scan",
        lambda: restored(bench, [lines["dump"], lines["restore"], lines["scan"]]),
    )
    bench.in_turn("backing", [ours, sandbox, peer])
    table = Table(f"a backup of {rows:,} rows, to equal")
    table.limit(table.row(ours, "restored on the same server"), "peak RSS", "rss", 64e6, "MB")
    table.row(sandbox, "restored in a throw-away server; its processes are in the peak RSS")
    table.compare(table.row(peer, "the scan hashes the rows"), ours, peer, 1.3)
    return table


def measure(bench: Bench) -> list[Table]:
    rows = bench.sizes.rows * ROWS
    database = filled(bench, rows)
    return [to_readable(bench, database, rows), to_equal(bench, database, rows)]
