"""What the groups share: the program, its peers, the server and the sizes."""

from __future__ import annotations

import glob
import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measure import Sample, Subject, in_turn, measure, run
from server import Server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


@dataclass(frozen=True)
class Sizes:
    rows: int  # that are read
    items: int  # that are applied, about
    megabytes: int  # of text that is written
    rounds: int
    short_rounds: int  # of what takes milliseconds


FULL = Sizes(rows=1_000_000, items=1_000_000, megabytes=400, rounds=5, short_rounds=20)
QUICK = Sizes(rows=20_000, items=2_000, megabytes=10, rounds=2, short_rounds=2)


def find_psql() -> Path | None:
    """psql itself: on Debian the one in PATH is a script that takes longer than opsh to start."""
    newest = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"), key=lambda path: int(path.split("/")[4]))
    found = newest[-1] if newest else shutil.which("psql")
    return Path(found) if found else None


def clean_environment(folder: Path) -> dict[str, str]:
    """Nothing of the operator's: no PG*, no configuration, no state, no cache."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "OPSH_LUA", "XDG_"))}
    homes = {"HOME": folder, "XDG_STATE_HOME": folder / "state", "XDG_CACHE_HOME": folder / "cache"}
    return kept | {name: str(path) for name, path in homes.items()} | {"NO_COLOR": "1", "LC_ALL": "C.UTF-8"}


class Bench:
    """One run of the bench. Everything that it makes lies in `folder`, but for the server's own directory."""

    def __init__(self, opsh: Path, folder: Path, sizes: Sizes, quick: bool, say: Callable[[str], None]):
        self.opsh, self.folder, self.sizes, self.quick, self.say = opsh, folder, sizes, quick, say
        self.environment = clean_environment(folder)
        self.psql = find_psql()
        self.luacheck = shutil.which("luacheck")
        self.has_psycopg2 = importlib.util.find_spec("psycopg2") is not None
        self.server = Server(opsh, self.psql, self.environment, folder)
        # What opsh leaves behind in a round is kept away from the record of the server.
        self.elsewhere = self.environment | {"XDG_STATE_HOME": str(folder / "rounds")}
        self.build("measured", HERE / "measured.c")

    def build(self, name: str, source: Path, library: str | None = None) -> Path:
        flags = run(["pkg-config", "--cflags", "--libs", library], self.environment, self.folder) if library else ""
        warnings = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
        command = ["cc", "-std=gnu11", "-O2", *warnings, "-o", str(self.folder / name), str(source)]
        run(command + shlex.split(flags), self.environment, self.folder)
        return self.folder / name

    def missing(self) -> list[str]:
        """The peers that are not installed, each with its package."""
        peers = [
            ("psql", self.psql, "postgresql-client"),
            ("psycopg2", self.has_psycopg2, "python3-psycopg2"),
            ("luacheck", self.luacheck, "lua-check"),
        ]
        return [f"{name} is not installed (package {package})" for name, there, package in peers if not there]

    def measure(self, *command: str) -> Sample:
        return measure(list(command), self.environment, self.folder)

    def measure_opsh(
        self, *words: str, database: str | None = None, discard: bool = False, wanted: int = 0
    ) -> Sample:
        target = [f"--db={self.server.conninfo(database)}"] if database else []
        sample = measure([str(self.opsh), *target, *words], self.elsewhere, self.folder, discard, wanted)
        shutil.rmtree(self.folder / "rounds", ignore_errors=True)
        return sample

    def measure_psql(self, database: str, *words: str) -> Sample:
        command = self.server.psql_command(database, *words)
        return measure(command, self.environment, self.folder, discard=True)

    def measure_typed_psql(self, *words: str) -> Sample:
        """psql as PATH finds it, which on Debian is a script that looks for the newest one."""
        command = ["psql", "-XAt", "-d", self.server.conninfo("postgres"), *words]
        return measure(command, self.environment, self.folder, discard=True)

    def measure_python(self, peer: str, *words: str) -> Sample:
        return self.measure(sys.executable, "-B", str(HERE / "peers" / peer), *words)

    def in_turn(self, group: str, subjects: list[Subject], rounds: int | None = None) -> None:
        in_turn(subjects, rounds or self.sizes.rounds, lambda text: self.say(f"{group}: {text}"))


def same_output(subjects: list[Subject]) -> None:
    """Whoever computed something else than the first has not done the same work."""
    first = next((s.samples[0].output for s in subjects if s.samples), None)
    for subject in subjects:
        others = {sample.output for sample in subject.samples} - {first}
        if others:
            subject.error = f"gives {others.pop()!r} where {subjects[0].name} gives {first!r}"
