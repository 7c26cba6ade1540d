"""The server of a bench: a durable sandbox, and the databases on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import BenchError, run

# A checkpoint or an autovacuum that falls into one round and not into the next would be noise; durability stays as in
# production (fsync, full_page_writes, synchronous_commit).
SETTINGS = {"autovacuum": "off", "checkpoint_timeout": "1h", "max_wal_size": "16GB"}


class Server:
    """Started by start(), gone after stop(); all that it needs is in `environment` and below `folder`."""

    def __init__(self, opsh: Path, psql: Path | None, environment: dict[str, str], folder: Path):
        self.opsh, self.psql, self.environment, self.folder = opsh, psql, environment, folder
        self.base = ""
        self.made: dict[str, str] = {}
        self.numbers = itertools.count(1)

    def start(self) -> None:
        self.base = self.sandbox("start", "--durable", "--conninfo")
        for name, value in SETTINGS.items() if self.psql else ():
            self.execute(f"alter system set {name} = '{value}'")
        if self.psql:
            self.execute("select pg_reload_conf()")

    def stop(self) -> None:
        self.sandbox("stop", "--quiet")

    def sandbox(self, *words: str) -> str:
        return run([str(self.opsh), "sandbox", *words], self.environment, self.folder)

    def conninfo(self, database: str = "postgres") -> str:
        # Of a word that is given twice libpq takes the last.
        return f"{self.base} dbname='{database}'"

    def directory(self) -> Path | None:
        found = [word for word in self.base.split() if word.startswith("host=")]
        return Path(found[0].removeprefix("host=").strip("'")) if found else None

    def version(self) -> str:
        return self.ask("select current_setting('server_version')")

    def ask(self, sql: str) -> str:
        """One value, without psql."""
        return run([str(self.opsh), "--db", self.base, "-e", f"return value([[{sql}]])"], self.environment, self.folder)

    def settings(self) -> str:
        names = ", ".join(f"('{name}')" for name in ("fsync", "full_page_writes", "synchronous_commit", *SETTINGS))
        listed = f"select string_agg(name || ' ' || current_setting(name), ', ') from (values {names}) as s (name)"
        return self.ask(listed)

    def psql_command(self, database: str, *words: str) -> list[str]:
        if not self.psql:
            raise BenchError("psql is not there")
        return [str(self.psql), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", *words, "-d", self.conninfo(database)]

    def execute(self, sql: str, database: str = "postgres") -> str:
        return run(self.psql_command(database, "-c", sql), self.environment, self.folder)

    def load(self, database: str, file: Path, **variables: int) -> None:
        given = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        run(self.psql_command(database, *given, "-f", str(file)), self.environment, self.folder)

    def template(self, name: str, fill: Callable[[str], None]) -> str:
        """The database `name`, which is made and filled when it is asked for first."""
        if name not in self.made:
            self.execute(f"create database {name}")
            fill(name)
            self.execute("vacuum analyze", name)
            self.made[name] = name
        return name

    def forget(self, template: str) -> None:
        """Drops what template() has made."""
        self.made.pop(template, None)
        self.execute(f"drop database if exists {template}")

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """A fresh copy of a database, all of it written to disk before the clock starts."""
        name = f"round_{next(self.numbers)}"
        file_copy = " strategy file_copy" if int(self.execute("show server_version_num")) >= 150000 else ""
        self.execute(f"create database {name} template {template}{file_copy}")
        self.execute("checkpoint")
        try:
            yield name
        finally:
            self.execute(f"drop database {name} with (force)")
