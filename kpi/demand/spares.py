"""Spare parts of a fleet: what was needed, what is foretold, what will be needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.vocabulary import component
from kpi.demand.parts import Need, Past, Rate, chances, need, rate_of, together
from kpi.life.records import DeviceFacts, Records
from kpi.life.survival import Floats
from storage.database import Conn
from storage.queries import load

LOOK_BACK = timedelta(days=365)
WORTH_IT = 0.05
"""A lower probability says no more than the usual rate does."""

_FRESH = timedelta(days=1)
_DAY = timedelta(days=1)
_MONTH_DAYS = 30
_NO_PART = "none"  # domain.vocabulary: nothing is replaced


@dataclass(frozen=True, slots=True)
class Foretold:
    """A model in charge gives a part this probability to fail within `days`."""

    probability: float
    days: float


@dataclass(frozen=True, slots=True, eq=False)
class Spare:
    """One part of one model of device.

    Attributes:
        devices: that have it now.
        needed: how often it was, in the last year at most.
        foretold: of so many devices a failure is foretold.
        a_month: what is needed in 30 days, by the past alone.
        chances, need: until the end that was asked for.
    """

    component: str
    model: str
    devices: int
    needed: int
    foretold: int
    a_month: float
    chances: Floats
    need: Need


@dataclass(frozen=True, slots=True)
class Local:
    """One part in one region, of all models together."""

    region: str
    component: str
    devices: int
    need: Need


@dataclass(frozen=True, slots=True)
class Line:
    """One part of one model in one region.

    Attributes:
        days: device-days ahead for which the past alone speaks.
        foretold: the probabilities that stand in the place of the others.
    """

    component: str
    model: str
    region: str
    devices: int
    needed: int
    rate: Rate
    days: float
    foretold: tuple[float, ...]


def read_foretold(conn: Conn, now: datetime) -> dict[tuple[int, str], Foretold]:
    """What models in charge said within a day, and is worth it: by device and component."""
    asked = {"since": now - _FRESH, "until": now}
    return {
        (row["device_id"], row["component"]): Foretold(row["probability"], row["horizon_h"] / 24)
        for row in conn.execute(load("reports_fleet")["foretold"], asked)
        if row["probability"] >= WORTH_IT
    }


def lines(
    records: Records,
    foretold: Mapping[tuple[int, str], Foretold],
    end: datetime,
    customer: str | None,
) -> Iterator[Line]:
    """What is known of what will be needed between the records' end and `end`, for the devices of one
    customer, or of all (None). Rates are learned from the whole fleet."""
    ahead = (end - records.end) / _DAY
    for kind, parts in records.parts().items():
        own = [device for device in records.devices if device.kind == kind]
        here = [one for one in own if one.here and customer in (None, one.customer)]
        for part in (one for one in parts if component(one).part != _NO_PART):
            past = pasts(records, own, part)
            for model, region in sorted({(one.model, one.region) for one in here}):
                rate = rate_of(past[model], _sum(past.values()))
                if rate is not None:
                    some = [one for one in here if (one.model, one.region) == (model, region)]
                    told = [foretold[one.id, part] for one in some if (one.id, part) in foretold]
                    yield Line(
                        component=part,
                        model=model,
                        region=region,
                        devices=len(some),
                        needed=past[model].needed,
                        rate=rate,
                        days=len(some) * ahead - sum(min(one.days, ahead) for one in told),
                        foretold=tuple(one.probability for one in told),
                    )


def by_model(found: Sequence[Line]) -> list[Spare]:
    """What of all regions is needed together: they share what is not known of a rate."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in found:
        groups[line.component, line.model].append(line)
    return [_spare(part, model, some) for (part, model), some in sorted(groups.items())]


def _spare(part: str, model: str, some: Sequence[Line]) -> Spare:
    devices, found = sum(one.devices for one in some), _chances(some)
    return Spare(
        component=part,
        model=model,
        devices=devices,
        needed=some[0].needed,
        foretold=sum(len(one.foretold) for one in some),
        a_month=some[0].rate.mean * _MONTH_DAYS * devices,
        chances=found,
        need=need(found),
    )


def by_region(found: Sequence[Line]) -> list[Local]:
    """What of all models is needed together."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in found:
        groups[line.region, line.component].append(line)
    return [
        Local(
            region,
            part,
            sum(one.devices for one in some),
            need(together([_chances([one]) for one in some])),
        )
        for (region, part), some in sorted(groups.items())
    ]


def pasts(records: Records, devices: Sequence[DeviceFacts], part: str) -> dict[str, Past]:
    """What each model needed of a part in the last year: what was replaced; or, where nothing of
    that part is ever recorded as replaced, what failed."""
    since = records.end - LOOK_BACK
    replaced = any(
        one.replaced for device in devices for one in records.mends.get((device.id, part), [])
    )
    found: dict[str, Past] = {}
    for device in devices:
        needed = (
            [one.at for one in records.mends.get((device.id, part), []) if one.replaced]
            if replaced
            else [one.at for one in records.failures.get((device.id, part), [])]
        )
        stays = [
            (max(begin, since), until)
            for begin, until in records.stays.get(device.id, [])
            if until > since
        ]
        own = Past(
            sum(begin <= at < until for at in needed for begin, until in stays),
            sum((until - begin) / _DAY for begin, until in stays),
        )
        found[device.model] = _sum([found.get(device.model, Past(0, 0.0)), own])
    return found


def _sum(pasts: Iterable[Past]) -> Past:
    every = list(pasts)
    return Past(sum(one.needed for one in every), sum(one.days for one in every))


def _chances(some: Sequence[Line]) -> Floats:
    """Of lines of one part and model."""
    told = [probability for one in some for probability in one.foretold]
    return chances(some[0].rate, sum(one.days for one in some), told)
