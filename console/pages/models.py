"""The models: what foretells failures, how well, what it is worth, and who is in charge."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console import models as view
from console.gate import DecidesOnModels, SeesFleet
from console.pages.answer import answer
from console.room import TheRoom
from console.security import OurForm
from models.live.outcomes import outcomes
from models.registry import stages
from models.registry.catalogue import entry, listing

router = APIRouter()

_BACK = timedelta(days=365)
Why = Annotated[str, Form(min_length=1, max_length=stages.MAX_REASON)]


@router.get("/models")
def models(request: Request, room: TheRoom, visit: SeesFleet) -> HTMLResponse:
    with room.database.transaction() as conn:
        tasks = view.tasks(conn, room.clock.now())
        examined = view.examined(conn, listing(conn)) if room.simulated else None
    return answer(request, room, visit, "models.html", tasks=tasks, examined=examined)


@router.get("/models/{model_id}")
def model(request: Request, room: TheRoom, visit: SeesFleet, model_id: int) -> HTMLResponse:
    now = room.clock.now()
    with room.database.transaction() as conn:
        row = entry(conn, model_id)
        settled = outcomes(conn, now - _BACK, now)
        task = next(each for each in view.tasks(conn, now) if str(each.task) == row["task"])
    return answer(
        request,
        room,
        visit,
        "model.html",
        model=row,
        task=task,
        months=view.months(settled, model_id),
        waiting=view.waiting_cost(row),
        points=row["metrics"].get("reliability", []),
    )


@router.post("/models/rollback", dependencies=[OurForm])
def rollback(
    room: TheRoom, visit: DecidesOnModels, task: Annotated[str, Form(max_length=200)], reason: Why
) -> RedirectResponse:
    with room.database.transaction() as conn:
        model_id = stages.rollback(conn, room.clock, task, actor=visit.actor, reason=reason)
    return _shown(model_id)


@router.post("/models/{model_id}/stage", dependencies=[OurForm])
def move(
    room: TheRoom,
    visit: DecidesOnModels,
    model_id: int,
    stage: Annotated[Literal["champion", "challenger", "retired"], Form()],
    reason: Why,
) -> RedirectResponse:
    act = {
        "champion": stages.promote,
        "challenger": stages.challenge,
        "retired": stages.retire,
    }
    with room.database.transaction() as conn:
        act[stage](conn, room.clock, model_id, actor=visit.actor, reason=reason)
    return _shown(model_id)


def _shown(model_id: int) -> RedirectResponse:
    return RedirectResponse(f"/models/{model_id}", HTTPStatus.SEE_OTHER)
