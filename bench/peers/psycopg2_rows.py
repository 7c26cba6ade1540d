"""Reads a query through a cursor of psycopg2's: psycopg2_rows.py CONNINFO QUERY tuples|NamedTupleCursor|DictCursor

Prints the sum of the column id and the length of all of the column note."""

import sys

import psycopg2
import psycopg2.extras


def by_number(cursor) -> tuple[int, int]:
    total = length = at_id = at_note = 0
    for row in cursor:
        if length == 0:  # the columns are known with the first row
            names = [column.name for column in cursor.description]
            at_id, at_note = names.index("id"), names.index("note")
        total += row[at_id]
        length += len(row[at_note])
    return total, length


def by_attribute(cursor) -> tuple[int, int]:
    total = length = 0
    for row in cursor:
        total += row.id
        length += len(row.note)
    return total, length


def by_key(cursor) -> tuple[int, int]:
    total = length = 0
    for row in cursor:
        total += row["id"]
        length += len(row["note"])
    return total, length


READERS = {"tuples": by_number, "NamedTupleCursor": by_attribute, "DictCursor": by_key}


def main(conninfo: str, query: str, kind: str) -> None:
    factory = getattr(psycopg2.extras, kind) if kind != "tuples" else None
    with psycopg2.connect(conninfo) as connection, connection.cursor("peer", cursor_factory=factory) as cursor:
        cursor.itersize = 1000
        cursor.execute(query)
        print(*READERS[kind](cursor))


main(*sys.argv[1:])
