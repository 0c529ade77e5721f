"""Whether a model that no longer fits is noticed, and one that fits is left alone."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.clock import ManualClock
from models.live.distribution import describe, psi
from models.live.drift import Finding, calibration, shadows, tickets, watch_models
from models.live.outcomes import Outcome, Settled
from models.live.shadow import SideBySide, side_by_side
from models.registry.artifacts import champions
from models.registry.catalogue import Stage, checks, entry
from models.settings import CostSettings
from models.training.retrain import retrain
from models.training.train import Trained
from storage.database import Database
from tests.history.helpers import PRINTER, START, Told
from tests.models.conftest import SETTINGS
from tests.models.test_registry import _copy


def _slow_psi(then: list[float], now: list[float]) -> float:
    """Of one column, bin by bin, told from the words of its definition."""

    def shares(column: list[float], cuts: list[float]) -> list[float]:
        known = [value for value in column if value == value]
        counts = [0] * (len(cuts) + 2)
        for value in known:
            counts[sum(value > cut for cut in cuts)] += 1
        counts[-1] = len(column) - len(known)
        return [max(1e-4, count / len(column)) for count in counts]

    known = [value for value in then if value == value]
    deciles = np.quantile(known, np.arange(1, 10) / 10) if known else np.zeros(0)
    cuts = sorted({float(f"{decile:.9g}") for decile in deciles})  # as they are stored
    pairs = zip(shares(then, cuts), shares(now, cuts), strict=True)
    return sum((new - old) * float(np.log(new / old)) for old, new in pairs)


_COLUMN = arrays(
    np.float32,
    st.integers(1, 30),
    elements=st.one_of(st.just(np.nan), st.integers(-5, 5).map(float)),
)


@settings(max_examples=60, deadline=None)
@given(_COLUMN, _COLUMN)
def test_the_index_is_what_its_definition_says(then: np.ndarray, now: np.ndarray) -> None:
    found = psi(describe(then[:, None], 1), now[:, None])[0]
    assert found == pytest.approx(_slow_psi(then.tolist(), now.tolist()), abs=1e-6)
    assert found >= 0
    assert psi(describe(then[:, None], 1), then[:, None])[0] == pytest.approx(0, abs=1e-6)


def _alarms(database: Database, at: ManualClock) -> dict[str, str]:
    return {finding.kind: str(finding.said) for finding in watch_models(database, at)}


def test_a_fleet_that_is_as_before_raises_no_alarm(taught: Database, past: Told) -> None:
    assert _alarms(taught, ManualClock(past.end)) == {}
    with taught.transaction() as conn:
        kinds = {row["kind"] for row in checks(conn)}
    assert kinds == {"usable", "inputs", "calibration", "tickets", "shadow"}


def test_a_quantity_that_moved_is_named(taught: Database, past: Told) -> None:
    with taught.transaction() as conn:
        conn.execute(
            """UPDATE rollup_hourly SET total = total + 40 * n, squares = squares + 80 * total
                   + 1600 * n, low = low + 40, high = high + 40, first = first + 40, last = last + 40
               WHERE metric_id = (SELECT id FROM metric WHERE name = 'x.PrintHeadTemperature')
                 AND hour > %s""",
            [past.end - timedelta(days=24)],
        )
    said = _alarms(taught, ManualClock(past.end))
    assert list(said) == ["inputs"]
    assert "x.PrintHeadTemperature" in said["inputs"]
    assert "PaperCutCount" not in said["inputs"]


def test_a_model_that_cannot_be_used_is_an_alarm(taught: Database, past: Told) -> None:
    with taught.transaction() as conn:
        conn.execute("UPDATE model SET feature_schema = 'older'")
    assert list(_alarms(taught, ManualClock(past.end))) == ["usable"]


def _foretell(database: Database, made: Trained, probability: float) -> None:
    """Each device was asked once a day, and the same was said of all."""
    with database.transaction() as conn:
        conn.execute(
            """INSERT INTO prediction (at, device_id, component, model_id, horizon_h, probability,
                                       threshold, reasons)
               SELECT %(start)s + day * interval '1 day', device.id, %(part)s, %(model)s, 24, %(p)s,
                      0.5, '[]'
               FROM device, generate_series(10, 40) AS day""",
            {"start": START, "part": PRINTER, "model": made.model_id, "p": probability},
        )


@pytest.mark.parametrize(("probability", "alarmed"), [(0.08, False), (0.5, True), (0.01, True)])
def test_predictions_are_held_against_what_came(
    taught: Database, past: Told, made: Trained, probability: float, alarmed: bool
) -> None:
    _foretell(taught, made, probability)  # one decision in twelve is followed by a failure
    with taught.transaction() as conn:
        (champion,) = champions(conn)
        found = calibration(conn, champion, [], past.end)
    assert found.value is not None
    assert found.alarmed is alarmed


def test_a_service_before_its_time_teaches_nothing_unless_it_prevented_a_failure(
    taught: Database, past: Told, made: Trained
) -> None:
    _foretell(taught, made, 0.5)
    at = START + timedelta(days=20, hours=5)
    with taught.transaction() as conn:
        conn.execute("DELETE FROM failure")
        conn.execute("DELETE FROM maintenance")
        conn.execute(
            "INSERT INTO maintenance (device_id, component, action, at, recorded_at, source)"
            " SELECT id, %s, 'repaired', %s, %s, 'ticket' FROM device",
            [PRINTER, at, at],
        )
        (champion,) = champions(conn)
        ids = [row["id"] for row in conn.execute("SELECT id FROM device")]
        worn = [
            Settled(1, device, PRINTER, made.model_id, at, Outcome.PREVENTED, at) for device in ids
        ]
        without = calibration(conn, champion, [], past.end)
        found = calibration(conn, champion, worn, past.end)
    assert without.value == 0
    assert found.value is not None
    assert found.value > 0


def test_a_model_in_shadow_is_judged_anew_by_all_that_is_known_since(
    taught: Database, past: Told, made: Trained
) -> None:
    """The one in charge never warns, the one in shadow always does."""
    with taught.transaction() as conn:
        conn.execute("DELETE FROM failure")
        conn.execute("DELETE FROM maintenance")
        other = _copy(conn, made.model_id, "challenger")
        first, second = entry(conn, made.model_id), entry(conn, other)
        assert side_by_side(conn, first, second, [], past.end) is None
        for table, model, said in (("prediction", first, 0.0), ("shadow_prediction", second, 1.0)):
            told = {"start": START, "part": PRINTER, "model": model["id"], "p": said}
            conn.execute(
                f"""INSERT INTO {table} (at, device_id, component, model_id, horizon_h,
                                         probability, threshold, reasons, curve)
                    SELECT %(start)s + step * interval '6 hours', device.id, %(part)s, %(model)s, 24,
                           %(p)s, 0.5, '[]', ARRAY[0, 0, 0, 0]
                    FROM device, generate_series(40, 80) AS step""".encode(),
                told,
            )
        ids = [row["id"] for row in conn.execute("SELECT id FROM device ORDER BY id")]
        costs = CostSettings(**first["settings"]["costs"])

        def judged(*settled: Settled) -> SideBySide:
            found = side_by_side(conn, first, second, settled, past.end)
            assert found is not None
            return found

        before = judged()
        assert (before.first.cost, before.first.failures) == (0, 0)
        assert before.second.cost == costs.visit * len(ids)  # one false episode a device
        at = START + timedelta(days=15)
        conn.execute(
            "INSERT INTO failure (device_id, component, at, recorded_at, source)"
            " VALUES (%s, %s, %s, %s, 'ticket')",
            [ids[0], PRINTER, at, past.end],
        )
        late = judged()  # a failure that was put on record much later
        assert (late.first.warned, late.second.warned, late.second.failures) == (0, 1, 1)
        assert late.first.cost == costs.surprise
        worn = Settled(1, ids[1], PRINTER, made.model_id, at, Outcome.PREVENTED, at)
        both = judged(worn)
        assert (both.second.warned, both.second.failures) == (2, 2)
        findings = {each.model_id: each for each in shadows(conn, [worn], past.end)}
    assert findings[made.model_id].value == both.first.cost - both.second.cost
    assert "would have warned of 2 of 2 failures" in str(findings[made.model_id].said)


def _ticket(model: int, outcome: Outcome) -> Settled:
    return Settled(1, 1, PRINTER, model, START, outcome, START)


@pytest.mark.parametrize(
    ("right", "wrong", "alarmed"), [(0, 4, False), (0, 20, True), (8, 8, False), (1, 30, True)]
)
def test_tickets_that_are_surely_not_worth_their_visits_are_an_alarm(
    taught: Database, made: Trained, right: int, wrong: int, alarmed: bool
) -> None:
    settled = [_ticket(made.model_id, Outcome.CAME_TRUE)] * right
    settled += [_ticket(made.model_id, Outcome.NOTHING_WRONG)] * wrong
    settled += [_ticket(made.model_id + 1, Outcome.NOTHING_WRONG)] * 50  # another model's
    with taught.transaction() as conn:
        (champion,) = champions(conn)
        assert tickets(conn, champion, settled).alarmed is alarmed


def test_what_alarms_is_trained_anew_once_a_week_and_goes_through_the_gate(
    taught: Database, past: Told, made: Trained
) -> None:
    with taught.transaction() as conn:
        (champion,) = champions(conn)
        finding = tickets(conn, champion, [])
    alarm = Finding(made.model_id, "tickets", True, finding.said)
    clock = ManualClock(past.end)
    assert retrain(taught, clock, [alarm], SETTINGS) == []  # it was trained just now
    with taught.transaction() as conn:
        conn.execute("UPDATE model SET trained_at = trained_at - interval '8 days'")
    (candidate,) = retrain(taught, clock, [alarm], SETTINGS)
    # It learned from nothing that the champion had not seen: the gate keeps it out.
    assert candidate.stage is Stage.CANDIDATE
    assert "enough" in [check.name for check in candidate.verdict.wanting]
    assert retrain(taught, clock, [alarm], SETTINGS) == []
