"""JSON over HTTP to one ticket system, with its limits respected."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.outbox.web import as_json, request
from domain.errors import NotDeliveredError

_GONE = frozenset({404, 410})


@dataclass(slots=True)
class Client:
    """Asks `base` with `headers`. After "too many requests" nothing is asked for as long as it says."""

    base: str
    headers: Mapping[str, str]
    quiet_until: float = field(default=0.0)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self.ask("GET", path, params=params)

    def get_or_none(self, path: str, params: Mapping[str, str] | None = None) -> Any | None:
        """None where there is no such thing any more."""
        return self.ask("GET", path, params=params, or_none=True)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        or_none: bool = False,
    ) -> Any:
        """The answer's JSON. Raises NotDeliveredError."""
        left_s = self.quiet_until - time.monotonic()
        if left_s > 0:
            raise NotDeliveredError(
                "it asked to be left alone for a while", retry_after_s=left_s, busy=True
            )
        content = None if body is None else as_json(body)
        kind = {"accept": "application/json"} | (
            {} if body is None else {"content-type": "application/json"}
        )
        try:
            answer = request(
                method,
                self.base + path,
                headers={**kind, **self.headers, **(headers or {})},
                content=content,
                params=params,
                expected=_GONE if or_none else frozenset(),
            )
        except NotDeliveredError as error:
            if error.retry_after_s:
                self.quiet_until = time.monotonic() + error.retry_after_s
            raise
        return None if answer.status in _GONE else answer.json()
