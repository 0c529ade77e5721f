"""Where other systems call: with a token or a signature of their own, not a login."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from alerts.notify.receiver import LONGEST_BODY, Receipt
from console.errors import NotPermittedError
from domain.errors import BadInputError, NotAllowedError

PATH = "/api/v1/alertmanager"
HOOKS = "/api/v1/ticket-systems/{name}"

Take = Callable[[Mapping[str, str], bytes], Receipt]
Call = Callable[[str, Mapping[str, str], bytes], bool]


def receive_alerts(app: FastAPI, take: Take) -> None:
    """Adds the address to `app`; `take` judges headers (names in small letters) and body."""

    @app.post(PATH)
    async def alertmanager(request: Request) -> dict[str, Any]:
        """Takes a group of alerts: the webhook of Alertmanager, version 4."""
        body = await _body(request)
        try:
            receipt = await run_in_threadpool(take, dict(request.headers), body)
        except NotAllowedError as error:
            raise NotPermittedError(str(error)) from error
        return {
            "firing": receipt.firing,
            "resolved": receipt.resolved,
            "refused": [
                {"labels": refusal.labels, "reason": refusal.reason} for refusal in receipt.refused
            ],
        }


def receive_calls(app: FastAPI, call: Call) -> None:
    """Adds the address of ticket systems' calls; `call` judges name, headers and body."""

    @app.post(HOOKS)
    async def ticket_system(request: Request, name: str) -> dict[str, bool]:
        """A ticket has changed over there: it is looked at soon."""
        body = await _body(request)
        try:
            ours = await run_in_threadpool(call, name, dict(request.headers), body)
        except NotAllowedError as error:
            raise NotPermittedError(str(error)) from error
        return {"ours": ours}


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise BadInputError(f"body: more than {LONGEST_BODY:,} bytes")
    return bytes(body)
