"""Reports that are made by themselves: wires the schedule to the store and to the post."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources

from alerts.notify.policy import Policy
from domain.clock import Clock, ScaledClock, SystemClock
from forecall.config import Settings
from forecall.wiring import Installation
from kpi.reports.schedule import NOTHING, Schedule, read_schedule
from kpi.reports.turns import Reporter
from storage.watched_file import WatchedFile


def schedule_file(settings: Settings, clock: Clock) -> WatchedFile[Schedule]:
    """The schedule that is set, read anew when its file changes; a demo has one of its own."""
    without = _of_the_demo() if isinstance(clock, ScaledClock) else NOTHING
    return WatchedFile(settings.reports_schedule, read_schedule, without)


def schedule_problem(settings: Settings) -> str:
    """What is wrong with the schedule's file; empty: nothing, or none is set."""
    file = schedule_file(settings, SystemClock())
    file.current()
    return file.problem


def reporter(installation: Installation, policy: Callable[[], Policy]) -> Reporter:
    """What makes the reports of an installation that are due."""
    from console.i18n.speech import reader

    settings, clock = installation.settings, installation.clock
    return Reporter(
        installation.database,
        clock,
        SystemClock(),
        schedule_file(settings, clock).current,
        policy,
        reader,
        settings.public_url,
    )


@cache
def _of_the_demo() -> Schedule:
    file = resources.files("kpi.reports").joinpath("demo.toml")
    return read_schedule(file.read_text(encoding="utf-8"))
