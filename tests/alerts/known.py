"""What the model of alerts knows of a device, and a worker that dies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.desk_port import Heard
from desk.cases import Cases
from domain.vocabulary import DEVICE
from storage.database import Conn


@dataclass
class Known:
    """What the model knows of one device.

    Attributes:
        faults: the components that something is wrong with; `device`: it fell silent.
        shelved: until when, by component.
    """

    faults: set[str] = field(default_factory=set)
    retired: bool = False
    out_of_service: bool = False
    window_until: datetime | None = None
    shelved: dict[str, datetime] = field(default_factory=dict)

    @property
    def down(self) -> bool:
        return DEVICE in self.faults

    @down.setter
    def down(self, down: bool) -> None:
        (self.faults.add if down else self.faults.discard)(DEVICE)


class Killed(Exception):  # noqa: N818 - it is no error
    """Stands for the end of a worker in the midst of its transaction."""


@dataclass(frozen=True)
class DyingDesk(Cases):
    """The real desk, in a worker that is killed when it has added to cases."""

    def heard(self, conn: Conn, heard: Sequence[Heard]) -> set[int]:
        super().heard(conn, heard)
        raise Killed
