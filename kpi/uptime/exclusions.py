"""Downtime that does not count against anybody, each stretch with what shows it.

An exclusion takes away only time in which the device was down: what was up counts as up, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domain.text import N_
from kpi.uptime.line import Period, Stretches
from storage.database import Conn, Row
from storage.queries import load


class Exclusion(StrEnum):
    """Why downtime does not count. What is excluded twice counts for the first of these."""

    MAINTENANCE = "maintenance"  # agreed beforehand: a maintenance window
    OUTSIDE = "outside"  # many devices at once: power, network, the site as a whole
    CUSTOMER = "customer"  # the case was found to be the user's or the surroundings'


EXCLUSION_TEXT: dict[Exclusion, str] = {
    Exclusion.MAINTENANCE: N_("maintenance window"),
    Exclusion.OUTSIDE: N_("power, network or site down as a whole"),
    Exclusion.CUSTOMER: N_("caused by the user or the surroundings"),
}

OUTSIDE_CAUSES = ("power", "router", "switch", "segment", "site")
"""The kinds of batch that are nobody's fault who looks after the devices. A firmware or a model that
fails everywhere is not among them."""

NOT_OURS = ("user", "outside")
"""What a case was caused by, so that its downtime is not the service's."""


@dataclass(frozen=True, slots=True, eq=False)
class Exclusions:
    """Where downtime is excluded, by reason; no place is in two of them.

    Attributes:
        rows: reason, device_id, from_at, until_at, evidence (the window's, batch's or ticket's id).
    """

    stretches: Mapping[Exclusion, Stretches]
    rows: list[Row]


def read_exclusions(conn: Conn, period: Period, devices: NDArray[np.int32]) -> Exclusions:
    """What excludes downtime of `devices` (ids, ascending) in the period."""
    asked = {
        "devices": devices.tolist(),
        "start": period.start,
        "end": period.end,
        "causes": list(OUTSIDE_CAUSES),
        "not_ours": list(NOT_OURS),
    }
    rows = conn.execute(load("kpi")["exclusions"], asked).fetchall()
    taken = Stretches.of(*np.zeros((2, 0), np.int64))
    found: dict[Exclusion, Stretches] = {}
    for reason in Exclusion:
        of_reason = [row for row in rows if row["reason"] == reason]
        stretches = _stretches(of_reason, period, devices)
        found[reason] = stretches.without(taken)
        taken = taken.plus(stretches)
    return Exclusions(found, rows)


def _stretches(rows: list[Row], period: Period, devices: NDArray[np.int32]) -> Stretches:
    device = np.searchsorted(devices, [row["device_id"] for row in rows])
    begin, end = (
        np.array([row[name].replace(tzinfo=None) for row in rows], "datetime64[us]")
        for name in ("from_at", "until_at")
    )
    return Stretches.of(period.places(device, begin), period.places(device, end))
