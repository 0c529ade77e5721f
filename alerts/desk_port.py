"""What the alert rules need of the service desk, which stands above them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.sign import Sign
from domain.fault import Fault
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class News:
    """What a sign changed in its alert.

    Attributes:
        fresh: the alert did not have this condition before.
        broke: the component was not known to have failed before.
    """

    fresh: bool
    broke: bool

    def __bool__(self) -> bool:
        return self.fresh or self.broke


class CaseDesk(Protocol):
    """Where alerts become cases. Everything happens in the transaction that judges the sign."""

    def sign(self, conn: Conn, alert_id: int, sign: Sign, news: News) -> None:
        """Opens the fault's case or adds to it. The alert's row is locked by the caller."""
        ...

    def returned(self, conn: Conn, fault: Fault, at: datetime, *, restored: bool) -> None:
        """The last condition is over; `restored`: it is known that the component works again."""
        ...
