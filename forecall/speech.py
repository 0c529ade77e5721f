"""How messages for people speak: the console's catalogues, in the reader's language and time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from gettext import NullTranslations
from zoneinfo import ZoneInfo

from console.i18n.catalogue import LANGUAGES, load_translations, translate_text
from console.i18n.formats import Formats
from console.words import DETAILS
from domain.text import Text


@dataclass(frozen=True, slots=True)
class Speech:
    """Implements `alerts.notify.message.Reader`."""

    translations: NullTranslations
    formats: Formats
    isolate: bool

    def say(self, text: Text) -> str:
        return translate_text(
            self.translations,
            text,
            lambda value: self.formats.number(value, 2),
            DETAILS,
            isolate=self.isolate,
        )

    def moment(self, at: datetime) -> str:
        return self.formats.moment(at)


@cache
def reader(language: str, time_zone: str) -> Speech:
    """The reader for a catalogue's code and a time zone's name."""
    return Speech(
        load_translations(language),
        Formats(language, ZoneInfo(time_zone)),
        isolate=LANGUAGES[language].direction == "rtl",
    )
