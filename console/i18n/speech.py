"""How messages and reports speak: the console's catalogues, in the reader's language and time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from gettext import NullTranslations
from zoneinfo import ZoneInfo

from console.i18n.catalogue import LANGUAGES, Language, load_translations, translate_text
from console.i18n.formats import Formats
from console.words import DETAILS
from domain.text import Text


@dataclass(frozen=True, slots=True)
class Speech:
    """Implements `alerts.notify.message.Reader` and `kpi.reports.reader.Reader`."""

    language: Language
    translations: NullTranslations
    formats: Formats

    @property
    def tag(self) -> str:
        return self.language.tag

    @property
    def direction(self) -> str:
        return self.language.direction

    def say(self, text: Text) -> str:
        return translate_text(
            self.translations,
            text,
            lambda value: self.formats.number(value, 2),
            DETAILS,
            self.formats.day,
            isolate=self.direction == "rtl",
        )

    def moment(self, at: datetime) -> str:
        return self.formats.moment(at)

    def day(self, on: date) -> str:
        return self.formats.day(on)

    def number(self, value: float, digits: int, *, fixed: bool = False) -> str:
        return self.formats.number(value, digits, fixed=fixed)

    def share(self, ratio: float, digits: int) -> str:
        return self.formats.share(ratio, digits)

    def span(self, length: timedelta) -> str:
        return self.formats.span(length)

    def plain(self, text: str) -> str:
        return self.formats.plain(text)


@cache
def reader(language: str, time_zone: str) -> Speech:
    """The reader for a catalogue's code and a time zone's name."""
    return Speech(
        LANGUAGES[language], load_translations(language), Formats(language, ZoneInfo(time_zone))
    )
