"""`forecall work`: what has to be done again and again, on a schedule of the wall's time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from alerts.engine import evaluate
from alerts.parents import propose
from alerts.rules import RuleBooks
from alerts.rules.force import last_book
from desk.cases import Cases
from desk.contracts.writing import PlanFile
from desk.sla.watch import watch as watch_promises
from desk.upkeep import tick
from domain.clock import Clock, wall_seconds
from domain.errors import BadInputError, StoreUnavailableError
from forecall.config import Settings
from forecall.post import post
from forecall.reporting import reporter
from forecall.wiring import Installation
from models.live.drift import watch_models
from models.live.score import score
from models.settings import TrainSettings
from models.training.retrain import retrain
from models.unusual.watch import watch
from pipeline.attendance import place_records
from pipeline.codes import note_unknown_codes
from pipeline.punch_pattern import watch_punches
from pipeline.push_proof import prove_days
from pipeline.retention import drop_old
from pipeline.rollups import refresh
from pipeline.sweep import sweep
from storage.queries import load

log = structlog.get_logger()

SCORE_EVERY = timedelta(minutes=30)
_SCORE_AT_MOST_EVERY_S = 6.0
_WATCH_MODELS_AT_MOST_EVERY_S = 60.0
WATCH_EVERY = timedelta(minutes=30)
_WATCH_AT_MOST_EVERY_S = 10.0
PUNCHES_EVERY = timedelta(minutes=10)
_PUNCHES_AT_MOST_EVERY_S = 10.0
PROVE_EVERY = timedelta(minutes=10)
_PROVE_AT_MOST_EVERY_S = 5.0
_ROLLUPS_AT_ONCE = 2000
_REPORTS_EVERY_S = 60.0
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Job:
    """Something done every `every_s` seconds of the wall's time, never twice at once."""

    name: str
    every_s: float
    do: Callable[[], object]


def jobs(installation: Installation) -> list[Job]:
    """All that a working installation does by itself."""
    database, clock, settings = installation.database, installation.clock, installation.settings
    desk = Cases(clock)
    books = _rule_books(installation)
    mail = post(installation)
    office = mail.office()
    plans = PlanFile(settings.service_plans)
    keep = timedelta(days=settings.keep_days)
    every = partial(_wall_seconds, clock)
    reports = reporter(installation, mail.policy)
    return [
        Job("beat", 1.0, lambda: _beat(installation)),
        Job("sweep", 1.0, lambda: sweep(database, clock)),
        Job("rollups", 2.0, lambda: refresh(database, limit=_ROLLUPS_AT_ONCE)),
        Job("alerts", 1.0, lambda: evaluate(database, clock, desk, books)),
        Job("score", every(SCORE_EVERY, _SCORE_AT_MOST_EVERY_S), lambda: score(database, clock)),
        Job(
            "punches",
            every(PUNCHES_EVERY, _PUNCHES_AT_MOST_EVERY_S),
            lambda: watch_punches(database, clock),
        ),
        Job(
            "models",
            every(_DAY, _WATCH_MODELS_AT_MOST_EVERY_S),
            lambda: _watch_models(installation),
        ),
        Job("watch", every(WATCH_EVERY, _WATCH_AT_MOST_EVERY_S), lambda: watch(database, clock)),
        Job("announce", 1.0, mail.plan),
        Job("deliver", 1.0, office.turn),
        Job("alertmanagers", 5.0, mail.resend),
        Job("sinks", 5.0, mail.sinks.poll),
        Job("desk", 5.0, lambda: tick(database, clock)),
        Job("plans", 5.0, lambda: plans.publish(database, clock)),
        Job("promises", 1.0, lambda: watch_promises(database, clock)),
        Job(
            "proof", every(PROVE_EVERY, _PROVE_AT_MOST_EVERY_S), lambda: prove_days(database, clock)
        ),
        Job("parents", every(_DAY), lambda: propose(database, clock)),
        Job("places", 60.0, lambda: place_records(database)),
        Job("codes", 60.0, lambda: note_unknown_codes(database, clock)),
        Job("reports", _REPORTS_EVERY_S, reports.turn),
        Job("tidy", every(_DAY), mail.tidy),
        Job("retention", every(_DAY), lambda: drop_old(database, clock, keep)),
    ]


def _wall_seconds(clock: Clock, every: timedelta, at_least_s: float = 0.0) -> float:
    """How many of the wall's seconds lie between two turns: fewer where the clock runs fast."""
    return max(at_least_s, wall_seconds(clock, every))


def work(installation: Installation, stop: threading.Event) -> None:
    """Does the jobs until `stop` is set; waits for those under way before it returns."""
    todo = jobs(installation)
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(len(todo))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for job in todo:
        scheduler.add_job(_Guarded(job), "interval", seconds=job.every_s, id=job.name)
    scheduler.start()
    log.info("at work", jobs=[job.name for job in todo])
    stop.wait()
    scheduler.shutdown(wait=True)


class _Guarded:
    """A job whose errors are logged: the next turn goes on."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self) -> None:
        try:
            self._job.do()
        except StoreUnavailableError as error:
            log.warning("the store is away; trying again", job=self._job.name, error=str(error))
        except Exception:
            log.exception("a job failed", job=self._job.name)


def _watch_models(installation: Installation) -> None:
    """Looks whether the models still fit and, where that is allowed, trains those that don't anew."""
    database, clock, settings = installation.database, installation.clock, installation.settings
    alarms = watch_models(database, clock)
    if settings.models_retrain:
        retrain(database, clock, alarms, TrainSettings(costs=settings.costs))


def _rule_books(installation: Installation) -> RuleBooks:
    """The rules of the file that is set; until it is good, those that were in force last."""
    path = installation.settings.alerts_rules
    if path is None:
        return RuleBooks()
    with installation.database.transaction() as conn:
        try:
            last = last_book(conn, installation.clock.now())
        except BadInputError as error:  # an older release knew other kinds of rules
            log.warning("the rules that were in force are understood no more", error=str(error))
            last = None
    return RuleBooks(path, last)


def beat_file(settings: Settings) -> Path:
    """The file that `work` touches every second while it can reach the store."""
    return settings.data_dir / "work.beat"


def _beat(installation: Installation) -> None:
    with installation.database.transaction() as conn:
        conn.execute(load("demo")["reach"], {"now": installation.clock.now()})
    path = beat_file(installation.settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
