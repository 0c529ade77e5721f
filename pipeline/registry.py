"""Devices and metrics get their ids when they are first heard of."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.report import MetricKind
from storage.database import Conn
from storage.queries import load

_KIND_BY_COLLECTOR = {"zkteco": "clock", "adms": "clock", "mqtt": "pos"}


def device_ids(conn: Conn, keys: Collection[str], collector: str) -> dict[str, int]:
    """The id of each device key. A key never heard of becomes a device that is not adopted yet.

    Its kind is guessed from the collector that found it.
    """
    ids = _devices(conn, keys)
    unknown = [key for key in keys if key not in ids]
    if unknown:
        kind = _KIND_BY_COLLECTOR.get(collector, collector)
        conn.execute(load("ingest")["register_devices"], {"keys": unknown, "kind": kind})
        ids |= _devices(conn, unknown)
    return ids


def metric_ids(conn: Conn, kinds: Mapping[str, MetricKind]) -> dict[str, int]:
    """The id of each metric; `kinds` gives the kind of those that are new."""
    ids = _metrics(conn, kinds)
    unknown = [name for name in kinds if name not in ids]
    if unknown:
        values = {"names": unknown, "kinds": [kinds[name] for name in unknown]}
        conn.execute(load("ingest")["register_metrics"], values)
        ids |= _metrics(conn, unknown)
    return ids


def _devices(conn: Conn, keys: Collection[str]) -> dict[str, int]:
    rows = conn.execute(load("ingest")["devices"], {"keys": list(keys)}).fetchall()
    return {row["key"]: row["id"] for row in rows}


def _metrics(conn: Conn, names: Collection[str]) -> dict[str, int]:
    rows = conn.execute(load("ingest")["metrics"], {"names": list(names)}).fetchall()
    return {row["name"]: row["id"] for row in rows}
