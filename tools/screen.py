"""What a terminal shows, and a picture of it as SVG: no script, no font of its own, light and dark."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Style:
    color: int = 0  # of SGR, 0 for none
    bold: bool = False


Line = list[tuple[str, Style]]


@dataclass
class Screen:
    """What a terminal shows: as much of it as the prompt uses. It is as long as it has to be and never scrolls."""

    columns: int
    rows: list[Line] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    style: Style = Style()

    def put(self, character: str) -> None:
        if self.column >= self.columns:
            self.row, self.column = self.row + 1, 0
        while len(self.rows) <= self.row:
            self.rows.append([])
        line = self.rows[self.row]
        line += [(" ", Style())] * (self.column + 1 - len(line))
        line[self.column] = (character, self.style)
        self.column += 1
        if unicodedata.east_asian_width(character) in "WF":
            line[self.column : self.column + 1] = [("", self.style)]
            self.column += 1

    def feed(self, text: str) -> None:
        for part in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|\x1b.|.", text, re.DOTALL):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.row += 1
            elif part == "\t":
                self.column += 8 - self.column % 8
            elif part.startswith("\x1b["):
                self.control(part[2:-1], part[-1])
            elif part.isprintable():
                self.put(part)

    def control(self, given: str, letter: str) -> None:
        count = int(given) if given.isdigit() else 1
        if letter == "m":
            for code in (int(word) for word in (given or "0").split(";")):
                bold = code == 1 or (self.style.bold and code != 0)
                self.style = Style(code if code >= 30 else self.style.color if code else 0, bold)
        elif letter in "AB":
            self.row += count if letter == "B" else -count
        elif letter in "CD":
            self.column += count if letter == "C" else -count
        elif letter in "JK":
            for line in self.rows[self.row : self.row + 1]:
                del line[self.column :]
            if letter == "J":
                del self.rows[self.row + 1 :]


# A colour of SGR on a light ground and on a dark one.
COLORS = {
    0: ("#1f2328", "#e6edf3"),
    31: ("#cf222e", "#ff7b72"),
    32: ("#116329", "#7ee787"),
    33: ("#7d4e00", "#d29922"),
    35: ("#8250df", "#d2a8ff"),
    36: ("#0550ae", "#79c0ff"),
    90: ("#57606a", "#8b949e"),
}
WIDTH, HEIGHT, MARGIN = 8.0, 18, 14


def runs(line: Line) -> Iterator[tuple[int, int, str, Style]]:
    """Pieces of one style: where they begin, their columns, and their text; without blanks at their ends."""
    at = 0
    while at < len(line):
        end = at
        while end < len(line) and line[end][1] == line[at][1]:
            end += 1
        text = "".join(character for character, _ in line[at:end])
        blanks = len(text) - len(text.lstrip())
        if text.strip():
            yield at + blanks, end - at - blanks - (len(text) - len(text.rstrip())), text.strip(), line[at][1]
        at = end


def texts(line: Line, number: int) -> Iterator[str]:
    """The elements of a line, the `number`-th from the top."""
    for column, columns, text, style in runs(line):
        kind = f"c{style.color if style.color in COLORS else 0}" + (" b" if style.bold else "")
        x, y = MARGIN + column * WIDTH, MARGIN + number * HEIGHT + 13
        # The width is given: fonts differ, and columns have to stay below one another.
        length = f' textLength="{columns * WIDTH:g}" lengthAdjust="spacingAndGlyphs"'
        yield f'<text class="{kind}" x="{x:g}" y="{y}"{length}>{html.escape(text, quote=False)}</text>'


def svg(columns: int, rows: int, label: str, content: Iterable[str], style: str = "") -> str:
    """A picture of so many columns and rows, on a ground of light or dark, as the reader's system prefers."""
    width, height = columns * WIDTH + 2 * MARGIN, rows * HEIGHT + 2 * MARGIN
    light = "".join(f".c{code}{{fill:{colors[0]}}}" for code, colors in COLORS.items())
    dark = "".join(f".c{code}{{fill:{colors[1]}}}" for code, colors in COLORS.items())
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" role="img"'
        f' aria-label="{html.escape(label)}">',
        "<style>text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}"
        f".b{{font-weight:bold}}.g{{fill:#f6f8fa;stroke:#d0d7de}}{light}"
        f"@media(prefers-color-scheme:dark){{.g{{fill:#0d1117;stroke:#30363d}}{dark}}}{style}</style>",
        f'<rect class="g" x=".5" y=".5" width="{width - 1:g}" height="{height - 1}" rx="8"/>',
        *content,
    ]
    return "\n".join([*made, "</svg>"]) + "\n"


def still(screen: Screen, label: str) -> str:
    """All that a screen shows."""
    content = (text for number, line in enumerate(screen.rows) for text in texts(line, number))
    return svg(screen.columns, len(screen.rows), label, content)
