"""Collects every sentence that people read, from the code and the templates of all rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from console.i18n.catalogue import LANGUAGES, SOURCE

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "console" / "locale"
ROOMS = (
    "domain",
    "pipeline",
    "models",
    "alerts",
    "desk",
    "kpi",
    "console",
    "simulator",
    "forecall",
)
_METHODS = [
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
    ("**/shipped/**.toml", "console.i18n.toml:extract_messages"),
]
_OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
_HEAD = r"""msgid ""
msgstr ""
"Language: {language}\n"
"Plural-Forms: {plural_forms}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def extract() -> Catalog:
    """The template: every marked sentence, with the files that it stands in."""
    template = Catalog(project="Forecall", charset="utf-8")
    for room in ROOMS:
        for file, _, message, comments, context in extract_from_dir(
            ROOT / room, _METHODS, _OPTIONS, _KEYWORDS
        ):
            template.add(
                message, locations=[(f"{room}/{file}", 0)], auto_comments=comments, context=context
            )
    return template


def catalogues() -> Iterator[tuple[str, Path]]:
    """Each language's code and the file of its catalogue."""
    for code in LANGUAGES:
        if code != SOURCE:
            yield code, LOCALE / f"{code}.po"


def read(code: str, file: Path) -> Catalog:
    """The catalogue as it is, empty when there is no file yet."""
    if not file.exists():
        return Catalog(locale=code, charset="utf-8")
    with file.open("rb") as stream:
        return read_po(stream, locale=code)


def write(code: str, file: Path, catalogue: Catalog) -> None:
    """Writes the catalogue with a head that says no more than gettext needs: no dates to merge."""
    head = _HEAD.format(language=code, plural_forms=catalogue.plural_forms)
    with file.open("wb") as stream:
        stream.write(head.encode())
        write_po(
            stream,
            catalogue,
            omit_header=True,
            sort_by_file=True,
            include_lineno=False,
            width=100,
        )


def update() -> dict[str, list[str]]:
    """Brings the catalogues up to the code; returns what is not translated, by language."""
    template = extract()
    missing: dict[str, list[str]] = {}
    for code, file in catalogues():
        catalogue = read(code, file)
        catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalogue.obsolete.clear()
        write(code, file, catalogue)
        missing[code] = [
            str(message.id) for message in catalogue if message.id and not message.string
        ]
    return missing
