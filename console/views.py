"""Templates: one Jinja environment a language, all from the same files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from console import promises, words
from console.i18n.catalogue import LANGUAGES, load_translations, translate_text
from console.i18n.formats import Formats
from domain.clock import Clock
from domain.vocabulary import component, metric

if TYPE_CHECKING:
    from console.room import Visit

STATIC = resources.files("console").joinpath("static")


class Views:
    """Renders templates for a reader."""

    def __init__(self, clock: Clock, *, simulated: bool) -> None:
        self._clock = clock
        self._shared = {"simulated": simulated, "speed": clock.speed}
        self._environments = {code: _environment(code) for code in LANGUAGES}

    def render(self, template: str, visit: Visit, **values: Any) -> str:
        """The page or fragment `template`, in the reader's language. `values` may say the moment that
        they are of as `now`; else it is the present."""
        formats = visit.formats
        values.setdefault("now", self._clock.now())
        return (
            self._environments[visit.locale]
            .get_template(template)
            .render(
                visit=visit,
                fmt=formats,
                when=lambda at: _time_element(at, formats.moment(at)),
                moment=lambda told: formats.moment(datetime.fromisoformat(told)),
                **self._shared,
                **values,
            )
        )


def _environment(code: str) -> Environment:
    translations = load_translations(code)
    environment = Environment(
        loader=FileSystemLoader(str(resources.files("console").joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols"],
    )
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]

    def translate(word: str) -> str:
        return translations.gettext(word) if word else ""  # "" is the catalogue's own header

    formats = Formats(code, ZoneInfo("UTC"))

    def say(text: Mapping[str, Any]) -> str:
        return translate_text(
            translations,
            text,
            lambda value: formats.number(value, 2),
            words.DETAILS,
            formats.day,
            isolate=LANGUAGES[code].direction == "rtl",
        )

    environment.globals |= {
        "language": LANGUAGES[code],
        "languages": list(LANGUAGES.values()),
        "asset": asset,
        "tr": translate,
        "say": say,
        "component": component,
        "metric": metric,
        "words": words,
        "promises": promises,
    }
    environment.filters |= {
        "translated": lambda labels: [(key, translate(label)) for key, label in labels.items()],
        "labelled": lambda key, labels: (key, translate(labels.get(key, key))),
        "pair": lambda row: (row["key"], row["name"]),
        "zip": lambda one, other: zip(one, other, strict=False),
    }
    environment.globals["icon"] = environment.get_template("icons.html").module
    return environment


@cache
def asset(path: str) -> str:
    """The address of a static file, with its fingerprint: it may be cached for ever."""
    digest = hashlib.sha256(STATIC.joinpath(path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


def _time_element(at: datetime | None, words: str) -> Markup:
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), escape(words))
