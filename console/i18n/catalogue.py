"""Translation catalogues, read from .po files at start: nothing is compiled beforehand."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from domain.text import Text, Value

SOURCE = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """A language that the console speaks.

    Attributes:
        code: as in cookies, accounts and the catalogue's file name.
        tag: BCP 47, for HTML and the browser's own formatting.
        name: in the language itself.
    """

    code: str
    tag: str
    name: str
    direction: str = "ltr"


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language(SOURCE, "en-GB", "English"),
        Language("zh_Hans_CN", "zh-Hans-CN", "中文"),
        Language("fa", "fa-IR", "فارسی", "rtl"),
    )
}


def load_translations(code: str) -> NullTranslations:
    """The catalogue of a language, in memory; English stands in the source itself."""
    if code == SOURCE:
        return NullTranslations()
    file = resources.files("console").joinpath("locale", f"{code}.po")
    compiled = io.BytesIO()
    with file.open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)


_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ISOLATE, _END = "\u2068", "\u2069"  # first strong isolate, pop directional isolate


def translate_text(
    translations: NullTranslations,
    text: Text | Mapping[str, Any],
    number: Callable[[float], str] = str,
    labels: Mapping[str, str] | None = None,
    day: Callable[[date], str] = str,
    *,
    isolate: bool = False,
) -> str:
    """A stored sentence in the reader's language.

    Args:
        number: writes the sentence's numbers in the reader's way.
        day: writes the sentence's days, which stand in it as 2026-03-21, in the reader's way.
        labels: the words for codes that stand as values; known words are translated as they are.
        isolate: for right-to-left languages: codes and units keep their own direction (UAX #9).
    """
    sentence = text if isinstance(text, Text) else Text.from_json(text)

    def show(value: Value) -> str:
        if isinstance(value, Text):
            return translate_text(translations, value, number, labels, day, isolate=isolate)
        if not isinstance(value, str):
            return number(value)
        on = _day(value)
        if on is not None:
            return day(on)
        word = (labels or {}).get(value, value)
        shown = translations.gettext(word) if word else ""  # "" is the catalogue's own head
        return f"{_ISOLATE}{shown}{_END}" if isolate and shown == value else shown

    values = {name: show(value) for name, value in sentence.values.items()}
    return _template(translations, sentence).format_map(values)


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:  # it only looks like one
        return None


def _template(translations: NullTranslations, sentence: Text) -> str:
    if not sentence.also:
        return translations.gettext(sentence.template) if sentence.template else ""
    return sentence.also.get(translations.info().get("language", SOURCE), sentence.template)


def preferred(accept_language: str) -> str:
    """The first language of an Accept-Language header that the console speaks, else English."""
    for part in accept_language.split(","):
        primary = part.split(";")[0].strip().lower().split("-")[0]
        for code in LANGUAGES:
            if primary and code.lower().split("_")[0] == primary:
                return code
    return SOURCE
