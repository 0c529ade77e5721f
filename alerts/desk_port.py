"""What the alert rules need of the service desk, which stands above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerts.sign import Sign
from domain.fault import Fault
from domain.report import Severity
from domain.text import Text
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class Heard:
    """A sign that is news to its alert.

    Attributes:
        broke: the component was not known to have failed before.
        damped: the fault is flapping: its case is not moved for every time that it comes.
    """

    alert_id: int
    sign: Sign
    broke: bool
    damped: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """The last condition of an alert is over.

    Attributes:
        fault: None for the alert of a batch.
        restored: it is known that the component works again.
    """

    alert_id: int
    fault: Fault | None
    at: datetime
    restored: bool


@dataclass(frozen=True, slots=True)
class BatchCase:
    """What the ticket of a batch starts with.

    Attributes:
        site_id: where most of its members stand; None: nobody knows where.
        told: JSON values for the ticket's first event: the cause, its evidence.
    """

    batch_id: int
    site_id: int | None
    severity: Severity
    title: Text
    since: datetime
    told: Mapping[str, Any]


class CaseDesk(Protocol):
    """Where alerts become cases. Everything happens in the transaction that judges the signs; the
    rows of the alerts are locked by the caller."""

    def heard(self, conn: Conn, heard: Sequence[Heard]) -> set[int]:
        """Adds signs to the open cases of their faults. Returns the alerts that have one."""
        ...

    def open(self, conn: Conn, signs: Sequence[tuple[int, Sign]]) -> None:
        """Opens the cases of alerts; where somebody has just opened one, the sign joins it."""
        ...

    def returned(self, conn: Conn, returned: Sequence[Returned]) -> None:
        """Writes into the cases that nothing is seen of their faults any more."""
        ...

    def note(self, conn: Conn, faults: Sequence[Fault], message: Text) -> None:
        """Writes into the open cases of faults what whoever works on them should know."""
        ...

    def open_batch(self, conn: Conn, case: BatchCase) -> int:
        """Opens the one ticket of a batch, or takes its last one up again. Returns its id."""
        ...

    def join_batch(self, conn: Conn, ticket_id: int, alert_ids: Sequence[int]) -> None:
        """Ends the members' own tickets that this cause has opened: they are duplicates."""
        ...

    def end_batch(self, conn: Conn, batch_id: int, into: int) -> None:
        """A batch was absorbed by a wider one: its ticket is a duplicate of the ticket `into`."""
        ...
