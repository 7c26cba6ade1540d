"""The backfill as the script that it replaces did it: row by row, a transaction for each.

backfill_rows.py CONNINFO ROWS: inserts ROWS rows and ends. Prints the seconds of the loop alone."""

import json
import sys
import time
import uuid

import psycopg2

CAPABILITIES = """
select id, discovered_in_scenario_id from capabilities where discovered_in_scenario_id is not null order by id"""
COMPETENCIES = """
select c.id, c.organization_id, c.name, c.description from competencies as c
join capability_competencies as pivot on pivot.competency_id = c.id where pivot.capability_id = %s order by pivot.id"""
EXISTS = "select exists (select from competency_versions where competency_id = %s)"
INSERT = """
insert into competency_versions (organization_id, competency_id, version_group_id, name, description, effective_from,
                                 evolution_state, metadata, created_at, updated_at)
values (%s, %s, %s, %s, %s, current_date, 'new_embryo', %s, now(), now()) returning id"""


def backfill(cursor, capabilities, limit: int) -> None:
    created = 0
    for capability, scenario in capabilities:
        cursor.execute(COMPETENCIES, (capability,))
        for competency, organization, name, description in cursor.fetchall():
            cursor.execute(EXISTS, (competency,))
            if cursor.fetchone()[0]:
                continue
            metadata = json.dumps({"source": "backfill", "scenario_id": scenario})
            cursor.execute(INSERT, (organization, competency, str(uuid.uuid4()), name, description, metadata))
            created += 1
            if created == limit:
                return


def main(conninfo: str, limit: str) -> None:
    connection = psycopg2.connect(conninfo)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(CAPABILITIES)
    capabilities = cursor.fetchall()
    started = time.monotonic()
    backfill(cursor, capabilities, int(limit))
    print(time.monotonic() - started)


main(*sys.argv[1:])
