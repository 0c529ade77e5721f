"""What a clock is told when it begins: how often to call, what to send, which time it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

DELAY_S = 30
"""A clock asks for commands so often, in seconds of its own time; the protocol allows 2 to 60."""

ERROR_DELAY_S = 60
"""After a failed connection it tries again after so many seconds; the protocol advises 30 to 300."""

PUSH_VERSION = "2.4.1"
"""The newest version of the protocol that is understood; the older side's version is spoken."""

_STAMPED = ("ATTLOG", "OPERLOG", "ERRORLOG")
_HOUR = 3600


def time_zone_value(offset: timedelta) -> str:
    """The value of `TimeZone` for a zone that is `offset` ahead of UTC.

    Whole hours are said in hours (`8`, `-5`). Others are said in minutes (`210` for Iran, `330` for
    India): the clock tells them apart by their size. Source: PUSH protocol, table of options.
    """
    seconds = round(offset.total_seconds())
    return str(seconds // _HOUR) if seconds % _HOUR == 0 else str(round(seconds / 60))


def offset_at(zone: ZoneInfo, moment: datetime) -> timedelta:
    """How far `zone` is ahead of UTC at `moment`, summer time included."""
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def options_text(
    serial: str, stamps: Mapping[str, str], delay_s: int, offset: timedelta | None
) -> str:
    """The answer to a clock's greeting.

    `stamps`: how far each table was taken in, as the clock itself named it; 0 asks for all of it.
    `offset`: None says nothing of the time zone, so that the clock keeps the one that it has.
    """
    lines = [f"GET OPTION FROM: {serial}"]
    lines += [f"{table}Stamp={stamps.get(table, '0')}" for table in _STAMPED]
    # The older names of the same stamps.
    lines += [f"Stamp={stamps.get('ATTLOG', '0')}", f"OpStamp={stamps.get('OPERLOG', '0')}"]
    lines += [
        f"ErrorDelay={max(ERROR_DELAY_S, delay_s)}",
        f"Delay={delay_s}",
        "TransTimes=00:00;12:00",
        "TransInterval=1",
        "TransFlag=TransData AttLog\tOpLog",
        "Realtime=1",
        "Encrypt=None",
        f"ServerVer={PUSH_VERSION}",
        f"PushProtVer={PUSH_VERSION}",
        "PushOptionsFlag=1",
        "SupportPing=1",
    ]
    if offset is not None:
        lines.append(f"TimeZone={time_zone_value(offset)}")
    return "\n".join(lines) + "\n"
