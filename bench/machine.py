"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from server import Server

LIBRARIES = ("libluajit-5.1-2", "libpq5", "libpqxx-6.4", "libpqxx-7.10", "libfmt9", "libfmt10", "python3-psycopg2")


def said(*arguments: str, folder: Path | None = None) -> str:
    """What a program prints, however it ends."""
    try:
        return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def value_of(path: str, name: str, separator: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip().strip('"')
    return "unknown"


def file_system(folder: Path) -> str:
    """The type of the file system below a folder: fsync costs nothing on tmpfs."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [(words[1], words[2]) for words in mounts if folder.resolve().is_relative_to(words[1])]
    return max(above, key=lambda mount: len(mount[0]), default=("", "unknown"))[1]


def libraries() -> str:
    # dpkg-query fails for a package that the release does not know, and still prints the others.
    shown = said("dpkg-query", "--show", "--showformat", "${Package} ${Version} ${db:Status-Status}\n", *LIBRARIES)
    lines = [line.rsplit(" ", 1) for line in shown.splitlines()]
    return ", ".join(name for name, status in lines if status == "installed") or "unknown"


def describe(root: Path, server: Server) -> dict[str, str]:
    commit = said("git", "rev-parse", "--short", "HEAD", folder=root)
    changed = " and changes" if commit and said("git", "status", "--porcelain", folder=root) else ""
    facts = {
        "opsh": said(str(server.opsh), "--version") + (f", commit {commit}{changed}" if commit else ""),
        "CPU": f"{value_of('/proc/cpuinfo', 'model name', ':')}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "distribution": value_of("/etc/os-release", "PRETTY_NAME", "="),
        "PostgreSQL": server.version(),
        "settings": server.settings(),
        "libraries": libraries(),
        "Python": platform.python_version(),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
    }
    if directory := server.directory():
        facts["data on"] = file_system(directory)
    return facts
