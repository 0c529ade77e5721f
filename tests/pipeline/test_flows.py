"""What a collector tells of its messages' flow, and what the store shows of it."""

from __future__ import annotations

from datetime import timedelta

from collectors.mqtt.flow import FlowMeter
from domain.clock import ManualClock
from domain.report import DeviceReport, Flow, Identity
from pipeline.flows import clocks_off, read_flows, shards_without_collector
from pipeline.ingest import Ingest
from pipeline.shards import LeasedShards
from pipeline.watch import CollectorWatch
from storage.database import Database

TEN_YEARS = timedelta(days=3652)


def test_each_collector_shows_its_own_flow_as_of_its_last_beat(
    database: Database, clock: ManualClock
) -> None:
    watch = CollectorWatch(database, clock)
    watch.beat("mqtt:north", Flow(in_flight=7, oldest_s=1.5, wait_s=2.5, age_s=3.5))
    watch.beat("zkteco")
    clock.advance(timedelta(seconds=4))
    watch.beat("mqtt:north", Flow(in_flight=8, oldest_s=0, wait_s=0.5))
    with database.transaction() as conn:
        north, zkteco = read_flows(conn, clock)
    assert (north.collector, north.silent_s, north.in_flight, north.age_s) == (
        "mqtt:north",
        0,
        8,
        None,
    )
    assert (zkteco.silent_s, zkteco.in_flight, zkteco.stored) == (4, None, 0)


def test_devices_whose_clock_jumped_are_counted_for_a_day(
    database: Database, clock: ManualClock
) -> None:
    now = clock.now()
    ats = {"sound": now, "ahead": now + TEN_YEARS, "behind": now - TEN_YEARS}
    Ingest(database, clock, "mqtt").store(
        [DeviceReport(key, at, now, Identity("b", 1)) for key, at in ats.items()]
    )
    with database.transaction() as conn:
        assert clocks_off(conn, clock) == 2
        clock.advance(timedelta(hours=26))
        assert clocks_off(conn, clock) == 0


def test_shards_that_nobody_holds_are_told(database: Database) -> None:
    leases = LeasedShards(database, {"a": ["v1/a/#"], "b": ["v1/b/#"]})
    leases.renew()
    with database.transaction() as conn:
        assert shards_without_collector(conn) == []
    leases.leave()
    with database.transaction() as conn:
        assert shards_without_collector(conn) == ["a", "b"]


def test_the_meter_believes_no_jumping_clock_and_begins_anew_after_it_was_read(
    clock: ManualClock,
) -> None:
    now, meter = clock.now(), FlowMeter()
    ages = (1, 3, 5, TEN_YEARS.total_seconds(), -TEN_YEARS.total_seconds())
    reports = [DeviceReport("till", now - timedelta(seconds=age), now) for age in ages]
    meter.committed(0.0, reports, now)
    told = meter.read(2, None)
    assert (told.in_flight, told.oldest_s, told.age_s) == (2, 0.0, 3.0)
    assert told.wait_s > 0
    assert meter.read(0, None) == Flow(0, 0.0, 0.0, None)
