"""Vocabularies and frames of a history folder: learned from the past alone, equal to the store's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from domain.clock import Clock
from forecall.importer import import_history
from pipeline.features.build import features_at
from pipeline.features.folder import device_chunks, history_frames, history_peers
from pipeline.features.learn import history_bucket, learn_vocabulary, load_vocabulary
from pipeline.features.store import load_frames, load_peers
from pipeline.features.vocabulary import Attribute
from pipeline.history import History, read_history
from pipeline.history_sheet import Words
from storage.database import Database
from tests.history.helpers import START, write_folder

_HEADERS = {
    "devices": "device_id,kind,model,site,floor,serial",
    "readings": "time,device_id,use,wear,copy,still,heat",
    "events": "time,device_id,component,code,severity",
    "maintenance": "time,device_id,component,action",
    "failures": "time,device_id,component",
}


def _write(folder: Path, **rows: list[str]) -> History:
    folder.mkdir()
    for name, lines in rows.items():
        (folder / f"{name}.csv").write_text("\n".join([_HEADERS[name], *lines, ""]))
    return read_history(folder)


def _daily(folder: Path, devices: int = 12, days: int = 120, seed: int = 0) -> History:
    """Counters once a day; code B soon after A comes before each failure; service each 30 days."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[str]] = {name: [] for name in _HEADERS}

    def at(day: float) -> str:
        return (START + timedelta(days=float(day))).isoformat()

    for number in range(devices):
        key, site = f"d{number:02}", "north" if number % 2 else "south"
        rows["devices"].append(f"{key},disk,M{number % 3},{site},{number / 2},s{number}")
        use = np.cumsum(rng.poisson(20, days))
        wear = np.cumsum(rng.random(days) < 0.1)
        for day in range(days):
            heat = rng.normal(30, 2)
            counts = f"{use[day]},{wear[day]},{wear[day]},7,{heat:.2f}"
            rows["readings"].append(f"{at(day)},{key},{counts}")
        for day in rng.uniform(30, days - 1, 3):
            rows["events"].append(f"{at(day - 4)},{key},disk,A,warning")
            rows["events"].append(f"{at(day - 3)},{key},disk,B,error")
            rows["failures"].append(f"{at(day)},{key},{'disk' if number % 4 else 'fan'}")
        for day in rng.uniform(0, days, 5):
            rows["events"].append(f"{at(day)},{key},disk,C,info")
        for day in range(5 + number, days, 30):
            action = "cleaned" if day % 60 < 30 else "replaced"
            rows["maintenance"].append(f"{at(day)},{key},disk,{action}")
    return _write(folder, **rows)


def test_a_vocabulary_holds_what_is_worth_a_feature(tmp_path: Path) -> None:
    words = learn_vocabulary(_daily(tmp_path / "h"))
    assert words.bucket_h == 24
    assert words.counters == ("use", "wear")  # `copy` says the same as `wear`, `still` nothing
    assert words.gauges == ("heat",)
    assert words.usage == "use"
    assert words.events == ("*", "disk:A", "disk:B", "disk:C")
    assert "disk:A>disk:B" in words.sequences
    assert not any("disk:C" in name for name in words.sequences)
    assert (words.serviced, words.replaced, words.failing) == (
        ("disk",),
        ("disk",),
        ("*", "disk", "fan"),
    )
    assert words.gaps == (720.0,)
    assert set(words.attributes) == {
        Attribute("model", ("M0", "M1", "M2")),
        Attribute("site", ("north", "south")),
        Attribute("floor"),
    }
    assert words.peers == ("model", "site")


def test_severities_are_features_where_they_say_more_than_codes(tmp_path: Path) -> None:
    """Failures come after the critical ones, whatever their code."""
    history = _daily(tmp_path / "h")
    assert learn_vocabulary(history).severities == ()  # each severity has one code only
    critical = [code in "AB" for code in history.events.code.texts()]
    severity = Words(("warning", "critical"), np.array(critical, np.int32))
    words = learn_vocabulary(replace(history, events=replace(history.events, severity=severity)))
    assert words.severities == ()  # all that are errors are critical: `*` counts them already
    component = Words(("disk", "fan"), np.arange(len(history.events.at), dtype=np.int32) % 2)
    mixed = replace(history.events, severity=severity, component=component)
    words = learn_vocabulary(replace(history, events=mixed))
    assert words.severities == ("*:warning", "disk:critical", "fan:critical")


def test_a_vocabulary_reads_nothing_later_than_it_may(tmp_path: Path) -> None:
    until = START + timedelta(days=80)
    history = _daily(tmp_path / "h")
    planted = _planted(history, until)
    assert learn_vocabulary(planted, until) == learn_vocabulary(history, until)
    assert learn_vocabulary(planted) != learn_vocabulary(history)


def _planted(history: History, until: datetime) -> History:
    """The same up to `until`; from then on readings and what happened are others."""
    limit = np.datetime64(until.replace(tzinfo=None), "us")
    noise = np.random.default_rng(1)
    late = history.events.at >= limit
    return replace(
        history,
        readings=tuple(
            replace(
                each,
                value=np.where(each.at < limit, each.value, noise.normal(-9, 1, len(each.at))),
            )
            for each in history.readings
        ),
        events=history.events.where(~late),
        failures=history.failures.where(history.failures.at < limit),
    )


def test_a_planted_future_changes_no_feature_of_the_past(tmp_path: Path) -> None:
    """Nor do what the fleet does later, or its later peers."""
    history = _daily(tmp_path / "h")
    until = START + timedelta(days=80)
    words = learn_vocabulary(history, until)
    planted = _planted(history, until)
    device = np.repeat(np.arange(12), 4)
    moments = np.tile(np.array([48.0, 30 * 24, 60 * 24 + 5, 80 * 24 - 1]), 12)
    seen, changed = (
        features_at(
            history_frames(each, np.arange(12), words.bucket, peers=history_peers(each, words)),
            device,
            moments,
            words,
        ).values
        for each in (history, planted)
    )
    np.testing.assert_array_equal(seen, changed)
    assert np.isfinite(seen).any(axis=0).mean() > 0.9


def test_a_chunk_is_computed_alone_from_its_part_of_the_history(tmp_path: Path) -> None:
    history = _daily(tmp_path / "h")
    words = learn_vocabulary(history)
    peers = history_peers(history, words)
    whole = history_frames(history, np.arange(12), words.bucket, peers=peers)
    device, moments = np.arange(12), np.full(12, 90 * 24.0)
    expected = features_at(whole, device, moments, words).values
    assert next(device_chunks(history, device, words.bucket)).tolist() == device.tolist()
    for part in (np.array([0, 1, 2]), np.array([3, 7, 11])):
        frames = history_frames(history.of(part), np.arange(3), words.bucket, peers=peers)
        alone = features_at(frames, np.arange(3), moments[:3], words)
        np.testing.assert_allclose(alone.values, expected[part], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("missing", ["readings", "events", "maintenance", "failures"])
def test_any_file_may_be_missing(tmp_path: Path, missing: str) -> None:
    _daily(tmp_path / "h", devices=4, days=60)
    (tmp_path / "h" / f"{missing}.csv").unlink()
    history = read_history(tmp_path / "h")
    words = learn_vocabulary(history)
    frames = history_frames(
        history, np.arange(4), words.bucket, peers=history_peers(history, words)
    )
    matrix = features_at(frames, np.arange(4), np.full(4, frames.hours), words)
    assert np.isfinite(matrix.values).any()
    assert not any(missing.rstrip("s") in name.split(".")[0] for name in matrix.names)


@pytest.mark.parametrize(
    ("minutes", "days", "expected_minutes"),
    [(1, 3, 15), (10, 30, 60), (60, 30, 60), (80, 30, 60), (1440, 90, 1440), (10080, 700, 10080)],
)
def test_buckets_follow_the_sampling(
    tmp_path: Path, minutes: int, days: int, expected_minutes: int
) -> None:
    count = days * 1440 // minutes
    times = [(START + timedelta(minutes=minutes * n)).isoformat() for n in range(count)]
    history = _write(
        tmp_path / "h",
        devices=["a,disk,,,,"],
        readings=[f"{at},a,1,1,1,1,{n % 7}" for n, at in enumerate(times)],
    )
    assert history_bucket(history) == timedelta(minutes=expected_minutes)


@pytest.mark.parametrize("hour", [0, 6, 23])
def test_a_days_readings_are_known_once_they_are_taken(tmp_path: Path, hour: int) -> None:
    """Days end with the time at which a fleet is usually measured, here by some minutes late."""
    days = [START + timedelta(days=day, hours=hour) for day in range(40)]
    lines = [
        f"{(at - timedelta(minutes=3 * late)).isoformat()},{key},0,0,0,0,{day}"
        for day, at in enumerate(days)
        for late, key in enumerate("ab")
    ]
    history = _write(tmp_path / "h", devices=["a,disk,,,,", "b,disk,,,,"], readings=lines)
    words = replace(learn_vocabulary(history), peers=())
    frames = history_frames(history, np.arange(2), words.bucket)
    moment = frames.hours_at(days[30])
    assert moment % 24 == 0  # a decision each day falls together with it
    for asked, expected in ((moment, 30), (moment + 23.9, 30), (moment - 0.1, 29)):
        matrix = features_at(frames, np.arange(2), np.full(2, asked), words)
        assert matrix.values[:, matrix.names.index("counter.heat.last")].tolist() == [expected] * 2


def test_a_unit_that_is_replaced_makes_all_of_its_parts_new(database: Database) -> None:
    at = START + timedelta(hours=145)
    with database.transaction() as conn:
        rows = conn.execute(
            "INSERT INTO device (key, kind) VALUES ('a', 'kiosk'), ('b', 'kiosk') RETURNING id"
        ).fetchall()
        failed, renewed = sorted(row["id"] for row in rows)
        conn.execute(
            "INSERT INTO failure (device_id, component, at, recorded_at, source)"
            " VALUES (%(id)s, 'billAcceptor', %(at)s, %(at)s, 'ticket')",
            {"id": failed, "at": START},
        )
        conn.execute(
            "INSERT INTO maintenance (device_id, component, at, recorded_at, source, action)"
            " VALUES (%(id)s, 'device', %(at)s, %(at)s, 'ticket', 'replaced')",
            {"id": renewed, "at": at},
        )
        early = load_frames(conn, [failed, renewed], START, at - timedelta(hours=1))
        frames = load_frames(conn, [renewed], START, at + timedelta(hours=1))
    assert not len(early.maintenance.at)
    for marks in (frames.maintenance, frames.replacements):
        assert marks.names == ("billAcceptor", "device")
        assert marks.at.tolist() == marks.known.tolist() == [145.0, 145.0]


def test_a_folder_and_the_store_say_the_same(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    told = write_folder(tmp_path / "h", devices=5, days=20)
    history = read_history(told.folder)
    import_history(database, clock, told.folder)
    with database.transaction() as conn:
        rows = conn.execute("SELECT id FROM device ORDER BY key").fetchall()
        ids = [row["id"] for row in rows]
        words = load_vocabulary(conn, ids, START, told.end)
        peers = load_peers(conn, ids, words.peers, START, told.end)
        stored = load_frames(conn, ids, START, told.end, peers)
    learned = learn_vocabulary(history, bucket=timedelta(hours=1))
    assert replace(learned, usage="") == replace(words, usage="")
    folder = history_frames(
        history, np.arange(5), words.bucket, peers=history_peers(history, learned)
    )
    assert stored.start == folder.start == START.astimezone(UTC)
    device, moments = np.repeat(np.arange(5), 3), np.tile([100.0, 301.5, 479.0], 5)
    np.testing.assert_allclose(
        features_at(stored, device, moments, words).values,
        features_at(folder, device, moments, words).values,
        rtol=1e-5,
        atol=1e-5,
    )
