"""The report on how long devices and their parts last: curves, comparisons, devices that fail too often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from domain.text import N_, Text
from kpi.life.groups import (
    FEW_DEVICES,
    FEW_FAILURES,
    Comparison,
    Subject,
    comparisons,
    subjects,
)
from kpi.life.records import Records, read_records
from kpi.life.survival import Curve, Floats, Lives, kaplan_meier, known_span, restricted_mean
from kpi.life.suspects import Suspect, read_use, suspects
from kpi.reports.asked import About, Asked, Kind
from kpi.reports.chapters.words import in_a_row, interval
from kpi.reports.document import (
    Axis,
    Chart,
    Column,
    Document,
    Fact,
    Facts,
    Paragraph,
    Range,
    Section,
    Series,
    Shape,
    Table,
    Unit,
    Value,
    named,
)
from kpi.reports.kinds.life_tables import (
    MOST_ROWS,
    compared_tables,
    every_group,
    lemons_table,
    subject_of,
)
from storage.database import Conn

_MOST_CURVES = 4  # on one chart
_MOST_CHARTS = 6  # of parts
_POINTS = 60
_HORIZONS = (730, 365, 180, 90, 60, 30, 14, 7)  # days
_YEAR = 365.25
_AFTER = 1e-6  # days: who begins at a mark is watched there


def life(conn: Conn, asked: Asked) -> Document:
    """All that was watched until the period's end, or until now."""
    records = read_records(conn, asked.until)
    found = subjects(records)
    compared = comparisons(found, asked.period.calendar)
    odd = suspects(records, read_use(conn, records))
    return Document(
        kind=KIND.name,
        title=Text(KIND.title),
        about=Text(N_("The whole fleet")),
        start=asked.start,
        end=asked.end,
        made_at=asked.made_at,
        summary=tuple(_summary(compared, odd)),
        sections=(
            Section(Text(N_("At a glance")), (_glance(records, found, compared, odd),)),
            Section(Text(N_("Devices: time without a failure")), tuple(_devices(found))),
            Section(Text(N_("Parts: time until they fail")), tuple(_parts(found))),
            Section(
                Text(N_("Models, firmware and lots compared")), tuple(compared_tables(compared))
            ),
            Section(Text(N_("Devices that fail too often")), (lemons_table(odd),)),
            Section(Text(N_("How to read this")), tuple(_reading(records, found))),
        ),
    )


KIND = Kind("life", N_("Device life report"), About.FLEET, life)


def _summary(compared: Sequence[Comparison], odd: Sequence[Suspect]) -> Iterator[Text]:
    lemons = sum(one.oddness.is_lemon for one in odd)
    worse = sum(
        group.stands_out and (group.against.ratio or 0) > 1 for _, group in every_group(compared)
    )
    yield Text(
        N_("Devices that fail more often than chance allows for devices like them: {count}."),
        {"count": lemons},
    )
    yield Text(
        N_(
            "Models, firmware versions and lots that fail more often than those like them: {count}."
        ),
        {"count": worse},
    )


def _glance(
    records: Records,
    found: Sequence[Subject],
    compared: Sequence[Comparison],
    odd: Sequence[Suspect],
) -> Facts:
    years = sum(one.watched.days for one in odd) / _YEAR
    failures = sum(one.watched.failures for one in odd)
    return Facts(
        (
            Fact(Text(N_("Devices watched")), len(odd), Unit.COUNT),
            Fact(Text(N_("Device-years watched")), years, Unit.NUMBER),
            Fact(Text(N_("Failures on record")), failures, Unit.COUNT),
            Fact(
                Text(N_("Failures a device-year")),
                failures / years if years else None,
                Unit.NUMBER,
            ),
            Fact(
                Text(N_("Groups that stand out")),
                sum(group.stands_out for _, group in every_group(compared)),
                Unit.COUNT,
                note=Text(
                    N_("of {count} models, firmware versions and lots that were compared"),
                    {"count": sum(1 for _ in every_group(compared))},
                ),
            ),
            Fact(
                Text(N_("Devices that fail too often")),
                sum(one.oddness.is_lemon for one in odd),
                Unit.COUNT,
            ),
        )
    )


def _devices(found: Sequence[Subject]) -> Iterator[Chart | Table | Paragraph]:
    every = [subject for subject in found if subject.component is None]
    for subject in every:
        yield from _curves(subject)
    yield _table(Text(N_("Time without a failure, by model")), every)


def _parts(found: Sequence[Subject]) -> Iterator[Chart | Table | Paragraph]:
    parts = [subject for subject in found if subject.component is not None and subject.failures]
    for subject in sorted(parts, key=lambda one: -one.failures)[:_MOST_CHARTS]:
        yield from _curves(subject)
    yield _table(Text(N_("Time until a part fails, by model")), parts)


def _curves(subject: Subject) -> Iterator[Chart]:
    """Of the models with the most lives; nothing where too few were watched."""
    models = {model: lives for model, lives in _by_model(subject).items() if _steps(lives)}
    shown = dict(sorted(models.items(), key=lambda each: -len(each[1]))[:_MOST_CURVES])
    spans = {model: known_span(lives, FEW_DEVICES) or (0.0, 0.0) for model, lives in shown.items()}
    if not shown:
        return
    ends = np.array([edge for span in spans.values() for edge in span])
    ages = np.unique(np.linspace(ends.min(), ends.max(), _POINTS).round(1))
    yield Chart(
        title=subject_of(subject),
        shape=Shape.STEPS,
        across=Axis(Text(N_("days since it began to work")), Unit.NUMBER),
        up=Axis(Text(N_("share without a failure")), Unit.SHARE, (0.0, 1.0)),
        x=tuple(float(age) for age in ages),
        series=tuple(
            _series(model, kaplan_meier(lives, spans[model][0]), spans[model], ages)
            for model, lives in sorted(shown.items())
        ),
        note=_at_risk(shown, ages),
    )


def _steps(lives: Lives) -> int:
    """How many failures there are where enough are watched to draw them."""
    span = known_span(lives, FEW_DEVICES)
    return _failures_within(lives, *span) if span else 0


def _failures_within(lives: Lives, since: float, until: float) -> int:
    ends = lives.exit[lives.failed]
    return int(((ends > since) & (ends <= until)).sum())


def _series(model: str, curve: Curve, span: tuple[float, float], ages: Floats) -> Series:
    inside = (ages >= span[0]) & (ages <= span[1])
    survival, low, high = (
        tuple(float(value) if there else None for value, there in zip(values, inside, strict=True))
        for values in curve.at(ages)
    )
    return Series(named(model), survival, low, high)


def _at_risk(shown: dict[str, Lives], ages: Floats) -> Text:
    """How many were watched at a few ages: below the curve, as is usual."""
    marks = np.linspace(ages[0], ages[-1], 4).round()
    told = [
        Text(
            N_("{model}: {one}, {two}, {three}, {four}"),
            {"model": model}
            | {
                name: int(count)
                for name, count in zip(
                    ("one", "two", "three", "four"), lives.at_risk(marks + _AFTER), strict=True
                )
            },
        )
        for model, lives in sorted(shown.items())
    ]
    return Text(
        N_("Watched at {one}, {two}, {three} and {four} days: {told}. Shaded: 95 % interval."),
        {name: int(mark) for name, mark in zip(("one", "two", "three", "four"), marks, strict=True)}
        | {"told": in_a_row(told)},
    )


def _table(title: Text, shown: Sequence[Subject]) -> Table:
    rows = [row for subject in shown for row in _rows(subject)]
    return Table(
        title=title,
        columns=(
            Column(Text(N_("Of")), Unit.WORDS),
            Column(Text(N_("Model")), Unit.WORDS),
            Column(Text(N_("Devices")), Unit.COUNT),
            Column(Text(N_("Within days")), Unit.COUNT),
            Column(Text(N_("Failures in them")), Unit.COUNT),
            Column(Text(N_("Share without a failure")), Unit.SHARE),
            interval(Unit.SHARE),
            Column(Text(N_("Mean days without one")), Unit.NUMBER),
        ),
        rows=tuple(row for row, _ in rows[:MOST_ROWS]),
        marked=frozenset(place for place, (_, few) in enumerate(rows[:MOST_ROWS]) if few),
        nothing=Text(N_("No failure is on record.")),
        note=Text(
            N_(
                "The mean is that of the days without a failure within the days named. "
                "Marked: fewer than {devices} devices or {failures} failures."
            ),
            {"devices": FEW_DEVICES, "failures": FEW_FAILURES},
        ),
    )


def _rows(subject: Subject) -> Iterator[tuple[tuple[Value, ...], bool]]:
    for model, lives in sorted(_by_model(subject).items()):
        devices, failures = len(np.unique(lives.device)), 0
        figures: tuple[Value, ...] = (None,) * 5
        span = known_span(lives, FEW_DEVICES)
        horizon = _horizon(span)
        if span is not None and horizon is not None:
            failures = _failures_within(lives, span[0], span[0] + horizon)
            figures = _figures(lives, span[0], horizon, failures)
        few = devices < FEW_DEVICES or failures < FEW_FAILURES
        yield (subject_of(subject), model, devices, *figures), few


def _horizon(span: tuple[float, float] | None) -> int | None:
    reach = span[1] - span[0] if span else 0.0
    return next((days for days in _HORIZONS if days <= reach), None)


def _figures(lives: Lives, since: float, horizon: int, failures: int) -> tuple[Value, ...]:
    """Horizon, failures, survival there, its interval, restricted mean. Where nothing failed there is
    no interval."""
    curve = kaplan_meier(lives, since)
    survival, low, high = (float(one[0]) for one in curve.at(np.array([since + horizon])))
    mean = restricted_mean(curve, since + horizon).value
    return horizon, failures, survival, Range(low, high) if failures else None, mean


def _by_model(subject: Subject) -> dict[str, Lives]:
    models = np.array([device.model for device in subject.devices])[subject.lives.device]
    return {str(model): subject.lives.where(models == model) for model in np.unique(models)}


def _reading(records: Records, found: Sequence[Subject]) -> Iterator[Paragraph]:
    unknown = sum(device.installed_on is None for device in records.devices)
    yield Paragraph(
        Text(
            N_(
                "A part's life begins when it is put in, with the device or as a replacement, or when it "
                "is mended after a failure. A device that was old when it began to be watched counts from "
                "that age on only; one that still works, was retired or moved away counts up to then."
            )
        )
    )
    yield Paragraph(
        Text(
            N_(
                "Failures that the user or something outside caused are not counted. Parts that were in a "
                "device before it was watched are taken to be as old as the device. A curve is drawn where at "
                "least {few} are watched, and speaks of those that reached its beginning."
            ),
            {"few": FEW_DEVICES},
        )
    )
    if unknown:
        yield Paragraph(
            Text(
                N_(
                    "Of {count} devices it is not known when they were installed: their first lives are left out."
                ),
                {"count": unknown},
            )
        )
