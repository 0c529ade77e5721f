"""A file that people change while the system runs: read anew when it changed, and only taken when it
is good."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from domain.errors import BadInputError

log = structlog.get_logger()

MAX_BYTES = 1_000_000
_SETTLES_S = 2.0  # two writes may share one tick of the file system's clock

T = TypeVar("T")


class WatchedFile(Generic[T]):
    """What a text file says, as it stood when it was last good.

    Args:
        path: the file; None: there is none, and `without` is in force for good.
        read: makes the value of the file's text; raises BadInputError.
        without: what is in force while the file was not good even once.

    Threads may share one. Nothing is read while the file stays as it is.
    """

    def __init__(self, path: Path | None, read: Callable[[str], T], without: T) -> None:
        self._path = path
        self._read = read
        self._value = without
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._content: bytes | None = None
        self.problem = ""
        """Why the file as it stands is not in force; empty: it is."""

    def current(self) -> T:
        """The value of the newest good content of the file."""
        if self._path is None:
            return self._value
        with self._lock:
            self._look(self._path)
            return self._value

    def _look(self, path: Path) -> None:
        try:
            stat = path.stat()
            mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if mark == self._seen and time.time() - stat.st_mtime > _SETTLES_S:
                return
            content = _content(path)
        except (OSError, BadInputError) as error:
            self._seen = self._content = None
            self._refuse(_unreadable(path, error))
            return
        self._seen = mark
        if content != self._content:
            self._content = content
            self._take(path, content)

    def _take(self, path: Path, content: bytes) -> None:
        try:
            self._value = _value(path, content, self._read)
        except BadInputError as error:
            self._refuse(str(error))
        else:
            self.problem = ""
            log.info("file taken", file=str(path))

    def _refuse(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            log.error("file refused; the last good one stays in force", problem=problem)


def read_once(path: Path, read: Callable[[str], T]) -> T:
    """What the file says now. Raises BadInputError that names the file and what is wrong with it."""
    try:
        content = _content(path)
    except OSError as error:
        raise BadInputError(_unreadable(path, error)) from error
    return _value(path, content, read)


def _value(path: Path, content: bytes, read: Callable[[str], T]) -> T:
    try:
        return read(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: byte {error.start} is not UTF-8") from error
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error


def _unreadable(path: Path, error: OSError | BadInputError) -> str:
    return f"{path}: cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)


def _content(path: Path) -> bytes:
    """The file's bytes. Raises OSError, BadInputError when there are too many."""
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
        size = os.fstat(stream.fileno()).st_size
    if len(content) > MAX_BYTES:
        raise BadInputError(f"{path}: {size:,} bytes; allowed: {MAX_BYTES:,}")
    return content
