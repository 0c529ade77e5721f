"""What the values of rules are made of: spans of time, numbers, and sentences for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from string import Formatter
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints

from domain.text import Text, Value

LANGUAGES = ("en", "fa", "zh_Hans_CN")
"""Languages that a message may be given in; one that is missing is shown in the first that is given."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"(\d{1,6})([smhd])")
_LONGEST = timedelta(days=366)
_MAX_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence with `{blanks}`, and the same sentence in other languages where it has them.

    A shipped rule's is English and stands in the translation catalogues; a user's rule brings its
    own, by language.
    """

    template: str
    also: Mapping[str, str] = field(default_factory=dict)

    def text(self, values: Mapping[str, Value]) -> Text:
        return Text(self.template, values, self.also)

    @property
    def blanks(self) -> set[str]:
        """The names of its blanks. Raises ValueError where a template is no template."""
        return {
            name
            for template in (self.template, *self.also.values())
            for _, name, _, _ in Formatter().parse(template)
            if name is not None
        }


def _span(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    span = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if span is None or span > _LONGEST:
        raise ValueError('a span such as "90s", "10m", "24h" or "7d", at most "366d", is allowed')
    return span


def _message(value: Any) -> Any:
    if isinstance(value, Message):
        return value
    if isinstance(value, str):
        value = {LANGUAGES[0]: value}
    if not isinstance(value, dict) or not value or not set(value) <= set(LANGUAGES):
        raise ValueError(f"a sentence, or one by language ({', '.join(LANGUAGES)}), is allowed")
    for sentence in value.values():
        if not isinstance(sentence, str) or not 0 < len(sentence) <= _MAX_MESSAGE:
            raise ValueError(f"sentences of 1 to {_MAX_MESSAGE} characters are allowed")
    by_language = {code: value[code] for code in LANGUAGES if code in value}
    first = next(iter(by_language.values()))
    return Message(first, by_language if len(by_language) > 1 else {})


def as_span(span: timedelta) -> str:
    """A span as rules write it, in the largest unit that it is whole in."""
    for unit, name in reversed(_UNITS.items()):
        whole, rest = divmod(span, timedelta(**{name: 1}))
        if not rest:
            return f"{whole}{unit}"
    return str(span)


def _as_written(message: Message) -> str | dict[str, str]:
    return dict(message.also) or message.template


Span = Annotated[timedelta, BeforeValidator(_span), PlainSerializer(as_span)]
Sentence = Annotated[Message, BeforeValidator(_message), PlainSerializer(_as_written)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Flag = Annotated[bool, Field(strict=True)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^\S+$")]
Words = Annotated[tuple[Word, ...], Field(max_length=1000)]
"""Words of which one must fit; none: whatever it is."""
Selection = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...],
    Field(max_length=1000),
]
"""As Words, of names that people give, such as those of models."""
