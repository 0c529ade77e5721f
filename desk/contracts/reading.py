"""What was agreed for devices and cases, from the store: a handful of queries for any number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from desk.contracts.book import PlanBook, read_tree
from desk.contracts.contract import (
    Books,
    Contract,
    Contracts,
    Payer,
    Place,
    Replacement,
    Stay,
    VoidReason,
    Warranty,
)
from storage.database import Conn, Row
from storage.queries import load
from storage.rows import as_ids

_PARSED: dict[str, PlanBook] = {}
"""Books by digest; a digest says all that is in a book, so this is never wrong."""


def contract_of(conn: Conn, device_id: int) -> Contracts:
    """What was agreed for one device, and when."""
    return contracts_of(conn, [device_id])[device_id]


def contracts_of(conn: Conn, device_ids: Iterable[int]) -> dict[int, Contracts]:
    """What was agreed for each device; one that isn't known has the usual plan."""
    ids = list(device_ids)
    return _contracts(conn, "devices", {"device_ids": as_ids(ids)}, ids)


def contracts_of_tickets(conn: Conn, ticket_ids: Iterable[int]) -> dict[int, Contracts]:
    """What was agreed for the place of each case."""
    ids = list(ticket_ids)
    return _contracts(conn, "tickets", {"ticket_ids": as_ids(ids)}, ids)


def contracts_of_places(
    conn: Conn, kinds: Sequence[str], site_ids: Sequence[int]
) -> list[Contracts]:
    """What was agreed for devices of each kind at each site, of as many pairs; without warranties."""
    asked = {"kinds": list(kinds), "site_ids": list(site_ids)}
    return list(_contracts(conn, "places", asked, range(1, len(kinds) + 1)).values())


def books(conn: Conn) -> Books:
    """Every plan book that was ever in force."""
    queries, known = load("contracts"), []
    for row in conn.execute(queries["books"]).fetchall():
        digest = row["digest"]
        if digest not in _PARSED:
            [found] = conn.execute(queries["book"], {"id": row["id"]}).fetchall()
            _PARSED[digest] = read_tree(found["tree"])
        known.append((row["in_force_at"], _PARSED[digest]))
    return Books(known)


def _contracts(conn: Conn, statement: str, asked: Row, ids: Iterable[int]) -> dict[int, Contracts]:
    shelf = books(conn)
    rows = conn.execute(load("contracts")[statement], asked).fetchall()
    before = _places_before(conn, {row["device_id"] for row in rows} - {None})
    moved = [stay for stays in before.values() for stay in stays]
    agreed = _agreed(conn, {row["customer_id"] for row in (*rows, *moved)} - {None})
    found = {
        row["id"]: Contracts(
            shelf,
            _place(row),
            _of_site(agreed, row),
            _warranty(row),
            row["of_device"],
            tuple(
                Stay(stay["until_at"], _place(stay), _of_site(agreed, stay))
                for stay in before.get(row["device_id"], ())
            ),
        )
        for row in rows
    }
    return {each: found.get(each, Contracts(shelf)) for each in ids}


def _places_before(conn: Conn, device_ids: set[int]) -> dict[int, list[Row]]:
    """Where each device that was ever moved stood before, oldest first."""
    places: dict[int, list[Row]] = {}
    parameters = {"device_ids": as_ids(device_ids)}
    for row in conn.execute(load("contracts")["places_before"], parameters).fetchall():
        places.setdefault(row["device_id"], []).append(row)
    return places


def _agreed(conn: Conn, customer_ids: set[int]) -> dict[int, list[tuple[int | None, Contract]]]:
    agreed: dict[int, list[tuple[int | None, Contract]]] = {}
    parameters = {"customer_ids": as_ids(customer_ids)}
    for row in conn.execute(load("contracts")["of_customers"], parameters).fetchall():
        agreed.setdefault(row["customer_id"], []).append((row["site_id"], _contract(row)))
    return agreed


def _of_site(agreed: dict[int, list[tuple[int | None, Contract]]], row: Row) -> Sequence[Contract]:
    return tuple(
        contract
        for site_id, contract in agreed.get(row["customer_id"], ())
        if site_id in (None, row["site_id"])
    )


def _contract(row: Row) -> Contract:
    return Contract(
        key=row["key"],
        plan=row["plan"],
        calendar=row["calendar"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        price=row["price"],
        travel=Payer(row["travel"]),
        free_support_months=row["free_support_months"],
        replacement=Replacement(row["replacement"]),
    )


def _place(row: Row) -> Place:
    usual = Place()
    return Place(
        row["kind"], row["region_class"] or usual.region_class, row["time_zone"] or usual.zone
    )


def _warranty(row: Row) -> Warranty:
    return Warranty(
        installed_on=row["installed_on"],
        starts_on=row["starts_on"],
        months=row["months"],
        support_life_months=row["support_life_months"],
        voided_at=row["voided_at"],
        void_reason=VoidReason(row["void_reason"]) if row["void_reason"] else None,
    )
