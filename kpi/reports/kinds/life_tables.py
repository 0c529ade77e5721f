"""The tables of the report on the life of devices: who differs from those like them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.device import KIND_TEXT, DeviceKind
from domain.text import N_, Text
from domain.vocabulary import component
from kpi.life.groups import (
    FEW_DEVICES,
    FEW_FAILURES,
    SURE,
    Comparison,
    Group,
    Subject,
    Trait,
)
from kpi.life.lemons import FALSE_SHARE
from kpi.life.suspects import Suspect
from kpi.reports.chapters.words import interval
from kpi.reports.document import Column, Table, Unit, between

MOST_ROWS = 40

_TRAITS = {
    Trait.MODEL: N_("model"),
    Trait.FIRMWARE: N_("firmware"),
    Trait.LOT: N_("lot"),
}


def compared_tables(compared: Sequence[Comparison]) -> Iterator[Table]:
    yield Table(
        title=Text(N_("Do they differ at all?")),
        columns=(
            Column(Text(N_("Of")), Unit.WORDS),
            Column(Text(N_("By")), Unit.WORDS),
            Column(Text(N_("Groups")), Unit.COUNT),
            Column(Text(N_("Log-rank chi-square")), Unit.NUMBER),
            Column(Text(N_("Chance of it, corrected")), Unit.NUMBER, 3),
        ),
        rows=tuple(
            (subject_of(one), Text(_TRAITS[one.trait]), len(one.groups), one.chi2, one.sure_p)
            for one in sorted(compared, key=lambda one: (one.sure_p, -one.chi2))[:MOST_ROWS]
        ),
        nothing=Text(N_("There is nothing to compare.")),
        note=Text(
            N_(
                "Models are compared within a kind, firmware and lots within a model. Corrected for all "
                "{count} comparisons (Holm): below {sure} a difference is hardly chance."
            ),
            {"count": len(compared), "sure": SURE},
        ),
    )
    groups = sorted(
        every_group(compared), key=lambda each: (each[1].few, each[1].against.p, each[1].name)
    )
    worth = [each for each in groups if each[1].against.failures and each[1].against.p <= SURE]
    yield _outstanding(worth[:MOST_ROWS])


def _outstanding(shown: Sequence[tuple[Comparison, Group]]) -> Table:
    return Table(
        title=Text(N_("Models, firmware and lots that stand out")),
        columns=(
            Column(Text(N_("Of")), Unit.WORDS),
            Column(Text(N_("Group")), Unit.WORDS),
            Column(Text(N_("Devices")), Unit.COUNT),
            Column(Text(N_("Failures")), Unit.COUNT),
            Column(Text(N_("Expected")), Unit.NUMBER),
            Column(Text(N_("Times as often")), Unit.NUMBER, 2),
            interval(Unit.NUMBER, 2),
            Column(Text(N_("Chance, corrected")), Unit.NUMBER, 3),
        ),
        rows=tuple(
            (
                subject_of(one),
                Text(N_("{trait} {name}"), {"trait": Text(_TRAITS[one.trait]), "name": group.name})
                if not group.model
                else Text(
                    N_("{trait} {name} of {model}"),
                    {
                        "trait": Text(_TRAITS[one.trait]),
                        "name": group.name,
                        "model": group.model,
                    },
                ),
                group.against.devices,
                group.against.failures,
                group.against.expected,
                group.against.ratio,
                between(group.against.low, group.against.high),
                group.sure_p,
            )
            for one, group in shown
        ),
        marked=frozenset(place for place, (_, group) in enumerate(shown) if group.few),
        nothing=Text(N_("None differs from those like it.")),
        note=Text(
            N_(
                "Expected: if they were like the others of their kind, or of their model. Those whose "
                "corrected chance is above {sure} may well be chance. Marked: fewer than {devices} devices "
                "or {failures} failures."
            ),
            {"sure": SURE, "devices": FEW_DEVICES, "failures": FEW_FAILURES},
        ),
    )


def lemons_table(odd: Sequence[Suspect]) -> Table:
    named = [one for one in odd if one.oddness.is_lemon][:MOST_ROWS]
    return Table(
        title=Text(N_("Devices to look at")),
        columns=(
            Column(Text(N_("Device")), Unit.WORDS),
            Column(Text(N_("Model")), Unit.WORDS),
            Column(Text(N_("Site")), Unit.WORDS),
            Column(Text(N_("Age, years")), Unit.NUMBER),
            Column(Text(N_("Failures")), Unit.COUNT),
            Column(Text(N_("Expected")), Unit.NUMBER),
            Column(Text(N_("Times as often")), Unit.NUMBER),
            interval(Unit.NUMBER),
        ),
        rows=tuple(
            (
                one.device.key,
                one.device.model,
                one.device.site,
                one.watched.age_years,
                one.watched.failures,
                one.oddness.expected,
                one.oddness.ratio,
                between(one.oddness.low, one.oddness.high),
            )
            for one in named
        ),
        nothing=Text(N_("No device fails more often than chance allows.")),
        note=Text(
            N_(
                "Expected for its model, its age and how much it is used. Of the devices named, at most "
                "{share} % are named by chance. How much more often is drawn towards the other devices, since "
                "few failures say little."
            ),
            {"share": round(FALSE_SHARE * 100)},
        ),
    )


def subject_of(one: Subject | Comparison) -> Text:
    kind = KIND_TEXT[DeviceKind(one.kind)] if one.kind in list(DeviceKind) else one.kind
    if one.component is None:
        return Text(kind)
    return Text(
        N_("{component} of {kind}"),
        {"component": Text(component(one.component).label), "kind": Text(kind)},
    )


def every_group(compared: Sequence[Comparison]) -> Iterator[tuple[Comparison, Group]]:
    return ((one, group) for one in compared for group in one.groups)
