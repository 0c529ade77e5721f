"""Devices, their states, and the reasons for which a state changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.text import N_


class DeviceKind(StrEnum):
    """What Forecall watches. A history folder may bring other kinds; they are kept as they are."""

    CLOCK = "clock"
    POS = "pos"
    KIOSK = "kiosk"


class DeviceState(StrEnum):
    """The state that uptime is counted from.

    `UNWATCHED` is neither up nor down: nobody was looking, because a collector was away or the
    device has not spoken yet. It never counts as the device's downtime.
    """

    UP = "up"
    DOWN = "down"
    UNWATCHED = "unwatched"


KIND_TEXT: dict[DeviceKind, str] = {
    DeviceKind.CLOCK: N_("attendance clock"),
    DeviceKind.POS: N_("POS terminal"),
    DeviceKind.KIOSK: N_("kiosk"),
}

STATE_TEXT: dict[DeviceState, str] = {
    DeviceState.UP: N_("up"),
    DeviceState.DOWN: N_("down"),
    DeviceState.UNWATCHED: N_("not watched"),
}


class ReportedState(StrEnum):
    """What a terminal says of itself: XFS4IoT `CommonStatus.device`."""

    ONLINE = "online"
    OFFLINE = "offline"
    POWER_OFF = "powerOff"
    NO_DEVICE = "noDevice"
    HARDWARE_ERROR = "hardwareError"
    USER_ERROR = "userError"
    DEVICE_BUSY = "deviceBusy"
    FRAUD_ATTEMPT = "fraudAttempt"
    POTENTIAL_FRAUD = "potentialFraud"
    STARTING = "starting"

    @property
    def in_service(self) -> bool:
        """Whether a customer can use a device in this state."""
        return self in _IN_SERVICE


_IN_SERVICE = frozenset(
    {
        ReportedState.ONLINE,
        ReportedState.DEVICE_BUSY,
        ReportedState.STARTING,
        ReportedState.POTENTIAL_FRAUD,
    }
)


class Cause(StrEnum):
    """Why a device's state changed; kept with each transition."""

    FIRST_CONTACT = "first_contact"
    CONTACT = "contact"
    MISSED_HEARTBEATS = "missed_heartbeats"
    POLL_FAILED = "poll_failed"
    REPORTED = "reported"
    COLLECTOR_AWAY = "collector_away"
    SIMULATION_PAUSED = "simulation_paused"


CAUSE_TEXT: dict[Cause, str] = {
    Cause.FIRST_CONTACT: N_("first contact"),
    Cause.CONTACT: N_("it answers again"),
    Cause.MISSED_HEARTBEATS: N_("its heartbeats stopped"),
    Cause.POLL_FAILED: N_("it does not answer polls"),
    Cause.REPORTED: N_("it says so itself"),
    Cause.COLLECTOR_AWAY: N_("the collector was away"),
    Cause.SIMULATION_PAUSED: N_("the simulation was paused"),
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of `device_transition`: the only record of a state change.

    Attributes:
        at: when the state changed, as far as it can be known.
        detail: a word of the protocol's own, such as `timeout` or `hardwareError`; may be empty.
        component: the component that took the device down, when it was named; else empty.
    """

    device_id: int
    from_state: DeviceState
    to_state: DeviceState
    at: datetime
    cause: Cause
    detail: str = ""
    component: str = ""
