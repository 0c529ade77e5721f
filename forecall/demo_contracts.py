"""What the demo's customers have agreed: most of them something, two nothing but the warranty."""

from __future__ import annotations

from datetime import date

from desk.contracts.sheet import Sheet, read_sheet

_HEADER = "contract,customer,plan,valid_from,travel,replacement"
_AGREED = (
    "lotus,kiosk,{year}-01-01,provider,included",
    "golestan,kiosk,{year}-03-21,customer,included",
    "harbour,kiosk,{year}-01-01,customer,billable",
    "cedar,kiosk,{year}-01-01,customer,included",
    "redlantern,kiosk_office,{year}-04-01,provider,included",
    "parsian-rail,kiosk,{year}-03-21,provider,included",
)


def contracts(day: date) -> Sheet:
    """The contracts in force on `day`, all of them since the year before."""
    lines = [
        f"DEMO-{number:03},{agreed.format(year=day.year - 1)}"
        for number, agreed in enumerate(_AGREED, start=1)
    ]
    return read_sheet("demo", "\n".join([_HEADER, *lines]).encode())
