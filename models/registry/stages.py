"""What people do with models: promote, let score in shadow, retire, take back.

Each act needs a reason, and leaves an audit entry with the actor's name. Each raises NotFoundError,
NotAllowedError or BadInputError, and then changes nothing.
"""

from __future__ import annotations

from domain.clock import Clock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from models.registry.catalogue import Stage, entry, make_room
from pipeline.devices.fleet import audit
from storage.database import Conn, Row
from storage.queries import load

MAX_REASON = 500


def promote(conn: Conn, clock: Clock, model_id: int, *, actor: str, reason: str) -> None:
    """Puts the model in charge of its task, whatever the gate said; the champion is retired.

    Raises BadInputError when it could not score: other features, or an artifact that is not its own.
    """
    row = _locked(conn, model_id)
    _refuse_same(row, Stage.CHAMPION)
    _refuse_unusable(conn, row)
    _move(conn, clock, row, Stage.CHAMPION, "promote_model", actor, reason)


def challenge(conn: Conn, clock: Clock, model_id: int, *, actor: str, reason: str) -> None:
    """Lets the model score in shadow, in the place of its task's challenger."""
    row = _locked(conn, model_id)
    _refuse_same(row, Stage.CHALLENGER)
    if row["stage"] == Stage.CHAMPION:
        raise NotAllowedError(f"model {model_id} is in charge of {row['task']}; retire it first")
    _refuse_unusable(conn, row)
    _move(conn, clock, row, Stage.CHALLENGER, "challenge_model", actor, reason)


def retire(conn: Conn, clock: Clock, model_id: int, *, actor: str, reason: str) -> None:
    """Takes the model out of use. A task without a champion is not foretold."""
    row = _locked(conn, model_id)
    _refuse_same(row, Stage.RETIRED)
    _move(conn, clock, row, Stage.RETIRED, "retire_model", actor, reason)


def rollback(conn: Conn, clock: Clock, task: str, *, actor: str, reason: str) -> int:
    """Puts the champion before the present one in charge again, and returns its id.

    The present one is retired, and no later rollback comes back to it.
    """
    conn.execute(load("models")["lock_task"], {"task": task})
    before = conn.execute(load("models")["champion_before"], {"task": task}).fetchone()
    if before is None:
        raise _nobody_before(conn, task)
    row = entry(conn, before["id"])
    _refuse_unusable(conn, row)
    _refuse_wordless(reason)
    conn.execute(load("models")["forget_promotion"], {"task": task, "id": row["id"]})
    make_room(conn, task, Stage.CHAMPION)
    values = {"id": row["id"], "stage": Stage.CHAMPION, "promoted_at": row["promoted_at"]}
    conn.execute(load("models")["move"], values)
    audit(conn, actor, "rollback_model", f"model/{row['id']}", {"task": task, "reason": reason})
    return int(row["id"])


def _locked(conn: Conn, model_id: int) -> Row:
    conn.execute(load("models")["lock_task"], {"task": entry(conn, model_id)["task"]})
    return entry(conn, model_id)


def _refuse_unusable(conn: Conn, row: Row) -> None:
    from models.registry.artifacts import open_model  # brings scikit-learn: only for who acts

    open_model(conn, row)


def _refuse_same(row: Row, stage: Stage) -> None:
    if row["stage"] == stage:
        raise NotAllowedError(f"model {row['id']} is {stage} already")


def _refuse_wordless(reason: str) -> None:
    if not 0 < len(reason.strip()) <= MAX_REASON:
        raise BadInputError(f"reason: {reason!r}; 1 to {MAX_REASON} characters are wanted")


def _nobody_before(conn: Conn, task: str) -> NotFoundError:
    rows = conn.execute(load("models")["task_names"]).fetchall()
    known = [row["task"] for row in rows]
    if task not in known:
        return NotFoundError(f"there is no task {task!r}; there are: {', '.join(known) or 'none'}")
    return NotFoundError(f"task {task}: no champion before the present one is kept")


def _move(
    conn: Conn, clock: Clock, row: Row, stage: Stage, action: str, actor: str, reason: str
) -> None:
    _refuse_wordless(reason)
    make_room(conn, row["task"], stage)
    promoted_at = clock.now() if stage is Stage.CHAMPION else row["promoted_at"]
    values = {"id": row["id"], "stage": stage, "promoted_at": promoted_at}
    conn.execute(load("models")["move"], values)
    detail = {"task": row["task"], "from": row["stage"], "reason": reason.strip()}
    audit(conn, actor, action, f"model/{row['id']}", detail)
