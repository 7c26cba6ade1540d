"""What output.lua does, with Python's own encoders: output.py ROWS.json BYTES

ROWS.json has the rows as opsh gives them to a script. Prints bytes, seconds of CPU, bytes, seconds."""

import csv
import io
import json
import sys
import time


def write_json(rows: list[dict]) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def write_csv(rows: list[dict]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(row.values() for row in rows)
    return out.getvalue()


def rate(write, rows: list[dict], wanted: int) -> tuple[int, float]:
    size, started = 0, time.process_time()
    while size < wanted:
        size += len(write(rows).encode())
    return size, time.process_time() - started


def main(path: str, wanted: str) -> None:
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)
    print(*rate(write_json, rows, int(wanted)), *rate(write_csv, rows, int(wanted)))


main(*sys.argv[1:])
