"""One call of a clock that pushes: what it said becomes rows, in the caller's transaction."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from collectors.adms.commands import Command, CommandKind
from collectors.adms.fleet import (
    COLLECTOR,
    Answers,
    BadPart,
    CommandAnswer,
    Errors,
    Greeting,
    Operation,
    Operations,
    Punches,
)
from collectors.adms.options import DELAY_S, ERROR_DELAY_S, offset_at, options_text
from collectors.adms.reporting import facts_of, gauges_of
from collectors.operations import POWER_ON, VERIFY_FAILED, event_of
from domain.attendance import FINGER
from domain.clock import Clock
from domain.report import Contact, DeviceReport, EventReport, Identity, RejectedMessage
from pipeline.attendance import store_records
from pipeline.ingest import Ingest
from pipeline.push_proof import ask, judge
from pipeline.zones import zone_of
from storage.database import Conn, Row
from storage.queries import load

EVENTS_BACK = timedelta(days=7)
"""Operations older than this, which a clock sends when it is new here, are kept without an event."""

_SESSION = "push"
"""The one session of a clock that pushes: its reports are numbered by us, not by the clock."""

_AHEAD = timedelta(minutes=5)  # ingest believes no device that is further ahead
_COMMANDS_A_REPLY = 10
_MOST_WAITING = 20
_SECOND_IS_OVER = timedelta(seconds=5)
_STRANGER_EVERY = timedelta(minutes=1)
_CHECK_EVERY = timedelta(minutes=10)
_SIMULATED_DELAY_WALL_S = 3.0
_MOST_OPTIONS = 300
_COUNTED = {VERIFY_FAILED: "x.VerifyFailedCount", POWER_ON: "x.PowerOnCount"}


class Visit:
    """The transaction of one call. `found`: the clock's row, locked."""

    def __init__(self, conn: Conn, found: Row, clock: Clock, address: str) -> None:
        self._conn = conn
        # What changes in place is copied, so that it can be told whether anything did.
        self._row: Row = {k: dict(v) if isinstance(v, dict) else v for k, v in found.items()}
        self._found = found
        self._device_id: int = found["device_id"]
        self._now = clock.now()
        self._zone = zone_of(found["time_zone"])
        self._source = f"{address} {found['serial']}"
        self._delay_s = DELAY_S
        if found["simulated"]:
            self._delay_s = max(DELAY_S, round(_SIMULATED_DELAY_WALL_S * clock.speed))
        self._reports: list[DeviceReport] = []
        self._rejected: list[RejectedMessage] = []

    # -- what it said --------------------------------------------------------------------------

    def note_stranger(self) -> None:
        """A clock that is not adopted was heard: shown once a minute, so that it is no load."""
        heard = self._row["heard_at"]
        if heard is None or self._now - heard >= _STRANGER_EVERY:
            self._report()

    def greet(self, greeting: Greeting) -> str:
        """Its options; the text of the answer."""
        offset = offset_at(self._zone, self._now) if self._zone else None
        told = None if offset is None else round(offset.total_seconds())
        self._row |= {"greeted_at": self._now, "told_offset_s": told}
        self._row["push_version"] = greeting.push_version or self._row["push_version"]
        self._report()
        return options_text(self._row["serial"], self._row["stamps"], self._delay_s, offset)

    def take_punches(self, punches: Punches) -> str:
        """Stores the records that are new; asks again where equal ones may have been cut apart."""
        serial, records = self._row["serial"], punches.records
        self._doubt(punches)
        zone = self._zone or ZoneInfo("UTC")
        if store_records(self._conn, self._device_id, serial, zone, records, self._now):
            self._count_fingers(punches)
        self.keep_bad(punches.bad)
        self._stamp("ATTLOG", punches.stamp)
        self._report(at=self._ahead(punches), counters=self._counters("x.VerifiedCount"))
        return f"OK: {len(records) + len(punches.bad)}"

    def take_operations(self, operations: Operations) -> str:
        """Stores the operations that are new, and says what they mean."""
        fresh = self._store_operations(operations.entries)
        counted = Counter(_COUNTED[entry.kind] for entry in fresh if entry.kind in _COUNTED)
        for metric, count in counted.items():
            self._count(metric, count)
        for entry in fresh:
            self._tell(entry)
        self.keep_bad(operations.bad)
        self._stamp("OPERLOG", operations.stamp)
        self._report(counters=self._counters(*_COUNTED.values()))
        return f"OK: {len(operations.entries) + operations.others + len(operations.bad)}"

    def take_errors(self, errors: Errors) -> str:
        """One event each. They carry no time: the batch that came last is known by its digest."""
        text = "\n".join([errors.stamp, *(event.raw_code for event in errors.events)])
        digest = hashlib.sha256(text.encode()).hexdigest()
        fresh = errors.events if digest != self._row["last_errors"] else ()
        self._row["last_errors"] = digest
        self.keep_bad(errors.bad)
        self._stamp("ERRORLOG", errors.stamp)
        self._report(events=fresh)
        return f"OK: {len(errors.events) + len(errors.bad)}"

    def take_options(self, values: Mapping[str, str]) -> None:
        """What it says of its make, and what it holds."""
        merged = self._row["options"] | dict(values)
        self._row["options"] = dict(list(merged.items())[:_MOST_OPTIONS])
        spoken_of = gauges_of(values)
        gauges = {name: value for name, value in gauges_of(merged).items() if name in spoken_of}
        if "x.RecordCount" in gauges and "x.LogFill" in (of_all := gauges_of(merged)):
            gauges["x.LogFill"] = of_all["x.LogFill"]
        self._report(gauges=gauges, facts=facts_of(values, self._row["serial"]))

    def answer_question(self, info: Mapping[str, str]) -> str:
        """The commands that wait for it, or OK."""
        if info:
            self.take_options(info)
        self.contact()
        if self._must_read_options():
            self._ask(Command(CommandKind.CHECK))
        values = {"device_id": self._device_id, "now": self._now, "limit": _COMMANDS_A_REPLY}
        rows = self._conn.execute(load("adms")["next_commands"], values).fetchall()
        lines = [_command(row).text(row["id"]) for row in sorted(rows, key=lambda row: row["id"])]
        return "\n".join(lines) or "OK"

    def take_answers(self, answers: Answers) -> None:
        """What became of commands; a count of records is held against the store."""
        for answer in answers.answers:
            self._take_answer(answer)
        self.keep_bad(answers.bad)

    def contact(self) -> None:
        """It was there: stored when its last contact is half an interval old."""
        heard = self._row["heard_at"]
        if heard is None or self._now - heard >= timedelta(seconds=self._delay_s / 2):
            self._report()

    def keep_bad(self, parts: Sequence[BadPart]) -> None:
        """Keeps what can't be taken in: one row a call, with the first reason."""
        if not parts:
            return
        more = f" (and {len(parts) - 1} more)" if len(parts) > 1 else ""
        body = b"\n".join(part.body for part in parts)
        reason = parts[0].reason + more
        self._rejected.append(RejectedMessage(COLLECTOR, self._now, self._source, body, reason))

    def end(self, ingest: Ingest) -> None:
        """Writes what came of it."""
        if self._reports or self._rejected:
            ingest.store_in(self._conn, self._reports, self._rejected)
        if self._row == self._found:
            return
        values = {
            name: Jsonb(value) if isinstance(value, dict) else value
            for name, value in self._row.items()
        }
        self._conn.execute(load("adms")["save"], values)

    # -- how -----------------------------------------------------------------------------------

    def _report(self, *, at: datetime | None = None, **said: Any) -> None:
        """A report of this call, numbered: it is a contact, and promises the next one."""
        self._row["seq"] += 1
        self._row["heard_at"] = self._now
        promised = float(max(ERROR_DELAY_S, self._delay_s))
        self._reports.append(
            DeviceReport(
                device_key=self._row["key"],
                at=at or self._now,
                received_at=self._now,
                identity=Identity(_SESSION, self._row["seq"]),
                contact=Contact(interval_s=promised),
                **said,
            )
        )

    def _count(self, metric: str, more: int) -> None:
        counts: dict[str, float] = self._row["counts"]
        counts[metric] = counts.get(metric, 0) + more

    def _counters(self, *metrics: str) -> dict[str, float]:
        """Those of the metrics that were ever counted."""
        counts: dict[str, float] = self._row["counts"]
        return {metric: float(counts[metric]) for metric in metrics if metric in counts}

    def _count_fingers(self, punches: Punches) -> None:
        moments = [self._moment(record.punch.local_time) for record in punches.records]
        values = {
            "device_id": self._device_id,
            "serial": self._row["serial"],
            "first": min(moments),
            "last": max(moments),
            "now": self._now,
            "finger": FINGER,
        }
        row = self._conn.execute(load("adms")["new_by_finger"], values).fetchone()
        if row is not None and row["verified"]:
            self._count("x.VerifiedCount", row["verified"])

    def _stamp(self, table: str, stamp: str) -> None:
        if stamp:
            self._row["stamps"][table] = stamp

    def _moment(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self._zone or ZoneInfo("UTC"))

    def _ahead(self, punches: Punches) -> datetime | None:
        """The newest punch's moment, if the clock must be ahead to have made it."""
        if self._zone is None or not punches.records:
            return None
        newest = self._moment(max(record.punch.local_time for record in punches.records))
        return newest if newest > self._now + _AHEAD else None

    def _doubt(self, punches: Punches) -> None:
        """A batch may begin or end between equal punches. If the punch at its edge is stored
        already, nobody can tell a second one from the first one sent again: the clock is asked for
        that second, which then comes whole."""
        records = punches.records
        if not records:
            return
        edges = {records[0].punch.local_time, records[-1].punch.local_time}
        edge = [record.punch for record in records if record.punch.local_time in edges]
        values: dict[str, Any] = {
            "serial": self._row["serial"],
            "users": [punch.user_ref for punch in edge],
            "times": [punch.local_time for punch in edge],
            "statuses": [punch.status for punch in edge],
            "punches": [punch.punch for punch in edge],
        }
        known = self._conn.execute(load("adms")["known_punches"], values).fetchall()
        if known:
            self._ask_again([row["local_time"] for row in known])

    def _ask_again(self, seconds: Sequence[datetime]) -> None:
        values = {
            "device_id": self._device_id,
            "seconds": list(seconds),
            "now": self._now,
            "not_before": self._now + _SECOND_IS_OVER,
            "most": _MOST_WAITING,
        }
        self._conn.execute(load("adms")["ask_again"], values)

    def _store_operations(self, entries: Iterable[Operation]) -> list[Operation]:
        by_place = {(e.local_time, e.kind, e.details, e.nth): e for e in entries}
        times, kinds, details, nths = zip(*by_place, strict=True) if by_place else ((),) * 4
        values = {
            "device_id": self._device_id,
            "serial": self._row["serial"],
            "now": self._now,
            "times": list(times),
            "kinds": list(kinds),
            "details": list(details),
            "nths": list(nths),
        }
        rows = self._conn.execute(load("adms")["take_operations"], values).fetchall()
        places = sorted(tuple(row.values()) for row in rows)
        return [by_place[place] for place in places]

    def _tell(self, entry: Operation) -> None:
        at = self._moment(entry.local_time)
        if at >= self._now - EVENTS_BACK:
            reason = () if entry.reason is None else (entry.reason,)
            events: Sequence[EventReport] = [event_of(entry.kind, reason)]
            self._report(at=at, events=events)

    def _must_read_options(self) -> bool:
        """It was never greeted as ours, or its site's offset from UTC is another one now."""
        offset = offset_at(self._zone, self._now).total_seconds() if self._zone else None
        if self._row["greeted_at"] is not None and self._row["told_offset_s"] == offset:
            return False
        since = {"device_id": self._device_id, "kind": "CHECK", "since": self._now - _CHECK_EVERY}
        row = self._conn.execute(load("adms")["asked_since"], since).fetchone()
        return row is not None and row["asked"] == 0

    def _ask(self, command: Command) -> None:
        ask(self._conn, self._device_id, command, "forecall", self._now)

    def _take_answer(self, answer: CommandAnswer) -> None:
        values = {
            "id": answer.number,
            "device_id": self._device_id,
            "now": self._now,
            "return_code": answer.return_code,
            "answer": Jsonb(dict(answer.values)),
        }
        row = self._conn.execute(load("adms")["answered"], values).fetchone()
        if row is None:
            part = f"ID={answer.number}&Return={answer.return_code}".encode()
            self.keep_bad([BadPart(part, "an answer to a command that does not wait for one")])
        elif row["kind"] == CommandKind.INFO:
            self.take_options(answer.values)
        elif row["kind"] == CommandKind.VERIFY:
            judge(self._conn, self._row, _window(row), answer.values, self._now)


def _command(row: Row) -> Command:
    return Command(CommandKind(row["kind"]), _window(row) if row["first_local"] else None)


def _window(row: Row) -> tuple[datetime, datetime]:
    return row["first_local"], row["last_local"]
