"""A backtest's heavy parts on other machines: features and scores, a chunk of devices at a time.

Dask (extra `cluster`) carries the parts of the history to its workers and the answers back, pickled, as it
does with all values: a scheduler is to be trusted like one's own processes, and reached by tls:// where
others share the network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from domain.errors import ConfigurationError
from models.backtest.run import Runner

_ANSWER_WITHIN_S = 20
_AHEAD = 2  # chunks a worker: one in work, one that waits; so memory stays bounded on both sides


@contextmanager
def cluster(address: str) -> Iterator[Runner]:
    """Runs on the workers of the Dask scheduler at `address`, such as tcp://host:8786.

    Raises ConfigurationError where Dask is not installed or nobody answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigurationError(
            "cluster: Dask is not installed; the extra is called cluster: pip install forecall[cluster]"
        ) from error
    try:
        # The library is typed in part only.
        client: Any = Client(  # type: ignore[no-untyped-call]
            address, timeout=_ANSWER_WITHIN_S, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"cluster: no scheduler answers at {address!r}; an address such as tcp://host:8786 is wanted"
        ) from error
    with client:
        yield _Workers(client)


class _Workers:
    """Keeps every worker busy, and the order of the answers."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, function: Callable[[Any], Any], values: Iterable[Any], /) -> Iterator[Any]:
        shared = self._client.scatter(function, broadcast=True, hash=False)
        most = _AHEAD * max(1, len(self._client.scheduler_info()["workers"]))
        waiting: deque[Any] = deque()
        for value in values:
            if len(waiting) >= most:
                yield waiting.popleft().result()
            part = self._client.scatter(value, hash=False)
            waiting.append(self._client.submit(_apply, shared, part, pure=False))
        while waiting:
            yield waiting.popleft().result()


def _apply(function: Callable[[Any], Any], value: Any) -> Any:
    return function(value)
