"""Downtime that does not count against anybody, each stretch with what shows it.

An exclusion takes away only time in which the device was down: what was up counts as up, always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domain.text import N_
from kpi.uptime.line import Period, Stretches
from pipeline.history import tick
from storage.arrays import id_array
from storage.database import Conn, Row
from storage.queries import load


class Exclusion(StrEnum):
    """Why downtime does not count. What is excluded twice counts for the first of these."""

    MAINTENANCE = "maintenance"  # agreed beforehand: a maintenance window
    OUTSIDE = "outside"  # many devices at once: power, network, the site as a whole
    CUSTOMER = "customer"  # the case was found to be the user's or the surroundings'
    DISPUTED = "disputed"  # somebody disputed it, and that was accepted


EXCLUSION_TEXT: dict[Exclusion, str] = {
    Exclusion.MAINTENANCE: N_("maintenance window"),
    Exclusion.OUTSIDE: N_("power, network or site down as a whole"),
    Exclusion.CUSTOMER: N_("caused by the user or the surroundings"),
    Exclusion.DISPUTED: N_("disputed, with reason"),
}

OUTSIDE = ("power", "router", "switch", "segment", "site")
"""The kinds of batch that are nobody's fault who looks after the devices. A firmware or a model that
fails everywhere is not among them."""

NOT_OURS = ("user", "outside")
"""What a case was caused by, so that its downtime is not the service's."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """One reason why a device's downtime does not count for some time.

    Attributes:
        evidence: the id of the window, batch, ticket or dispute that shows it.
    """

    reason: Exclusion
    device_id: int
    since: datetime
    until: datetime
    evidence: int


def excluded(conn: Conn, period: Period, devices: NDArray[np.int64]) -> list[Excluded]:
    """What excludes downtime of `devices` (ids) in the period."""
    asked = {
        "device_ids": id_array(devices),
        "start": period.start,
        "end": period.end,
        "not_ours": list(NOT_OURS),
    }
    windows = conn.execute(load("kpi")["windows"], asked)
    batches = conn.execute(load("correlation")["memberships_of_devices"], asked)
    cases = conn.execute(load("kpi")["cases_of_others"], asked)
    disputed = conn.execute(load("kpi")["disputed_times"], asked)
    return [
        *(_of(Exclusion.MAINTENANCE, row, "window_id") for row in windows),
        *(_of(Exclusion.OUTSIDE, row, "batch_id") for row in batches if row["kind"] in OUTSIDE),
        *(_of(Exclusion.CUSTOMER, row, "ticket_id") for row in cases),
        *(_of(Exclusion.DISPUTED, row, "dispute_id") for row in disputed),
    ]


def lay_out(
    found: Sequence[Excluded], period: Period, devices: NDArray[np.int64]
) -> dict[Exclusion, Stretches]:
    """Where on the line downtime is excluded, by reason; no place is in two of them."""
    taken = Stretches.of(*np.zeros((2, 0), np.int64))
    by_reason: dict[Exclusion, Stretches] = {}
    for reason in Exclusion:
        stretches = _stretches([one for one in found if one.reason is reason], period, devices)
        by_reason[reason] = stretches.without(taken)
        taken = taken.plus(stretches)
    return by_reason


def _of(reason: Exclusion, row: Row, evidence: str) -> Excluded:
    return Excluded(reason, row["device_id"], row["since"], row["until"], row[evidence])


def _stretches(found: Sequence[Excluded], period: Period, devices: NDArray[np.int64]) -> Stretches:
    device = np.searchsorted(devices, [one.device_id for one in found])
    since = np.array([tick(one.since) for one in found], "datetime64[us]")
    until = np.array([tick(one.until) for one in found], "datetime64[us]")
    return Stretches.of(period.places(device, since), period.places(device, until))
