"""The models' rows: what there is, without loading any model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import NotFoundError
from domain.text import N_
from storage.database import Conn, Row
from storage.queries import load


class Stage(StrEnum):
    """Where a model stands in its task."""

    CANDIDATE = "candidate"  # judged, not in use
    CHALLENGER = "challenger"  # scores in shadow: stored, never acted on
    CHAMPION = "champion"  # in charge
    RETIRED = "retired"


STAGE_TEXT: dict[Stage, str] = {
    Stage.CANDIDATE: N_("candidate"),
    Stage.CHALLENGER: N_("challenger"),
    Stage.CHAMPION: N_("champion"),
    Stage.RETIRED: N_("retired"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """What a model foretells: that `component` fails on a device of `kind`."""

    kind: str
    component: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.component}"


def listing(conn: Conn) -> list[Row]:
    """Every model's row without its artifact, by task, newest first."""
    return conn.execute(load("models")["listing"]).fetchall()


def entry(conn: Conn, model_id: int) -> Row:
    """A model's row without its artifact. Raises NotFoundError."""
    row = conn.execute(load("models")["entry"], {"id": model_id}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no model {model_id}; `forecall models` lists them")
    return row


def checks(conn: Conn) -> list[Row]:
    """What was found when each champion was last looked at (models/live/drift.py)."""
    return conn.execute(load("models")["checks"]).fetchall()


def make_room(conn: Conn, task: str, stage: Stage) -> None:
    """A task has one champion, who is retired by the next, and one challenger, who is a candidate
    again."""
    if stage in _DISPLACED:
        values = {"task": task, "stage": stage, "to": _DISPLACED[stage]}
        conn.execute(load("models")["displace"], values)


_DISPLACED = {Stage.CHAMPION: Stage.RETIRED, Stage.CHALLENGER: Stage.CANDIDATE}
