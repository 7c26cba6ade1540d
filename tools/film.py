"""A session on a terminal as an animated SVG: CSS alone, so that it moves as <img>; without motion, its last frame.

The page is as long as the session, and what is seen of it moves down. A piece of a line is an element that is visible
from its moment to the next change of that place, so a frame costs only what is new in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from screen import HEIGHT, MARGIN, WIDTH, Line, Screen, svg, texts

TYPING = 0.04  # seconds for CHARACTERS of them
CHARACTERS = 3
PARAGRAPH = 0.2  # before what follows an empty line, or what is drawn over a line
AFTER_COMMAND = 0.25


@dataclass(frozen=True)
class Frame:
    at: float
    rows: list[Line]
    row: int
    column: int


class Film:
    def __init__(self, columns: int, rows: int) -> None:
        self.screen, self.rows = Screen(columns), rows
        self.now, self.frames = 0.0, list[Frame]()

    def feed(self, text: str, seconds: float) -> None:
        """Shows a text, and then nothing new for that time."""
        self.screen.feed(text)
        screen = self.screen
        self.frames.append(Frame(self.now, [list(line) for line in screen.rows], screen.row, screen.column))
        self.now += seconds

    def command(self, text: str) -> None:
        self.feed("$ ", 0.5)
        for start in range(0, len(text), CHARACTERS):
            self.feed(text[start : start + CHARACTERS], TYPING)
        self.feed("\r\n", AFTER_COMMAND)

    def output(self, text: str, then: float) -> None:
        """What a program showed, a paragraph after the other, and time to read it."""
        for part in re.split(r"(?<=\n\r\n)|(?=\r\x1b\[K)", text):
            self.feed(part, PARAGRAPH)
        self.now += then

    def svg(self, label: str) -> str:
        """The film, over and over."""
        pieces = dict[tuple[float, float | None], list[str]]()
        for number in range(len(self.frames[-1].rows)):
            for begins, ends, text in self._pieces(number):
                pieces.setdefault((begins, ends), []).append(text)
        moving = Moving(self.now)
        shown = [
            f'<g class="{moving.shown(begins, ends)}">\n' + "\n".join(found) + "\n</g>"
            for (begins, ends), found in sorted(pieces.items(), key=lambda piece: piece[0][0])
        ]
        page = moving.placed((frame.at, 0, -HEIGHT * max(0, frame.row + 1 - self.rows)) for frame in self.frames)
        cursor = moving.placed((frame.at, frame.column * WIDTH, frame.row * HEIGHT) for frame in self.frames)
        width, height = self.screen.columns * WIDTH + 2 * MARGIN, self.rows * HEIGHT + MARGIN
        content = [
            # What has moved out at the top is not drawn over the edge.
            f'<svg y="{MARGIN}" width="{width:g}" height="{height}" viewBox="0 {MARGIN} {width:g} {height}">',
            f'<g class="{page}">',
            *shown,
            f'<rect class="c0 {cursor}" x="{MARGIN}" y="{MARGIN}" width="{WIDTH:g}" height="{HEIGHT - 2}" opacity=".5"/>',
            "</g>",
            "</svg>",
        ]
        return svg(self.screen.columns, self.rows, label, content, moving.style())

    def _pieces(self, number: int) -> Iterator[tuple[float, float | None, str]]:
        """What is shown in a line: from when, to when (None: to the end), and the elements."""
        shown, current = list[tuple[float, str]](), Line()
        for frame in self.frames:
            line = frame.rows[number] if number < len(frame.rows) else Line()
            if line == current:
                continue
            if line[: len(current)] == current:
                blank = [(" ", style) for _, style in current]
                added = [*blank, *line[len(current) :]]
            else:
                yield from ((begins, frame.at, text) for begins, text in shown)
                shown, added = [], line
            shown += [(frame.at, text) for text in texts(added, number)]
            current = line
        yield from ((begins, None, text) for begins, text in shown)


class Moving:
    """Rules of CSS that show things at their times. Without motion everything is as it is in the end."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.rules = seconds, list[str]()

    def percent(self, at: float) -> str:
        return f"{100 * at / self.seconds:.2f}".rstrip("0").rstrip(".") + "%"

    def shown(self, begins: float, ends: float | None) -> str:
        hidden, visible = "{visibility:hidden}", "{visibility:visible}"
        steps = ("0%" + hidden if begins else "") + self.percent(begins) + visible
        if ends is not None:
            steps += self.percent(ends) + hidden
        return self._rule(steps, "visibility:" + ("visible" if ends is None else "hidden"))

    def placed(self, places: Iterable[tuple[float, float, float]]) -> str:
        steps, last = "", ""
        for at, x, y in places:
            place = f"transform:translate({x:g}px,{y:g}px)"
            if place != last:
                steps += f"{self.percent(at)}{{{place}}}"
            last = place
        return self._rule(steps, last)

    def _rule(self, steps: str, in_the_end: str) -> str:
        name = f"m{len(self.rules)}"
        self.rules.append(f"@keyframes {name}{{{steps}}}.{name}{{animation-name:{name};{in_the_end}}}")
        return f"m {name}"

    def style(self) -> str:
        return (
            f".m{{animation:{self.seconds:g}s step-end infinite}}{''.join(self.rules)}"
            "@media(prefers-reduced-motion:reduce){.m{animation:none!important}}"
        )
