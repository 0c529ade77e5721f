"""Sends what waits: at least once each, in order for each receiver and subject."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

import structlog

from alerts.outbox.delivery import Carrier, Letter
from domain.clock import Clock, SystemClock
from domain.errors import NotDeliveredError, StoreUnavailableError
from storage.database import Database, Row
from storage.queries import load

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
"""How long a claimed letter is its worker's. Carriers give up before that."""

GIVE_UP_AFTER = 12
"""Attempts, over some five hours, after which a letter is dead until a person sends it again."""

PATIENCE = timedelta(days=2)
"""For so long a receiver that says when to come again is waited for without counting attempts."""

SIDE_BY_SIDE = 4
"""Letters of one channel on their way at once, as soon as one has arrived."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 3600.0
_LONGEST_ASKED_S = 6 * 3600.0
_AT_ONCE = 16
_FAILURES_IN_A_ROW = 3
_TURN_S = 5.0
_CHANNELS_AT_ONCE = 16
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Sender:
    """Claims letters of a channel and sends them; any number of these may work side by side.

    Args:
        carrier: what takes a channel's letters; raises NotDeliveredError for an unknown channel.
        wall: what leases and retries go by; the fleet's clock decides only what is held back.
    """

    database: Database
    clock: Clock
    carrier: Callable[[str], Carrier]
    wall: Clock = field(default_factory=SystemClock)
    lease: timedelta = LEASE

    def channels_due(self) -> list[str]:
        """The channels that have something to send now."""
        with self.database.transaction() as conn:
            rows = conn.execute(load("outbox")["channels_due"], self._times()).fetchall()
        return [row["channel"] for row in rows]

    def send_due(self, channel: str, within_s: float = _TURN_S) -> int:
        """Sends what waits in a channel and returns how many letters arrived.

        Stops after `within_s` seconds, and when several letters in a row failed: then the receiver
        is away, and the rest waits for the next turn. Raises StoreUnavailableError.
        """
        turn = _Turn(time.monotonic() + within_s)
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="letters") as hands:
            while letters := self._claim(channel):  # no two of them to one receiver on one subject
                while letters:
                    if turn.over:
                        self._let_go(letters)
                        return turn.arrived
                    out, letters = letters[: turn.width], letters[turn.width :]
                    for came in hands.map(self._send, out):
                        turn.note(came)
        return turn.arrived

    def _claim(self, channel: str) -> list[Letter]:
        parameters = self._times() | {
            "channel": channel,
            "limit": _AT_ONCE,
            "until": self.wall.now() + self.lease,
        }
        with self.database.transaction() as conn:
            rows = conn.execute(load("outbox")["claim"], parameters).fetchall()
        return sorted((Letter(**row) for row in rows), key=lambda letter: letter.id)

    def _send(self, letter: Letter) -> bool:
        try:
            self.carrier(letter.channel).send(letter)
        except NotDeliveredError as error:
            self._failed(letter, error)
            return False
        except StoreUnavailableError:
            raise
        except Exception as error:  # a carrier's defect must not stop the others' letters
            log.exception("a carrier failed", channel=letter.channel, key=letter.key)
            self._failed(letter, NotDeliveredError(f"{type(error).__name__}: {error}"))
            return False
        self._note("sent", letter, {})
        return True

    def _failed(self, letter: Letter, error: NotDeliveredError) -> None:
        told = {"error": str(error)[:_LONGEST_ERROR]}
        patient = error.busy and self.wall.now() - letter.tried_since < PATIENCE
        over = error.permanent or (letter.attempts >= GIVE_UP_AFTER and not patient)
        log.warning(
            "not delivered", channel=letter.channel, key=letter.key, dead=over, error=told["error"]
        )
        if over:
            self._note("give_up", letter, told)
        else:
            wait = timedelta(seconds=wait_s(letter.attempts, error.retry_after_s))
            later = {"next_at": self.wall.now() + wait, "spared": int(patient)}
            self._note("later", letter, told | later)

    def _note(self, statement: str, letter: Letter, more: Row) -> None:
        with self.database.transaction() as conn:
            conn.execute(
                load("outbox")[statement], {"id": letter.id, "wall": self.wall.now(), **more}
            )

    def _let_go(self, letters: Sequence[Letter]) -> None:
        with self.database.transaction() as conn:
            conn.execute(load("outbox")["let_go"], {"ids": [letter.id for letter in letters]})

    def _times(self) -> Row:
        return {"wall": self.wall.now(), "now": self.clock.now()}


@dataclass(slots=True)
class _Turn:
    """How one turn in a channel goes. `limit`: when it ends, of the monotonic clock."""

    limit: float
    arrived: int = 0
    failures: int = 0  # in a row

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.limit or self.failures >= _FAILURES_IN_A_ROW

    @property
    def width(self) -> int:
        """How many may go at once: one, until it is known that the receiver is there."""
        return SIDE_BY_SIDE if self.arrived and not self.failures else 1

    def note(self, came: bool) -> None:
        self.arrived += came
        self.failures = 0 if came else self.failures + 1


def wait_s(attempts: int, asked_s: float | None = None) -> float:
    """Seconds until the next attempt: doubled each time, spread by chance, never before `asked_s`."""
    usual: float = min(_FIRST_WAIT_S * 2 ** (attempts - 1), _LONGEST_WAIT_S)
    spread = usual * random.uniform(0.5, 1.5)  # noqa: S311 - it only keeps senders apart
    return max(spread, min(asked_s or 0.0, _LONGEST_ASKED_S))


class PostOffice:
    """Sends through every channel at once: one that is away holds up no other."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._threads = ThreadPoolExecutor(_CHANNELS_AT_ONCE, thread_name_prefix="post")
        self._busy: set[str] = set()
        self._lock = Lock()

    def turn(self) -> None:
        """Starts sending in each channel that has letters and is not at it already."""
        for channel in self._sender.channels_due():
            with self._lock:
                if channel in self._busy:
                    continue
                self._busy.add(channel)
            self._threads.submit(self._send, channel)

    def _send(self, channel: str) -> None:
        try:
            self._sender.send_due(channel)
        except StoreUnavailableError as error:
            log.warning("the store is away; trying again", channel=channel, error=str(error))
        finally:
            with self._lock:
                self._busy.discard(channel)
