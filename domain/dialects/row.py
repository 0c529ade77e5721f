"""The shape of the dialect tables."""

from __future__ import annotations

from dataclasses import dataclass

from domain.codes import Code

ANY = ""
"""The component of a row that speaks of whichever part says it."""

PRINTER, BILLS, COINS = "receiptPrinter", "billAcceptor", "coinAcceptor"
CARDS, DRAWER = "cardReader", "cashDrawer"


@dataclass(frozen=True, slots=True)
class Row:
    """One code of a protocol.

    Attributes:
        raw: the code as the protocol's bytes or numbers have it; bytes in hexadecimal.
        symbol: its name in the protocol's own documents: known as a raw code, too. May be empty.
        component: the part that says it; `ANY`: every part may.
    """

    raw: str
    symbol: str
    code: Code
    component: str
