"""What the laboratory's modules share: pandas, times, a progress bar."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.errors import BadInputError, ConfigurationError

try:
    import pandas as pd
except ImportError as error:  # the extra is not installed
    raise ConfigurationError(
        "lab: pandas is missing; install Forecall's extra `lab`: pip install -e '.[lab]'"
    ) from error

__all__ = ["Bar", "Frame", "hours_after", "pd", "span", "utc", "with_times"]

Frame: TypeAlias = Any
"""A pandas DataFrame; the library is not typed here."""

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(min|h|d|w)")
_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WIDTH = 30


def span(text: str) -> timedelta:
    """A span such as `24h`, `3d` or `2w`. Raises BadInputError for anything else."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise BadInputError(f"{text!r}: allowed: a number and min, h, d or w, such as 24h or 3d")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def utc(ticks: NDArray[Any]) -> Any:
    """datetime64 in UTC as a pandas index that says so."""
    return pd.DatetimeIndex(ticks).tz_localize("UTC")


def hours_after(start: datetime, hours: NDArray[np.float64]) -> Any:
    """Hours since `start` as a pandas index of times in UTC."""
    return pd.Timestamp(start) + pd.to_timedelta(hours, unit="h")


def with_times(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> Frame:
    """Rows of JSON as a DataFrame; what stands in the columns `names` becomes times in UTC."""
    frame = pd.DataFrame(list(rows))
    for name in names:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame


class Bar:
    """A progress bar of one line, on a terminal as in a notebook. Call it as often as you like."""

    def __call__(self, what: str, share: float) -> None:
        """`share` of the whole is done (0 to 1), and `what` is being done."""
        done = round(_WIDTH * share)
        line = f"\r{'█' * done}{'·' * (_WIDTH - done)} {share:4.0%}  {what:<40.40}"
        sys.stderr.write(line + ("\n" if share >= 1 else ""))
        sys.stderr.flush()
