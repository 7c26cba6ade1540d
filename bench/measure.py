"""Runs programs and takes their figures, each time of the whole process."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path


class BenchError(Exception):
    """What went wrong, for people: one line, or some."""


@dataclass(frozen=True)
class Sample:
    """One process from its fork to its end."""

    wall: float  # seconds
    cpu: float | None = None  # seconds, user and system
    rss: int | None = None  # bytes at the peak
    output: str = ""
    chosen: float | None = None  # the figure to compare, where it is not the wall time

    @property
    def figure(self) -> float:
        return self.wall if self.chosen is None else self.chosen


@dataclass
class Subject:
    """One of those that are compared: `once` runs it and gives its figures, or raises BenchError."""

    name: str
    once: Callable[[], Sample] | None = None
    samples: list[Sample] = field(default_factory=list)
    error: str | None = None

    def median(self, name: str = "figure") -> float:
        return statistics.median(getattr(sample, name) for sample in self.samples)

    def by(self, choose: Callable[[Sample], float | None], name: str | None = None) -> Subject:
        """The same runs by another of their figures."""
        samples = [replace(sample, chosen=choose(sample)) for sample in self.samples]
        return Subject(name or self.name, self.once, samples, self.error)


def end(process: subprocess.Popen) -> None:
    """Ends what was started in a session of its own, whatever it started itself."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
            process.wait(seconds)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


@contextmanager
def started(arguments: list[str], environment: dict[str, str], folder: Path, **streams) -> Iterator[subprocess.Popen]:
    # In a session of its own a child does not get the terminal's Ctrl-C: it is ended here, in order.
    process = subprocess.Popen(
        arguments, env=environment, cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True, **streams
    )
    try:
        yield process
    except BaseException:
        end(process)
        raise


def text_of(stream) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace").strip()


def failed(arguments: list[str], status: int, said: str) -> BenchError:
    return BenchError(f"{Path(arguments[0]).name} ended with status {status}: {said[-1500:] or 'it said nothing'}")


def run(arguments: list[str], environment: dict[str, str], folder: Path) -> str:
    """Runs a program that is not measured; gives what it printed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with started(arguments, environment, folder, stdout=out, stderr=err) as process:
            status = process.wait()
        if status != 0:
            raise failed(arguments, status, text_of(err) or text_of(out))
        return text_of(out)


def measure(
    arguments: list[str], environment: dict[str, str], folder: Path, discard: bool = False, wanted: int = 0
) -> Sample:
    """Runs a program, which must end with the status `wanted`, and gives its figures; with `discard`, its output goes to
    /dev/null."""
    result = folder / "measured.result"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        target = subprocess.DEVNULL if discard else out
        command = [str(folder / "measured"), str(result), *arguments]
        with started(command, environment, folder, stdout=target, stderr=err) as process:
            if process.wait() != 0:
                raise failed(command, process.returncode, text_of(err))
        wall, user, system, rss, status = (int(word) for word in result.read_text().split())
        if status != wanted:
            raise failed(arguments, status, text_of(err))
        return Sample(wall / 1e9, (user + system) / 1e9, rss * 1024, text_of(out))


def in_turn(subjects: list[Subject], rounds: int, progress: Callable[[str], None]) -> None:
    """A warm-up of each, then A B A B: what changes on the machine meanwhile changes for all of them."""
    for turn in range(rounds + 1):
        for subject in subjects:
            if subject.error:
                continue
            try:
                sample = subject.once()
            except BenchError as error:
                subject.error = str(error)
                progress(f"{subject.name}: {subject.error}")
                continue
            if turn > 0:
                subject.samples.append(sample)
            progress(f"{subject.name}: {f'{turn} of {rounds}' if turn else 'warm-up'}, {sample.wall:.3f} s")
