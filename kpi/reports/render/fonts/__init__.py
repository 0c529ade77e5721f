"""The fonts that reports are set in: Vazirmatn (SIL Open Font License 1.1, OFL.txt) for Latin and
Arabic script, from the npm package vazirmatn 33.0.3; for Chinese, one that the system has."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import typst

from domain.errors import NotAllowedError

FOLDER = Path(__file__).parent
WEIGHTS = {400: "Vazirmatn-Regular.ttf", 600: "Vazirmatn-SemiBold.ttf"}
OWN = "Vazirmatn"
ADVICE = "install one, such as the package fonts-noto-cjk (Debian, Ubuntu) or google-noto-sans-cjk-fonts (Fedora)"

_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Microsoft YaHei",
    "PingFang SC",
    "SimSun",
)
_HAN = (
    range(0x2E80, 0xA000),
    range(0xF900, 0xFB00),
    range(0xFF00, 0xFFF0),
    range(0x20000, 0x32000),
)


@cache
def found() -> typst.Fonts:
    """The fonts of this machine and our own; looked for once."""
    return typst.Fonts(font_paths=[FOLDER])


def chinese() -> str | None:
    """The font for Chinese that this machine has."""
    here = set(found().families())
    return next((family for family in _CHINESE if family in here), None)


def families(text: str) -> list[str]:
    """What `text` is to be set in. Raises NotAllowedError where its signs would be boxes."""
    font = chinese()
    if font is None and any(ord(sign) in signs for signs in _HAN for sign in set(text)):
        raise NotAllowedError(f"PDF: this machine has no font for Chinese; {ADVICE}")
    return [OWN, font] if font else [OWN]
