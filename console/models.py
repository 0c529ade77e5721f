"""The models as the console shows them: one task, who is in charge of it, and how it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from models.examine.examiner import Examined
from models.examine.store import examine_store
from models.live.outcomes import LOOK_BACK, Outcome, Precision, Settled, outcomes, precision
from models.registry.catalogue import Stage, Task, checks, listing
from models.settings import Costs, CostSettings
from storage.database import Conn, Row


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task.

    Attributes:
        rows: its models, the one in charge first, then the newest.
        checks: what was found when its champion was last looked at.
        tickets: of late, of whichever model.
    """

    task: Task
    rows: Sequence[Row]
    checks: Sequence[Row]
    tickets: Precision

    @property
    def champion(self) -> Row | None:
        first = self.rows[0]
        return first if first["stage"] == Stage.CHAMPION else None

    @property
    def can_go_back(self) -> bool:
        """Whether somebody was in charge before."""
        others = self.rows[1:] if self.champion else self.rows
        return any(row["promoted_at"] for row in others)

    @property
    def alarms(self) -> list[Row]:
        return [check for check in self.checks if check["alarmed"]]


@dataclass(frozen=True, slots=True)
class Month:
    """The tickets of one model that predictions opened in one month."""

    first: datetime
    outcomes: Mapping[str, int]
    precision: Precision


def tasks(conn: Conn, now: datetime) -> list[TaskView]:
    """Every task that ever had a model, by name."""
    found_by = checks(conn)
    settled = outcomes(conn, now - LOOK_BACK, now)
    found = []
    for name, group in groupby(listing(conn), key=lambda row: row["task"]):
        rows = sorted(group, key=lambda row: _ORDER[row["stage"]])
        ids = {row["id"] for row in rows}
        own = [check for check in found_by if check["model_id"] in ids]
        tickets = precision([each for each in settled if each.model_id in ids])
        kind, _, component = name.partition("/")
        found.append(TaskView(Task(kind, component), rows, own, tickets))
    return found


def months(settled: Sequence[Settled], model_id: int) -> list[Month]:
    """What became of a model's tickets, by month, the newest first."""

    def month(each: Settled) -> datetime:
        return each.predicted_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    own = sorted((each for each in settled if each.model_id == model_id), key=month)
    found = []
    for first, group in groupby(own, key=month):
        listed = list(group)
        counts = {str(kind): sum(each.outcome is kind for each in listed) for kind in Outcome}
        found.append(Month(first, counts, precision(listed)))
    return found[::-1]


def waiting_cost(row: Row) -> float:
    """What the held-out period would have cost without any warning."""
    costs = CostSettings(**row["settings"]["costs"])
    return float(costs.total(row["metrics"]["test"]["failures"], 0, 0))


def examined(conn: Conn, rows: Sequence[Row]) -> Examined | None:
    """Of a simulated fleet: which share of what could be foreseen was; None of a real one.

    Takes a second; so it is kept for as long as the same models are in charge.
    """
    champions = [row for row in rows if row["stage"] == Stage.CHAMPION]
    key = tuple(sorted(row["id"] for row in champions))
    if key not in _examined:
        kinds = {row["task"].partition("/")[0]: row["settings"]["costs"] for row in champions}
        costs = Costs(by_kind={kind: CostSettings(**each) for kind, each in kinds.items()})
        _examined.clear()
        _examined[key] = examine_store(conn, costs)
    return _examined[key]


_ORDER = {Stage.CHAMPION: 0, Stage.CHALLENGER: 1, Stage.CANDIDATE: 2, Stage.RETIRED: 3}
_examined: dict[tuple[int, ...], Examined | None] = {}
