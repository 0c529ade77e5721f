"""Requests to systems of others: bounded in time and size, and never led elsewhere."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx

from domain.errors import NotDeliveredError

LONGEST_ANSWER = 2 << 20
"""Bytes of an answer that are read."""

_CONNECT_S, _READ_S, _ALL_S = 5.0, 10.0, 20.0
_PERMANENT = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 501})
"""Answers that the same request will get again."""

_BUSY = frozenset({429, 503})
"""Answers of a receiver that is well, where it says how long to wait."""

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. `status` is 2xx, or one that the caller has asked to see."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Raises NotDeliveredError when the body is no JSON."""
        try:
            return json.loads(self.body or b"null")
        except ValueError as error:
            raise NotDeliveredError(f"answered with what is no JSON: {self._begin()}") from error

    def _begin(self) -> str:
        return self.body[:_SHOWN].decode(errors="replace")


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    params: Mapping[str, str] | None = None,
    expected: frozenset[int] = frozenset(),
) -> Answer:
    """One request and its answer.

    Args:
        expected: statuses beside 2xx that are an answer and no failure.

    Raises NotDeliveredError: permanent for what can't get better by itself; with the time to wait
    where the other side has said one. Its message holds no secret: neither address nor headers.
    """
    try:
        answer = _exchange(method, url, headers or {}, content, params)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NotDeliveredError(f"no answer: {type(error).__name__}") from error
    if 200 <= answer.status < 300 or answer.status in expected:
        return answer
    raise _refused(answer)


def as_json(value: object) -> bytes:
    """A JSON body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _trust() -> ssl.SSLContext:
    """Whom the machine trusts; to read that takes as long as a whole request."""
    return httpx.create_ssl_context()


def _exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None,
    params: Mapping[str, str] | None,
) -> Answer:
    limit = time.monotonic() + _ALL_S
    body = bytearray()
    timeout = httpx.Timeout(_READ_S, connect=_CONNECT_S)
    with (
        httpx.Client(timeout=timeout, verify=_trust()) as client,
        client.stream(
            method, url, headers=dict(headers), content=content, params=params
        ) as response,
    ):
        for part in response.iter_bytes():
            body += part
            if len(body) > LONGEST_ANSWER:
                raise NotDeliveredError(f"answered with more than {LONGEST_ANSWER:,} bytes")
            if time.monotonic() > limit:
                raise NotDeliveredError(f"took more than {_ALL_S:.0f} s to answer")
        return Answer(response.status_code, response.headers, bytes(body))


def _refused(answer: Answer) -> NotDeliveredError:
    if 300 <= answer.status < 400:
        return NotDeliveredError(
            f"answered {answer.status}: leads elsewhere, which is not followed"
        )
    said = " ".join(answer.body[:_SHOWN].decode(errors="replace").split())
    wait_s = _retry_after_s(answer.headers.get("retry-after", ""))
    return NotDeliveredError(
        f"answered {answer.status}" + (f": {said}" if said else ""),
        permanent=answer.status in _PERMANENT,
        retry_after_s=wait_s,
        busy=answer.status in _BUSY and wait_s is not None,
    )


def _retry_after_s(value: str) -> float | None:
    """RFC 9110, 10.2.3: seconds, or a date."""
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
