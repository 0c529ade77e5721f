"""One system a data folder: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import ConfigurationError

_NAME = "forecall.lock"


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Holds the data folder for this process.

    Raises ConfigurationError when another process holds it, or the folder can't be made.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / _NAME).open("a+")
    except OSError as error:
        raise ConfigurationError(f"data_dir: {data_dir}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"data_dir: {data_dir} is in use by another `forecall`; stop that one, or set "
                "FORECALL_DATA_DIR to another folder"
            ) from error
        yield


def is_held(data_dir: Path) -> bool:
    """Whether a process holds the data folder now."""
    try:
        with (data_dir / _NAME).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
