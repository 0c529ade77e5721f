"""The fleet of clocks that push: what one call says is stored in one transaction, then answered."""

from __future__ import annotations

from datetime import timedelta

import psycopg

from collectors.adms.fleet import (
    Answers,
    Call,
    Errors,
    Greeting,
    Operations,
    Options,
    Punches,
    Question,
    Reply,
    Unreadable,
)
from domain.clock import Clock
from domain.errors import BadInputError, NotAllowedError
from pipeline.ingest import Ingest
from pipeline.push_visit import Visit
from storage.database import Conn, Database, Row
from storage.queries import load

MOST_STRANGERS_AN_HOUR = 20
"""So many unknown serial numbers become found devices, an hour and address."""

MOST_STRANGERS = 500
"""So many may wait for adoption altogether."""

_HOUR = timedelta(hours=1)


class CallingClocks:
    """`collectors.adms.fleet.PushFleet` on the table `push_clock`. Any number may run."""

    def __init__(self, database: Database, clock: Clock, ingest: Ingest) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest

    def hear(self, call: Call) -> Reply:
        """See PushFleet."""
        try:
            return self._hear(call) or self._hear_stranger(call)
        except psycopg.DataError as error:
            raise BadInputError(f"what {call.serial} said can't be stored: {error}") from error

    def _hear_stranger(self, call: Call) -> Reply:
        """Ingest must find the device committed, so it is made in a transaction of its own."""
        with self._database.transaction() as conn:
            registered = self._register(conn, call)
        return (self._hear(call) if registered else None) or Reply(adopted=False)

    def _hear(self, call: Call) -> Reply | None:
        """None: nobody knows the serial number."""
        with self._database.transaction() as conn:
            found = conn.execute(load("adms")["find"], {"serial": call.serial}).fetchone()
            if found is None:
                return None
            visit = Visit(conn, found, self._clock, call.address)
            if found["adopted"]:
                reply = Reply(True, found["simulated"], _take_in(visit, call))
            else:
                visit.note_stranger()
                reply = Reply(adopted=False)
            visit.end(self._ingest)
        return reply

    def _register(self, conn: Conn, call: Call) -> bool:
        """Whether the serial number has a device now. It has not where another clock took its place."""
        now = self._clock.now()
        values = {"serial": call.serial, "address": call.address, "since": now - _HOUR, "now": now}
        owner = conn.execute(load("adms")["owners"], values).fetchone()
        if owner is None:
            _refuse_flood(conn, values)
            owner = conn.execute(load("adms")["add_device"], values).fetchone()
        elif owner["serial"] not in ("", call.serial):
            return False
        assert owner is not None
        conn.execute(load("adms")["register"], values | {"device_id": owner["id"]})
        return True


def _refuse_flood(conn: Conn, values: Row) -> None:
    """Raises NotAllowedError when too many strangers called."""
    row = conn.execute(load("adms")["strangers"], values).fetchone()
    assert row is not None
    if row["of_address"] >= MOST_STRANGERS_AN_HOUR or row["of_all"] >= MOST_STRANGERS:
        raise NotAllowedError(
            f"SN {values['serial']} from {values['address']}: too many unknown clocks; "
            f"at most {MOST_STRANGERS_AN_HOUR} an hour and address, {MOST_STRANGERS} in all"
        )


def _take_in(visit: Visit, call: Call) -> str:
    """Stores what was said; the text of the answer."""
    match call.said:
        case Greeting() as greeting:
            return visit.greet(greeting)
        case Punches() as punches:
            return visit.take_punches(punches)
        case Operations() as operations:
            return visit.take_operations(operations)
        case Errors() as errors:
            return visit.take_errors(errors)
        case Options(values):
            visit.take_options(values)
        case Question(info):
            return visit.answer_question(info)
        case Answers() as answers:
            visit.take_answers(answers)
        case Unreadable(part):
            visit.keep_bad([part])
    visit.contact()
    return "OK"
