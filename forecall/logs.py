"""Log lines: one event a line, with the part that speaks and its values."""

from __future__ import annotations

import logging
import sys
from functools import partial

import structlog
from structlog.typing import EventDict


def set_up_logs(part: str, level: int = logging.INFO) -> None:
    """Sends our lines from `level` on, and the libraries' warnings, to standard error."""
    structlog.configure(
        processors=[
            partial(_name_part, part),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(
                key_order=["timestamp", "level", "part", "event"], drop_missing=True
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")
    # A job that is still under way when its next turn comes is meant to skip that turn.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _name_part(part: str, _logger: object, _method: str, event: EventDict) -> EventDict:
    return {"part": part, **event}
