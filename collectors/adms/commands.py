"""What a clock may be asked: reads only. There is no way to say anything else.

The protocol also has commands that clear logs, open doors, write files, run a shell or replace the
firmware; they have no name here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import NotAllowedError


class CommandKind(StrEnum):
    """The commands that are sent, by the name they have in the store."""

    INFO = "INFO"  # say what you are and hold
    CHECK = "CHECK"  # read your options anew and send what is newer than your stamps
    LOG = "LOG"  # send what is new, now
    QUERY = "QUERY"  # send the attendance records of a window
    VERIFY = "VERIFY"  # say how many records of a window you hold

    @property
    def has_window(self) -> bool:
        return self in (CommandKind.QUERY, CommandKind.VERIFY)


_WORDS = {CommandKind.QUERY: "DATA QUERY ATTLOG", CommandKind.VERIFY: "VERIFY SUM ATTLOG"}
_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `window`: first and last second by the clock's own time, both included.

    Raises NotAllowedError when a window is missing, turned round, or of no use to the command.
    """

    kind: CommandKind
    window: tuple[datetime, datetime] | None = None

    def __post_init__(self) -> None:
        if self.kind.has_window != (self.window is not None):
            raise NotAllowedError(f"command {self.kind}: has a window only if it reads punches")
        if self.window is not None and self.window[0] > self.window[1]:
            raise NotAllowedError(f"command {self.kind}: its window ends before it begins")

    def text(self, number: int) -> str:
        """The line that getrequest answers with."""
        if self.window is None:
            return f"C:{number}:{self.kind}"
        first, last = (moment.strftime(_TIME) for moment in self.window)
        return f"C:{number}:{_WORDS[self.kind]} StartTime={first}\tEndTime={last}"
