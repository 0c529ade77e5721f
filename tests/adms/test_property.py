"""Punches delivered in parts, again, cut and out of order, held against the clock's own log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.adms.commands import CommandKind
from collectors.adms.decode import read_punches
from collectors.adms.fleet import Answers, Call, CommandAnswer, Question
from domain.clock import ManualClock
from pipeline.ingest import Ingest
from pipeline.push_fleet import CallingClocks
from pipeline.push_proof import prove_days
from storage.database import Database
from tests.adms.conftest import Adopt
from tests.adms.helpers import rows

DAY = datetime(2026, 3, 1, 8)  # noqa: DTZ001 - as the clock wrote it; yesterday

Log = list[str]
Slice = tuple[int, int]

seconds = st.lists(st.integers(0, 4), min_size=1, max_size=12).map(sorted)
"""Few seconds, two users: many equal punches."""


def line(second: int, user: int) -> str:
    return f"{user}\t{DAY + timedelta(seconds=second):%Y-%m-%d %H:%M:%S}\t0\t1"


logs = seconds.flatmap(
    lambda times: st.tuples(*(st.tuples(st.just(t), st.integers(1, 2)) for t in times))
).map(lambda punches: [line(*punch) for punch in punches])
slices = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), max_size=10)


class Oracle:
    """A clock of the simplest kind: it says what it is asked for, in order."""

    def __init__(self, fleet: CallingClocks, serial: str, log: Log) -> None:
        self._fleet, self._serial, self._log = fleet, serial, log

    def deliver(self, lines: Sequence[str]) -> None:
        said = read_punches("\n".join(lines).encode(), "")
        assert self._fleet.hear(Call(self._serial, "", said)).text == f"OK: {len(lines)}"

    def obey(self, cut: int) -> int:
        """Carries out what waits for it, sending at most `cut` lines at once; how much there was."""
        text = self._fleet.hear(Call(self._serial, "", Question())).text
        commands = [entry.split(":", 2) for entry in text.splitlines() if entry.startswith("C:")]
        for _, number, command in commands:
            values: dict[str, str] = {}
            if "ATTLOG" in command:
                first, last = (p.split("=")[1] for p in command.split("ATTLOG ")[1].split("\t"))
                found = [each for each in self._log if first <= each.split("\t")[1] <= last]
                if command.startswith("VERIFY"):
                    values["AttlogCount"] = str(len(found))
                else:
                    for start in range(0, len(found), cut):
                        self.deliver(found[start : start + cut])
            self._fleet.hear(
                Call(self._serial, "", Answers([CommandAnswer(int(number), 0, values)]))
            )
        return len(commands)


def stored(database: Database, serial: str) -> Counter[str]:
    found = rows(database, f"SELECT * FROM attendance_record WHERE serial = '{serial}'")
    return Counter(
        f"{row['user_ref']}\t{row['local_time']:%Y-%m-%d %H:%M:%S}\t{row['punch']}\t{row['status']}"
        for row in found
    )


@contextmanager
def a_clock(database: Database, clock: ManualClock, adopt: Adopt, log: Log) -> Iterator[Oracle]:
    """A clock that no example before had."""
    number = len(rows(database, "SELECT FROM device"))
    serial = f"ORACLE{number}"
    adopt(serial)
    fleet = CallingClocks(database, clock, Ingest(database, clock, "adms"))
    yield Oracle(fleet, serial, log)
    with database.transaction() as conn:  # nobody asks this one any more
        conn.execute("UPDATE push_clock SET greeted_at = NULL WHERE serial = %s", [serial])


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=logs, parts=slices, room=st.integers(0, 3))
def test_never_too_many_and_in_the_end_all(
    database: Database, clock: ManualClock, adopt: Adopt, log: Log, parts: list[Slice], room: int
) -> None:
    """The clock cuts its answers anywhere, but sends what it holds of a single second at once."""
    cut = max(Counter(each.split("\t")[1] for each in log).values()) + room
    with a_clock(database, clock, adopt, log) as oracle:
        truth = Counter(log)
        serial = oracle._serial
        for start, length in [*parts, *((at, 3) for at in range(0, len(log), 3))]:
            if batch := log[start : start + length]:
                oracle.deliver(batch)
            assert stored(database, serial) <= truth  # never one that is not in its log
        assert set(stored(database, serial)) == set(truth)  # and none of them is unknown
        with database.transaction() as conn:
            conn.execute("UPDATE push_clock SET greeted_at = heard_at WHERE serial = %s", [serial])
        prove_days(database, clock)
        for _ in range(8):
            clock.advance(timedelta(seconds=10))
            oracle.obey(cut)
        assert stored(database, serial) == truth


def test_a_command_is_delivered_once(database: Database, clock: ManualClock, adopt: Adopt) -> None:
    with a_clock(database, clock, adopt, [line(0, 1)]) as oracle:
        assert oracle.obey(5) == 1  # CHECK: it was never greeted
        assert oracle.obey(5) == 0
    kinds = [row["kind"] for row in rows(database, "SELECT kind FROM push_command")]
    assert kinds == [CommandKind.CHECK]
