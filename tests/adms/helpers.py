"""What the tests of the receiver share."""

from __future__ import annotations

from typing import Any

import httpx

from storage.database import Database

SN = "BOCK210001"


def rows(database: Database, query: str) -> list[dict[str, Any]]:
    with database.transaction() as conn:
        return conn.execute(query.encode()).fetchall()


def punches(database: Database) -> list[tuple[Any, ...]]:
    found = rows(
        database,
        "SELECT user_ref, local_time::text AS time, status, punch, nth FROM attendance_record"
        " ORDER BY local_time, user_ref, nth",
    )
    return [tuple(row.values()) for row in found]


def greet(http: httpx.Client, serial: str = SN) -> httpx.Response:
    return http.get(f"/iclock/cdata?SN={serial}&options=all&pushver=2.4.1&language=69")


def options_of(response: httpx.Response) -> dict[str, str]:
    """The options that a greeting was answered with."""
    assert response.status_code == 200, response.text
    lines = response.text.splitlines()
    assert lines[0].startswith("GET OPTION FROM: ")
    return dict(line.split("=", 1) for line in lines[1:])


def push(http: httpx.Client, table: str, *lines: str, stamp: str = "", serial: str = SN) -> str:
    """Pushes lines of a table; the text of the answer."""
    url = f"/iclock/cdata?SN={serial}&table={table}&Stamp={stamp}"
    response = http.post(url, content="\n".join(lines).encode() + b"\n")
    assert response.status_code == 200, response.text
    return response.text
