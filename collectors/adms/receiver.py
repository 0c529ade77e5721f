"""The HTTP part: a request becomes a call, is committed, and only then answered."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import Executor
from email.utils import format_datetime

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from collectors.adms import decode
from collectors.adms.fleet import (
    BadPart,
    Call,
    Greeting,
    Other,
    Ping,
    PushFleet,
    Question,
    Reply,
    Said,
    Unreadable,
)
from domain.clock import Clock, SystemClock
from domain.errors import BadInputError, NotAllowedError, StoreUnavailableError

LONGEST_BODY = 4 << 20
"""Bytes of a body that are read; a clock sends its log in parts far smaller than this."""

KEPT_OF_TOO_LONG = 64 << 10
"""Bytes of a longer body that are kept in `rejected_message`."""

RETRY_AFTER_S = 30
UNKNOWN = "UNKNOWN DEVICE"
"""What a clock that is not adopted is told: it keeps what it has and asks again."""

_FLOOD_RETRY_S = 3600
_PATH = re.compile(r"/iclock/(cdata|getrequest|devicecmd|ping)(?:\.aspx)?/?")
_BODY_WITHIN_S = 60.0
_LONGEST_ARGUMENT, _LONGEST_VERSION = 2000, 20

_log = structlog.get_logger()


class _Refused(Exception):  # noqa: N818 - it is an answer, not an error of ours
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Receiver:
    """An ASGI application for `/iclock/*`.

    `executor` bounds how many calls are stored at once. `clock` is what simulated clocks live by;
    every other clock is told the machine's time, whatever `clock` says.
    """

    def __init__(self, fleet: PushFleet, clock: Clock, executor: Executor) -> None:
        self._fleet = fleet
        self._clock = clock
        self._true_time = SystemClock()
        self._executor = executor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. Scopes other than HTTP are not served."""
        if scope["type"] == "http":
            response = await self._respond(Request(scope, receive))
            await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            call, status = await _read(request)
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._executor, self._hear, call)
            return self._answer(reply, status)
        except _Refused as refused:
            return PlainTextResponse(str(refused), refused.status)
        except NotAllowedError as error:
            _log.warning("a call was refused", why=str(error))
            return PlainTextResponse(str(error), 429, {"Retry-After": str(_FLOOD_RETRY_S)})
        except StoreUnavailableError as error:
            _log.warning("store unavailable", error=str(error))
            return PlainTextResponse("BUSY", 503, {"Retry-After": str(RETRY_AFTER_S)})
        except Exception:  # noqa: BLE001 - one call must not end the receiver; it comes again
            _log.exception("a call failed")
            return PlainTextResponse("ERROR", 500, {"Retry-After": str(RETRY_AFTER_S)})

    def _hear(self, call: Call) -> Reply:
        try:
            return self._fleet.hear(call)
        except BadInputError as error:
            # Refused, it would come again for ever: it is kept whole beside the reason instead.
            _log.error("a call could not be stored", serial=call.serial, error=str(error))
            part = BadPart(repr(call.said).encode("utf-8", "replace"), str(error))
            return self._fleet.hear(Call(call.serial, call.address, Unreadable(part)))

    def _answer(self, reply: Reply, status: int) -> Response:
        """Clocks set themselves by `Date`: only those that are ours are told a time."""
        if not reply.adopted:
            return PlainTextResponse(UNKNOWN, 403)
        moment = (self._clock if reply.simulated else self._true_time).now()
        return PlainTextResponse(reply.text, status, {"Date": format_datetime(moment, usegmt=True)})


async def _read(request: Request) -> tuple[Call, int]:
    """The call, and the status of the answer once it is committed."""
    found = _PATH.fullmatch(request.url.path)
    if found is None:
        raise _Refused(404, "there is nothing here but /iclock/")
    serial = _argument(request, "SN")
    if not decode.SERIAL.fullmatch(serial):
        raise _Refused(400, f"SN: {serial[:40]!r}: 3 to 32 letters and digits are wanted")
    said, status = await _said(request, found[1])
    return Call(serial, request.client.host if request.client else "", said), status


async def _said(request: Request, service: str) -> tuple[Said, int]:
    match service, request.method:
        case "cdata", "GET" if not _argument(request, "table"):
            return Greeting(_argument(request, "pushver")[:_LONGEST_VERSION]), 200
        case "getrequest", "GET":
            return Question(decode.read_info(_argument(request, "INFO"))), 200
        case "ping", "GET":
            return Ping(), 200
        case (("cdata" | "devicecmd"), "POST"):
            return await _said_in_body(request, service)
    raise _Refused(405, f"{request.method} {service}: is not served")


async def _said_in_body(request: Request, service: str) -> tuple[Said, int]:
    body, whole = await _body(request)
    table, stamp = _argument(request, "table"), _argument(request, "Stamp")
    if not whole:
        return Unreadable(BadPart(body, f"a body longer than {LONGEST_BODY} bytes")), 413
    if _argument(request, "ContentType"):
        return Unreadable(BadPart(body[:KEPT_OF_TOO_LONG], "a packed body, not asked for")), 415
    if service == "devicecmd":
        return await run_in_threadpool(decode.read_answers, body), 200
    return await run_in_threadpool(_decoded, table.upper(), body, stamp), 200


def _decoded(table: str, body: bytes, stamp: str) -> Said:
    match table:
        case "ATTLOG":
            return decode.read_punches(body, stamp)
        case "OPERLOG":
            return decode.read_operations(body, stamp)
        case "ERRORLOG":
            return decode.read_errors(body, stamp)
        case "OPTIONS":
            return decode.read_options(body)
    return Other(table)


async def _body(request: Request) -> tuple[bytes, bool]:
    """The body, or the beginning of one that is too long; and whether it is whole."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LONGEST_BODY:
                    return bytes(body[:KEPT_OF_TOO_LONG]), False
    except (TimeoutError, ClientDisconnect) as error:
        raise _Refused(408, "the body did not come to its end") from error
    return bytes(body), True


def _argument(request: Request, name: str) -> str:
    """The last of that name, in either case; empty when there is none."""
    arguments = request.query_params
    return (arguments.get(name) or arguments.get(name.lower()) or "")[:_LONGEST_ARGUMENT]
