"""Tables of figures: as Markdown for people, as plain data for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from measure import Subject

NOISY = 1.25  # slowest round through fastest
FACTORS = {"s": 1, "ms": 1e3, "MB": 1e-6, "MB/s": 1e-6, "x": 1}


def shown(figure: float, unit: str) -> str:
    scaled = figure * FACTORS[unit]
    return f"{scaled:.{2 if unit == 'x' or scaled < 10 else 1 if scaled < 100 else 0}f} {unit}"


@dataclass(frozen=True)
class Wanted:
    what: str
    figure: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def __str__(self) -> str:
        side = "least" if self.at_least else "most"
        return f"{self.what} at {side} {self.limit * FACTORS[self.unit]:g} {self.unit}"


@dataclass
class Row:
    subject: Subject
    ratio: float | None = None
    wanted: list[Wanted] = field(default_factory=list)
    note: str = ""


@dataclass
class Table:
    title: str
    unit: str = "s"  # of the figure that is compared
    rows: list[Row] = field(default_factory=list)
    ratio_of: str = "opsh / this"
    note: str = ""

    def row(self, subject: Subject, note: str = "") -> Row:
        self.rows.append(Row(subject, note=note))
        return self.rows[-1]

    def limit(self, row: Row, what: str, name: str, limit: float, unit: str, at_least: bool = False) -> None:
        """Wants something of a row's own median."""
        if row.subject.samples:
            row.wanted.append(Wanted(what, row.subject.median(name), limit, unit, at_least))

    def compare(self, row: Row, subject: Subject, other: Subject, limit: float | None = None) -> None:
        """Adds the ratio of two medians to a row, and what is wanted of it."""
        if not subject.samples or not other.samples:
            return
        row.ratio = subject.median() / other.median()
        if limit is not None:
            row.wanted.append(Wanted("ratio", row.ratio, limit, "x"))


def shown_median(subject: Subject, name: str, unit: str) -> str:
    return shown(subject.median(name), unit) if getattr(subject.samples[0], name) is not None else ""


def cells(table: Table, row: Row, judged: bool) -> list[str]:
    subject = row.subject
    name = subject.name + (f" ({row.note})" if row.note else "")
    if not subject.samples:
        return [name, "error", "", "", "", "", "", "", ""]
    figures = [sample.figure for sample in subject.samples]
    verdicts = ["yes" if wanted.holds else "NO" for wanted in row.wanted]
    return [
        name,
        shown(subject.median(), table.unit),
        f"{shown(min(figures), table.unit)} to {shown(max(figures), table.unit)}",
        str(len(figures)),
        shown_median(subject, "cpu", "ms" if table.unit == "ms" else "s"),
        shown_median(subject, "rss", "MB"),
        "" if row.ratio is None else shown(row.ratio, "x"),
        "; ".join(map(str, row.wanted)),
        "; ".join(verdicts) if judged else "not judged" if verdicts else "",
    ]


def noise(table: Table) -> Iterable[str]:
    for row in table.rows:
        figures = [sample.figure for sample in row.subject.samples]
        if figures and max(figures) > NOISY * min(figures):
            yield f"Noise: the rounds of {row.subject.name} lie {max(figures) / min(figures):.2f} x apart."


def markdown(table: Table, judged: bool) -> str:
    head = ["", "median", "from to", "rounds", "CPU", "peak RSS", table.ratio_of, "wanted", "holds"]
    rows = [head, ["---"] + ["---:"] * 6 + ["---", "---"]]
    rows += [cells(table, row, judged) for row in table.rows]
    lines = [f"### {table.title}", ""]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    errors = [f"Error: {row.subject.name}: {row.subject.error}" for row in table.rows if row.subject.error]
    for line in ([table.note] if table.note else []) + errors + list(noise(table)):
        lines += ["", line]
    return "\n".join(lines) + "\n"


def document(table: Table, judged: bool) -> dict:
    """For --json: seconds, bytes and bytes per second."""
    return {
        "title": table.title,
        "unit": {"ms": "s", "MB": "bytes", "MB/s": "bytes/s"}.get(table.unit, table.unit),
        "note": table.note,
        "rows": [
            {
                "name": row.subject.name,
                "error": row.subject.error,
                "median": row.subject.median() if row.subject.samples else None,
                "ratio": row.ratio,
                "samples": [
                    {"figure": s.figure, "wall": s.wall, "cpu": s.cpu, "rss": s.rss} for s in row.subject.samples
                ],
                "wanted": [
                    {"text": str(w), "figure": w.figure, "limit": w.limit, "holds": w.holds if judged else None}
                    for w in row.wanted
                ],
            }
            for row in table.rows
        ],
    }


def in_order(tables: list[Table], judged: bool) -> bool:
    """Whether nothing failed and, where it is judged, all that is wanted holds."""
    rows = [row for table in tables for row in table.rows]
    held = all(wanted.holds for row in rows for wanted in row.wanted)
    return not any(row.subject.error for row in rows) and (held or not judged)
