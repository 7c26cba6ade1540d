"""A program at a pseudo-terminal of its own, typed at and timed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from pathlib import Path

from measure import BenchError, Sample

PATIENCE = 60  # seconds


class Terminal:
    """`command` from its start on; `started` is when. To be left by quit(), or by kill() when something is wrong."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path):
        self.started = time.monotonic()
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.execve(command[0], command, environment | {"TERM": "xterm"})
        os.set_blocking(self.terminal, False)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind, *_) -> None:
        if kind:
            os.kill(self.process, signal.SIGKILL)
        self.drain(PATIENCE)
        os.close(self.terminal)
        os.waitpid(self.process, 0)

    def read(self, seconds: float) -> bytes:
        """What is there, after at most so long; nothing at the end."""
        try:
            return os.read(self.terminal, 65536) if select.select([self.terminal], [], [], max(0, seconds))[0] else b""
        except OSError:  # what a terminal gives when its program has ended
            return b""

    def drain(self, seconds: float) -> None:
        """Reads until nothing has come for so long."""
        while self.read(seconds):
            pass

    def until(self, wanted: bytes) -> float:
        """Reads until `wanted` was shown; when that was."""
        shown, deadline = b"", time.monotonic() + PATIENCE
        while wanted not in shown:
            read = self.read(deadline - time.monotonic())
            if not read:
                end = shown.decode(errors="replace").strip()[-300:]
                raise BenchError(f"{wanted.decode()!r} did not appear; instead: {end!r}")
            shown = shown[-len(wanted) :] + read
        return time.monotonic()

    def type(self, keys: bytes) -> float:
        """Gives the keys to the terminal, however many they are; when the first was given."""
        began = time.monotonic()
        while keys:
            readable, writable, _ = select.select([self.terminal], [self.terminal], [], PATIENCE)
            if readable:
                self.read(0)
            if writable:
                keys = keys[os.write(self.terminal, keys[:4096]) :]
        return began

    def used(self) -> Sample:
        """What it took so far: CPU, and the peak RSS of the program itself, not of who forked it."""
        folder = Path(f"/proc/{self.process}")
        peak = re.search(r"VmHWM:\s*(\d+) kB", (folder / "status").read_text())
        user, system = (folder / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
        cpu = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        return Sample(0, cpu, int(peak[1]) * 1024 if peak else None)
