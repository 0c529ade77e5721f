"""A real file, changed under whoever reads it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.errors import BadInputError
from storage.watched_file import MAX_BYTES, WatchedFile


def _number(text: str) -> int:
    if not text.strip().isdigit():
        raise BadInputError(f"{text!r} is no number")
    return int(text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "number"
    path.write_text("1")
    return path


def test_a_change_is_in_force_at_once_even_within_one_tick_of_the_files_clock(file: Path) -> None:
    watched = WatchedFile(file, _number, 0)
    assert watched.current() == 1
    before = file.stat()
    file.write_text("2")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watched.current() == 2


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"two", "'two' is no number"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b"1" * (MAX_BYTES + 1), "allowed: 1,000,000"),
    ],
)
def test_a_bad_file_keeps_the_last_good_one_until_it_is_good_again(
    file: Path, bad: bytes, problem: str
) -> None:
    watched = WatchedFile(file, _number, 0)
    watched.current()
    for good in (b"1", b"3"):
        file.write_bytes(bad)
        last = watched.current()
        assert last == 1
        assert problem in watched.problem
        assert str(file) in watched.problem
        file.write_bytes(good)
        assert watched.current() == int(good)
        assert watched.problem == ""
        file.write_bytes(b"1")
        watched.current()


def test_a_file_that_is_away_keeps_the_last_good_one(file: Path) -> None:
    watched = WatchedFile(file, _number, 0)
    watched.current()
    file.unlink()
    assert watched.current() == 1
    assert "cannot be read" in watched.problem
    file.write_text("1")
    assert (watched.current(), watched.problem) == (1, "")


def test_a_file_that_was_never_good_leaves_what_stands_without_it(file: Path) -> None:
    file.write_text("one")
    assert WatchedFile(file, _number, 7).current() == 7
    assert WatchedFile(None, _number, 8).current() == 8
