"""The bodies of the four kinds of message, typed. docs/mqtt.md says what they mean."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from domain.device import ReportedState
from domain.report import Severity

MAX_BODY = 64 * 1024
"""Bytes; a longer body is refused."""

# `$(?!\n)`: Python's `$` alone lets a line break at the end pass.
TEXT = r"^[^\x00-\x1f\x7f]*$(?!\n)"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$(?!\n)"
METRIC_LENGTH = 64

Text = Annotated[str, Meta(max_length=256, pattern=TEXT)]
Make = Annotated[str, Meta(max_length=128, pattern=TEXT)]
Component = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$(?!\n)")]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=NAME)]

# The names in them, and a boot's id, are checked by the contract, once for each: a pattern here would
# run for every value of every message, and cost more than all other decoding.
GaugeValues = Annotated[dict[str, float], Meta(max_length=200)]
CounterValues = Annotated[dict[str, Annotated[float, Meta(ge=0)]], Meta(max_length=200)]


class Message(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What every body carries. An unknown field is refused: a misspelt one must not vanish."""

    schema: Literal[1]
    boot_id: Annotated[str, Meta(min_length=1, max_length=64)]
    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    ts: Annotated[datetime, Meta(tz=True)]


class State(Message, frozen=True, gc=False, forbid_unknown_fields=True):
    """Retained; and the last will, which carries `will` and `seq` 0."""

    state: ReportedState
    reason: Text = ""
    component: Component = ""
    model: Make = ""
    firmware: Make = ""
    serial: Make = ""
    will: bool = False


class Heartbeat(Message, frozen=True, gc=False, forbid_unknown_fields=True):
    """`interval_s` is a promise: the next message comes within so many seconds."""

    interval_s: Annotated[float, Meta(ge=1, le=86_400)]
    gauges: GaugeValues = {}


class Counters(Message, frozen=True, gc=False, forbid_unknown_fields=True):
    """Totals since the device was made, or since they were reset; and gauges."""

    counters: CounterValues = {}
    gauges: GaugeValues = {}


class Event(Message, frozen=True, gc=False, forbid_unknown_fields=True):
    """`component` may be empty: the whole device; `code`, where `dialect` and `raw_code` give it."""

    component: Component
    severity: Severity
    code: Code = ""
    dialect: Component = ""
    raw_code: Make = ""
