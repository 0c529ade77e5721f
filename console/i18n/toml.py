"""Sentences that stand in shipped TOML: the values of every key that begins with `message`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO


def extract_messages(
    stream: BinaryIO, keywords: object, comment_tags: object, options: object
) -> Iterator[tuple[int, None, str, list[str]]]:
    """Babel's face of an extractor: (line, function, message, comments) of each sentence."""
    for message in _messages(tomllib.load(stream)):
        yield 0, None, message, []


def _messages(tree: object) -> Iterator[str]:
    if isinstance(tree, list):
        for item in tree:
            yield from _messages(item)
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            if _is_message(key, value):
                yield value
            else:
                yield from _messages(value)


def _is_message(key: str, value: Any) -> bool:
    return key.startswith("message") and isinstance(value, str)
