"""Models, firmware and lots held against each other: who fails more, or less, than others like it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kpi.life.compare import Against, LogRank, holm, log_rank
from kpi.life.lives import device_lives, part_lives
from kpi.life.records import DeviceFacts, Records
from kpi.life.survival import Ints, Lives
from kpi.reports.period import Calendar, Length, period_of

SURE = 0.05
"""A difference is told as one where chance makes so large a one that rarely, after correction."""

FEW_DEVICES, FEW_FAILURES = 5, 5
"""Groups of fewer are shown, and marked."""


class Trait(StrEnum):
    """By what devices are told apart. Models are compared within a kind; firmware and lots within a
    model, since a firmware that only a bad model has is not a bad firmware."""

    MODEL = "model"
    FIRMWARE = "firmware"
    LOT = "lot"


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What lives are of: a component of a kind of device, or its devices as a whole.

    Attributes:
        component: None: the time without a failure of any part.
        lives: `device` is the place in `devices`.
    """

    kind: str
    component: str | None
    devices: tuple[DeviceFacts, ...]
    lives: Lives

    @property
    def failures(self) -> int:
        return int(self.lives.failed.sum())


@dataclass(frozen=True, slots=True)
class Group:
    """One model, firmware or lot within a comparison.

    Attributes:
        model: within which it is compared; empty: it is a model.
        against: how it compares; p is as tested, `sure_p` corrected for all groups of the report that
            are not of too few devices to be tested; None: it is.
    """

    name: str
    model: str
    against: Against
    sure_p: float | None

    @property
    def few(self) -> bool:
        return self.against.devices < FEW_DEVICES or self.against.failures < FEW_FAILURES

    @property
    def stands_out(self) -> bool:
        return self.sure_p is not None and self.sure_p <= SURE and not self.few


@dataclass(frozen=True, slots=True)
class Comparison:
    """All groups of one trait of one subject. `sure_p`: of no difference between any of them, corrected
    for all comparisons of the report."""

    kind: str
    component: str | None
    trait: Trait
    chi2: float
    freedom: int
    sure_p: float
    groups: tuple[Group, ...]


def subjects(records: Records) -> list[Subject]:
    """Of each kind of device: its devices, then its components; those on record only."""
    found = []
    for kind, parts in records.parts().items():
        devices = tuple(device for device in records.devices if device.kind == kind)
        found.append(Subject(kind, None, devices, device_lives(records, devices)))
        found += [
            Subject(kind, part, devices, part_lives(records, devices, part)) for part in parts
        ]
    return [subject for subject in found if len(subject.lives)]


def lot_of(device: DeviceFacts, calendar: Calendar) -> str:
    """With which a device came: its attribute `lot`, else the quarter in which it was installed."""
    if device.lot or device.installed_on is None:
        return device.lot
    return period_of(device.installed_on, Length.QUARTER, calendar).name


def comparisons(found: Sequence[Subject], calendar: Calendar) -> list[Comparison]:
    """Every trait of every subject that tells at least two groups apart."""
    tests = list(_tests(found, calendar))
    overall = holm([test.p for _, _, _, test in tests])
    single = iter(holm([group.p for *_, test in tests for group in test.groups if _enough(group)]))
    return [
        Comparison(
            subject.kind,
            subject.component,
            trait,
            test.chi2,
            test.freedom,
            sure,
            tuple(
                Group(name, model, group, next(single) if _enough(group) else None)
                for (model, name), group in zip(names, test.groups, strict=True)
            ),
        )
        for (subject, trait, names, test), sure in zip(tests, overall, strict=True)
    ]


def _enough(group: Against) -> bool:
    return group.devices >= FEW_DEVICES


def _tests(
    found: Sequence[Subject], calendar: Calendar
) -> Iterator[tuple[Subject, Trait, list[tuple[str, str]], LogRank]]:
    for subject in found:
        for trait, traits in _TRAITS.items():
            told = [traits(device, calendar) for device in subject.devices]
            rows = np.array([bool(told[place][1]) for place in subject.lives.device])
            lives = subject.lives.where(rows)
            names = sorted({told[place] for place in lives.device})
            group = _places(names, [told[place] for place in lives.device])
            strata = sorted({model for model, _ in names})
            stratum = _places(strata, [told[place][0] for place in lives.device])
            if len(names) > len(strata) and lives.failed.any():
                yield subject, trait, names, log_rank(lives, group, stratum)


_TRAITS: Mapping[Trait, Callable[[DeviceFacts, Calendar], tuple[str, str]]] = {
    Trait.MODEL: lambda device, _: ("", device.model),
    Trait.FIRMWARE: lambda device, _: (device.model, device.firmware),
    Trait.LOT: lambda device, calendar: (device.model, lot_of(device, calendar)),
}
"""Of each: within what it is compared, and its name; empty: not known."""


def _places(names: Sequence[object], told: Sequence[object]) -> Ints:
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[name] for name in told], np.int64)
