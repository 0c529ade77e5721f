"""What can go wrong, and the count at the end: sent = stored + rejected, and nothing twice."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.chaos.house import House, memory_mb
from tests.chaos.publisher import GAUGES, Ledger
from tests.waiting import wait_for

WITHIN_S = 240.0
"""By then, what was acknowledged to a publisher is in the store."""

_ABSENCE = timedelta(seconds=3)
_STILL_S = 25.0  # longer than a broker takes to deliver again
_LEAD = 500  # messages taken in before something happens, and after


@dataclass(frozen=True, slots=True)
class Result:
    """What a run counted.

    Attributes:
        sent: distinct messages that the broker acknowledged to the publisher.
        repeated: of them, how often one was sent again on purpose; `duplicates` the store refused.
        lost, twice: messages that are not in the store, or more than once.
        misdated: readings whose time is not near their arrival, and devices whose jumping clock was
            not told exactly once.
        grown_mb: by how much a collector's memory grew meanwhile.
    """

    scenario: str
    sent: int
    repeated: int
    stored: int
    rejected: int
    duplicates: int
    lost: int
    twice: int
    misdated: int
    grown_mb: float
    seconds: float

    @property
    def well(self) -> bool:
        balanced = self.sent == self.stored + self.rejected and self.duplicates >= self.repeated
        return balanced and self.lost == self.twice == self.misdated == 0


def calm(house: House, absence: timedelta) -> None:
    """Nothing happens but what is in every load: poison, jumping clocks, repetition, disorder."""


def broker_killed(house: House, absence: timedelta) -> None:
    house.broker.kill()
    house.broker.start()


def broker_restarted(house: House, absence: timedelta) -> None:
    house.broker.stop()
    house.broker.start()


def database_stopped(house: House, absence: timedelta) -> None:
    house.stop_database_at_once()
    house.start_database()


def database_killed(house: House, absence: timedelta) -> None:
    house.server.kill()
    house.start_database()


def collector_killed(house: House, absence: timedelta) -> None:
    house.collectors[0].kill()
    house.collectors[0].start()


def collector_restarted(house: House, absence: timedelta) -> None:
    house.collectors[0].stop()
    house.collectors[0].start()


def collector_lost(house: House, absence: timedelta) -> None:
    """One of several, and it does not come back."""
    lost = house.collectors.pop()
    lost.kill()
    left = len(house.rows("owners")) - 1
    wait_for("the others have taken over", lambda: len(house.rows("owners")) == left)


def collector_stalled(house: House, absence: timedelta) -> None:
    """One of several stands still until the others have its shards, and then goes on as if it had them."""
    stalled = house.collectors[-1].pid
    assert stalled
    os.kill(stalled, signal.SIGSTOP)
    all_of_them = len(house.rows("owners"))
    wait_for("the others take over", lambda: len(house.rows("owners")) == all_of_them - 1)
    os.kill(stalled, signal.SIGCONT)
    wait_for("it shares again", lambda: len(house.rows("owners")) == all_of_them)


def database_away(house: House, absence: timedelta) -> None:
    """The load goes on meanwhile."""
    house.stop_database_at_once()
    time.sleep(absence.total_seconds())  # not a wait for something: this is the absence
    house.start_database()


Scenario = Callable[[House, timedelta], None]

SHORT: tuple[Scenario, ...] = (
    calm,
    broker_killed,
    broker_restarted,
    database_stopped,
    collector_killed,
    database_away,
)
"""What every run of the tests goes through."""

SHARED: tuple[Scenario, ...] = (
    broker_restarted,
    database_stopped,
    database_away,
    collector_stalled,
    collector_lost,
)
"""For collectors that share the topics; the last one leaves one less."""

ALL: tuple[Scenario, ...] = (*SHORT, database_killed, collector_restarted)


def run(
    house: House,
    scenario: Scenario,
    name: str,
    *,
    absence: timedelta = _ABSENCE,
    **order: Any,
) -> Result:
    """One load with one thing that goes wrong in its midst.

    `name` begins the devices' names; `order` goes to the publisher. Raises AssertionError when messages do not come in in time.
    """
    began, memory = time.monotonic(), _memory(house)
    before, known = house.taken_in(), house.duplicates()
    publishing = house.publish(name, **order)
    try:
        wait_for("the load has begun", lambda: house.taken_in() > before + _LEAD)
        scenario(house, absence)
        after = max(house.taken_in(), before)
        wait_for("intake goes on", lambda: house.taken_in() > after + _LEAD, WITHIN_S)
        peak = _memory(house)
        ledger = publishing.finish()
    finally:
        publishing.kill()
    _await_all(house, before + ledger.sent, known + ledger.twice)
    return _count(
        house,
        name,
        ledger,
        scenario=scenario.__name__,
        duplicates=house.duplicates() - known,
        grown_mb=peak - memory,
        seconds=time.monotonic() - began,
    )


def _memory(house: House) -> float:
    return max((memory_mb(each.pid) for each in house.collectors if each.pid), default=0.0)


def _await_all(house: House, taken_in: int, duplicates: int) -> None:
    """Returns when so many are taken in, or when no more come: the count then tells."""
    seen, since = (-1, -1), time.monotonic()
    while (seen[0] < taken_in or seen[1] < duplicates) and time.monotonic() < since + _STILL_S:
        now = house.taken_in(), house.duplicates()
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.1)


def _count(house: House, name: str, ledger: Ledger, **told: Any) -> Result:
    """Holds the store against the publisher's own ledger, message by message."""
    sent = Counter([*ledger.heartbeats, *ledger.events])
    found = Counter(row["n"] for kind in ("heartbeats", "events") for row in house.rows(kind, name))
    readings, rejected = house.number("readings", name), house.number("rejected", name)
    surplus = max(0, readings - GAUGES * len(ledger.heartbeats))
    told_off = Counter({row["key"]: row["n"] for row in house.rows("clocks_off", name)})
    jumped = Counter(ledger.jumped)
    wrongly_told = ((told_off - jumped) + (jumped - told_off)).total()
    return Result(
        sent=ledger.sent,
        repeated=ledger.twice,
        stored=found.total(),
        rejected=rejected,
        lost=(sent - found).total() + max(0, ledger.poison - rejected),
        twice=(found - sent).total() + surplus,
        misdated=house.number("far", name) + wrongly_told,
        **told,
    )
