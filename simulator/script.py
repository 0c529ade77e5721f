"""What a demo shows in its first minutes: planned faults, on top of what chance brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.device import DeviceKind
from simulator.fleet import Device
from simulator.lives import life_of
from simulator.stories import STORIES, WEAR
from simulator.wear import Life, Outage, Rise

RAMP = timedelta(hours=42)
REPAIR = timedelta(hours=5)
MARGIN = timedelta(days=4)
"""How far around a span lives are looked at, so that no rise is cut."""

_OUTAGE_AFTER_S, _OUTAGE_S = 20.0, 30.0  # of the wall's time
_FAILURES = (
    (DeviceKind.KIOSK, "billAcceptor", 50.0),
    (DeviceKind.CLOCK, "powerSupply", 65.0),
    (DeviceKind.POS, "receiptPrinter", 90.0),
)
"""Kind of device, component, and seconds of the wall's time from the start to its failure."""


@dataclass(frozen=True, slots=True)
class Script:
    """Planned rises and outages, by device key."""

    rises: Mapping[str, Rise]
    outages: Mapping[str, Outage]

    def added_to(self, key: str, life: Life) -> Life:
        """`life` with what is planned for the device `key`."""
        rise, outage = self.rises.get(key), self.outages.get(key)
        return replace(
            life,
            rises=(*life.rises, *([rise] if rise else [])),
            outages=(*life.outages, *([outage] if outage else [])),
        )


def plan_script(
    devices: Iterable[Device], start: datetime, speed: float, delay: timedelta = timedelta(0)
) -> Script:
    """The plan for a demo that goes live at `start` with `speed` times the wall's pace.

    It takes devices that nothing else befalls around that time. The same arguments give the same
    plan, so that the history before `start` can show how the parts began to wear. `delay` is how
    much later the devices really came to life: everything planned waits as long.
    """
    rises: dict[str, Rise] = {}
    spared: list[Device] = []
    wanted = list(_FAILURES)
    for device in _calm(list(devices), start):
        planned = next((each for each in wanted if each[0] is device.kind), None)
        if planned is None:
            spared.append(device)
            continue
        wanted.remove(planned)
        rises[device.key] = _rise(
            device.kind, planned[1], start + delay + timedelta(seconds=planned[2] * speed)
        )
    begin = start + delay + timedelta(seconds=_OUTAGE_AFTER_S * speed)
    outage = Outage(begin, begin + timedelta(seconds=_OUTAGE_S * speed))
    lost = [device.key for device in spared if device.kind is not DeviceKind.CLOCK][:1]
    return Script(rises, dict.fromkeys(lost, outage))


def _calm(devices: list[Device], start: datetime) -> list[Device]:
    span = (start - MARGIN, start + MARGIN)
    return [
        device
        for device in devices
        if not (life := life_of(device, *span)).rises and not life.outages
    ]


def _rise(kind: DeviceKind, component: str, peak: datetime) -> Rise:
    worn = next(each for each in STORIES[kind] if (each.name, each.component) == (WEAR, component))
    return Rise(component, peak - RAMP, peak, peak + REPAIR, 1.0, True, signs=worn.signs)
