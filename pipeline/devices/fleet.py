"""Changes to the fleet's list, each audited with the name of who made it.

The console and the command line both come here. Fleet times are the fleet's clock's; the audit goes
by the wall's, always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from domain.clock import Clock, SystemClock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from pipeline.devices.fields import DevicePlan, SitePlan
from pipeline.devices.sheet import Sheet
from storage.database import Conn, Row
from storage.queries import load

_SHOWN = 10  # site keys in a message


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did, by word: customers, engineers, sites, devices, polls, adopted."""

    made: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        return not self.made and not self.changed


def add(conn: Conn, clock: Clock, plan: DevicePlan, *, actor: str) -> None:
    """Adds the device, adopted; its site may be made on the way.

    Raises BadInputError when something that a new device needs was not said, NotAllowedError when
    it is in the fleet already.
    """
    if plan.kind is None:
        raise BadInputError("kind: ''; a new device needs one")
    if _known(conn, "known_devices", [plan.key]):
        raise NotAllowedError(
            f"device {plan.key!r} is known already; take it in with `adopt`, change it by `import`"
        )
    changes = _Changes(conn, clock)
    if plan.site is not None:
        changes.site(plan.site)
    changes.device(plan)
    audit(conn, actor, "add_device", f"device/{plan.key}", _said(plan))


def take_in(conn: Conn, clock: Clock, sheet: Sheet, *, actor: str, dry: bool = False) -> Outcome:
    """Brings the fleet's list to what `sheet` says: new devices are added, found ones adopted, known
    ones changed where the sheet says something else. All of it or nothing; again, it changes nothing.

    `dry`: as if, and then nothing. Raises BadInputError naming file, row and column of what a new
    site or device lacks.
    """
    with conn.transaction(force_rollback=dry):
        _check(conn, sheet)
        changes = _Changes(conn, clock)
        for _, site in sheet.sites:
            changes.site(site)
        for line in sheet.lines:
            changes.device(line.device)
        outcome = changes.outcome()
        if not outcome.nothing:
            audit(conn, actor, "import_devices", f"file/{sheet.file}", asdict(outcome))
    return outcome


def adopt(
    conn: Conn,
    clock: Clock,
    key: str,
    *,
    actor: str,
    site: str | None = None,
    kind: str | None = None,
    model: str | None = None,
) -> None:
    """Takes a device that was found into the fleet: from then on it is counted and raises alerts.

    If it is down, the alert rules are told now. Raises NotAllowedError when it is adopted already or
    was never heard of, NotFoundError when there is no such site.
    """
    if site is not None and not _known(conn, "known_sites", [site]):
        raise NotFoundError(f"there is no site {site!r}")
    queries = load("devices")
    row = conn.execute(queries["adopt"], {"key": key, "at": clock.now()}).fetchone()
    if row is None:
        raise NotAllowedError(f"device {key!r} does not wait to be adopted")
    plan = DevicePlan(key, kind, SitePlan(site) if site else None, model or None)
    conn.execute(queries["change_device"], _device_values(plan) | {"at": clock.now()})
    conn.execute(queries["tell_if_down"], {"device_id": row["id"]})
    audit(conn, actor, "adopt", f"device/{key}", {"site": site, "kind": kind, "model": model})


def retire(conn: Conn, clock: Clock, key: str, *, actor: str, reason: str = "") -> int:
    """Takes a device out of the fleet, since it was replaced or has gone: from then on it counts
    nowhere and raises nothing; what it did before stays. Returns its id. Its open cases are ended by
    `desk.retiring`, which calls this.

    Raises NotAllowedError when it is not in the fleet.
    """
    row = conn.execute(load("devices")["retire"], {"key": key, "at": clock.now()}).fetchone()
    if row is None:
        raise NotAllowedError(f"device {key!r} is not in the fleet")
    audit(conn, actor, "retire", f"device/{key}", {"reason": reason} if reason else {})
    return int(row["id"])


def found_keys(conn: Conn) -> list[str]:
    """Devices that were heard of and belong to nobody yet."""
    return [row["key"] for row in conn.execute(load("devices")["found_keys"])]


def listed(
    conn: Conn, *, found: bool = False, site: str | None = None, kind: str | None = None
) -> list[Row]:
    """The fleet's list, one row a device, by key."""
    wanted = {"found": found, "site": site, "kind": kind}
    return conn.execute(load("devices")["listed"], wanted).fetchall()


def audit(conn: Conn, actor: str, action: str, thing: str, detail: Mapping[str, Any]) -> None:
    """Notes who did what."""
    values = {"at": SystemClock().now(), "actor": actor, "action": action, "object": thing}
    conn.execute(load("devices")["audit"], values | {"detail": Jsonb(dict(detail))})


def _check(conn: Conn, sheet: Sheet) -> None:
    """What only the store knows: which sites and devices are new, and need more than a key."""
    known = _known(conn, "known_sites", [site.key for _, site in sheet.sites])
    for row, site in sheet.sites:
        if site.key not in known and site.customer is None:
            raise sheet.refuse(row, "customer", "", f"a customer for the new site {site.key}")
    devices = _known(conn, "known_devices", [line.device.key for line in sheet.lines])
    for line in sheet.lines:
        if line.device.key not in devices and line.device.kind is None:
            raise sheet.refuse(line.number, "kind", "", "a kind for the new device")


def _known(conn: Conn, statement: str, keys: Sequence[str]) -> set[str]:
    return {row["key"] for row in conn.execute(load("devices")[statement], {"keys": list(keys)})}


class _Changes:
    """Writes plans, and counts what they made and changed."""

    def __init__(self, conn: Conn, clock: Clock) -> None:
        self._conn = conn
        self._now = clock.now()
        self._made: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()

    def outcome(self) -> Outcome:
        return Outcome(dict(self._made), dict(self._changed))

    def site(self, site: SitePlan) -> None:
        """Raises BadInputError for a new site without a customer."""
        if site.customer is not None:
            values = {"key": site.customer, "name": site.customer_name}
            self._put("customers", "put_customer", values)
        if site.engineer is not None:
            values = {"key": site.engineer, "name": site.engineer_name}
            self._put("engineers", "put_engineer", values)
        is_known = bool(_known(self._conn, "known_sites", [site.key]))
        if not is_known and site.customer is None:
            raise BadInputError(
                f"site: {site.key!r} is new and needs a customer; known: {self._known_sites()}"
            )
        values = asdict(site) | {"at": self._now}
        self._put("sites", "change_site" if is_known else "put_site", values)

    def device(self, plan: DevicePlan) -> None:
        queries = load("devices")
        values = _device_values(plan) | {"at": self._now}
        if plan.kind and self._conn.execute(queries["add_device"], values).fetchone():
            self._made["devices"] += 1
        else:
            self._change(values)
        if plan.poll is not None:
            poll = asdict(plan.poll) | {"key": plan.key, "at": self._now}
            if self._conn.execute(queries["put_poll"], poll).fetchone():
                self._changed["polls"] += 1

    def _change(self, values: Mapping[str, Any]) -> None:
        queries = load("devices")
        adopted = self._conn.execute(queries["adopt"], values).fetchone()
        if adopted is not None:
            self._changed["adopted"] += 1
            self._conn.execute(queries["tell_if_down"], {"device_id": adopted["id"]})
        if self._conn.execute(queries["change_device"], values).fetchone():
            self._changed["devices"] += 1

    def _put(self, word: str, statement: str, values: Mapping[str, Any]) -> None:
        row = self._conn.execute(load("devices")[statement], values).fetchone()
        if row is not None:
            (self._made if row["made"] else self._changed)[word] += 1

    def _known_sites(self) -> str:
        rows = self._conn.execute(load("devices")["site_keys"], {"limit": _SHOWN}).fetchall()
        return ", ".join(row["key"] for row in rows) or "none yet"


def _device_values(plan: DevicePlan) -> dict[str, Any]:
    return {
        "key": plan.key,
        "kind": plan.kind,
        "site": plan.site.key if plan.site else None,
        "model": plan.model,
        "serial": plan.serial,
        "installed_on": plan.installed_on,
    }


def _said(plan: DevicePlan) -> dict[str, Any]:
    """What was said of the device, without its comm key, which is a secret of a kind."""
    host = f"{plan.poll.host}:{plan.poll.port or ''}" if plan.poll else None
    said = {"kind": plan.kind, "site": plan.site.key if plan.site else None, "host": host}
    return {name: value for name, value in said.items() if value is not None}
