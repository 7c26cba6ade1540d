"""`opsh lint` of a hundred runbooks, beside luacheck, which looks at their Lua alone."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench import ROOT, Bench
from measure import Subject
from present import Table

NEEDS_PSQL = False

RUNBOOKS = 100
SHIPPED = 55  # of long ones with modules, as they ship; the rest are short ones of the corpus


def write_runbooks(folder: Path) -> list[Path]:
    """Nothing is to be found in them: then each is read, loaded and judged to its end."""
    shutil.copytree(ROOT / "scripts" / "lib", folder / "lib", ignore=shutil.ignore_patterns("test"))
    shipped = sorted((ROOT / "scripts").glob("*.lua"))
    correct = sorted((ROOT / "tests" / "lint" / "correct").glob("*.lua"))
    for number in range(RUNBOOKS):
        source = shipped[number % len(shipped)] if number < SHIPPED else correct[(number - SHIPPED) % len(correct)]
        shutil.copy(source, folder / f"{source.stem}_{number}.lua")
    return sorted(folder.glob("**/*.lua"))


def measure(bench: Bench) -> list[Table]:
    folder = bench.folder / "linting"
    files = write_runbooks(folder)
    lines = sum(len(file.read_text().splitlines()) for file in files)
    opsh = Subject("opsh lint", lambda: bench.measure_opsh("lint", str(folder)))
    words = ["--quiet", "--no-config", "--no-cache", "--std=luajit", "--no-max-line-length", str(folder)]
    luacheck = Subject("luacheck", lambda: bench.measure(str(bench.luacheck), *words))
    subjects = [opsh] + ([luacheck] if bench.luacheck else [])
    bench.in_turn("linting", subjects, bench.sizes.short_rounds)

    table = Table("linting", note=f"{RUNBOOKS} runbooks, with their modules {len(files)} files and {lines} lines.")
    table.limit(table.row(opsh), "median", "figure", 1.0, "s")
    if bench.luacheck:
        table.compare(table.row(luacheck, "knows no SQL, and loads nothing"), opsh, luacheck)
    return [table]
