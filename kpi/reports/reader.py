"""Who a report is written for: their language, calendar, digits and time zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Protocol, TypeAlias

from domain.text import Text


class Reader(Protocol):
    """One reader's customs. Each method gives text as it is to be shown."""

    @property
    def tag(self) -> str:
        """BCP 47, such as `fa-IR`."""
        ...

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        ...

    def say(self, text: Text) -> str:
        """The sentence in the reader's language."""
        ...

    def moment(self, at: datetime) -> str:
        """Date and time in the reader's calendar and zone."""
        ...

    def day(self, on: date) -> str:
        """The date in the reader's calendar; of a datetime, in its own zone."""
        ...

    def number(self, value: float, digits: int, *, fixed: bool = False) -> str:
        """With at most `digits` decimals; `fixed`: exactly so many."""
        ...

    def share(self, ratio: float, digits: int) -> str:
        """A ratio (0 to 1) in percent."""
        ...

    def span(self, length: timedelta) -> str:
        """A length of time in its two largest units."""
        ...

    def plain(self, text: str) -> str:
        """The text with its digits in the reader's script."""
        ...


Readers: TypeAlias = Callable[[str, str], Reader]
"""The reader for a catalogue's code and the name of a time zone."""
