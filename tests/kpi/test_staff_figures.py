"""The staff's figures: what they say, how sure they are, and what they make up for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError
from domain.fault import CausedBy, FaultClass, Finding
from kpi.avoided.estimate import Arm, avoided
from kpi.staff.cases import CaseFacts
from kpi.staff.figures import figures, kept_measure, measures, median_interval, wilson
from kpi.staff.prevented import Held, prevented
from kpi.staff.rules import read_rules, rules

MORNING = datetime(2026, 5, 4, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
NUMBERS = count(1)


def case(engineer: str, **told: object) -> CaseFacts:
    facts: dict[str, object] = {
        "ticket_id": next(NUMBERS),
        "engineer": engineer,
        "site": "s1",
        "customer": "c1",
        "region": "Tabriz",
        "region_class": "urban",
        "kind": "kiosk",
        "model": "K1",
        "age_years": 1.0,
        "fault_class": FaultClass.BREAKDOWN,
        "origin": "device",
        "opened_at": MORNING,
        "responded_at": MORNING + HOUR / 2,
        "set_out_at": MORNING + HOUR,
        "arrived_at": MORNING + 2 * HOUR,
        "repaired_at": MORNING + 3 * HOUR,
        "closed_at": MORNING + 30 * HOUR,
        "visits": 1,
        "calls": 0,
        "second_calls": 0,
        "relapsed": False,
        "back_after_s": None,
        "foretold": False,
        "failed": True,
        "finding": None,
        "caused_by": CausedBy.DEVICE,
        "excused": False,
    }
    return CaseFacts(**{**facts, **told})  # type: ignore[arg-type]


def by_engineer(one: CaseFacts) -> str | None:
    return one.engineer


def of(cases: list[CaseFacts], measure: str) -> dict[str, tuple[float | None, float | None]]:
    """Raw and adjusted, by engineer."""
    found = figures(cases, by_engineer, measures(rules()), rules())
    picked = {
        key: next(figure for figure in row if figure.measure == measure)
        for key, row in found.items()
    }
    return {key: (figure.value, figure.adjusted) for key, figure in picked.items()}


def known(*values: float | None) -> list[float]:
    found = [value for value in values if value is not None]
    assert len(found) == len(values)
    return found


def test_times_are_medians_in_hours_and_shares_are_shares() -> None:
    late = {"responded_at": MORNING + 4 * HOUR, "visits": 2}
    cases = [case("li"), case("li"), case("li", **late), case("li", visits=0, arrived_at=None)]
    assert of(cases, "response_h")["li"][0] == 0.5
    assert of(cases, "repair_h")["li"][0] == 1
    assert of(cases, "first_time_fix")["li"][0] == pytest.approx(2 / 3)


def test_a_repair_that_did_not_hold_fixed_nothing() -> None:
    cases = [case("li"), case("li", relapsed=True), case("li", back_after_s=86_400.0)]
    assert of(cases, "first_time_fix")["li"][0] == pytest.approx(1 / 3)


def foretold(engineer: str, *, failed: bool, hold_out_id: int | None = None) -> CaseFacts:
    return case(engineer, foretold=True, failed=failed, hold_out_id=hold_out_id)


def test_without_a_hold_out_what_was_prevented_has_bounds_and_no_value() -> None:
    cases = [foretold("li", failed=each) for each in (True, False, False, False)]
    found = prevented([*cases, case("li"), case("wang")], by_engineer, None, rules())
    assert (found["li"].value, found["li"].low, found["li"].high) == (None, 0, 0.75)
    assert found["li"].cases == tuple(one.ticket_id for one in cases)
    assert (found["wang"].low, found["wang"].high, found["wang"].cases) == (None, None, ())


def test_with_a_hold_out_it_is_the_difference_of_the_failure_rates() -> None:
    drawn = [foretold("li", failed=number < 10, hold_out_id=3) for number in range(40)]
    apart = [foretold("li", failed=True, hold_out_id=each) for each in (None, 2)]
    held = Held(3, Arm(30, 15))
    found = prevented([*drawn, *apart], by_engineer, held, rules())["li"]
    told = avoided(held.arm, Arm(40, 10))
    assert (found.value, found.low, found.high) == (0.25, told.low, told.high)
    assert found.cases == tuple(one.ticket_id for one in drawn)
    assert not found.few
    scarce = prevented(drawn, by_engineer, Held(3, Arm(5, 2)), rules())["li"]
    assert scarce.few
    nothing = prevented(drawn, by_engineer, Held(4, Arm(30, 15)), rules())["li"]
    assert (nothing.value, nothing.low, nothing.high) == (None, 0, 0.75)


def test_by_the_first_rules_only_what_somebody_could_tell_was_prevented() -> None:
    first = read_rules('version = "1"\nrepeat_days = 30\nfew = 20\nage_bands_years = [2]')
    cases = [
        case("li", foretold=True, failed=False, finding=Finding.WORN),
        case("li", foretold=True, failed=True, finding=Finding.FAILED),
        case("li", foretold=True, failed=False, finding=Finding.NO_FAULT_FOUND),
        case("li", foretold=True, failed=False, finding=Finding.CANNOT_TELL),
        case("li", foretold=True, failed=False, finding=None),
        case("li"),
    ]
    [*_, found] = figures(cases, by_engineer, measures(first), first)["li"]
    assert found.measure == "prevented"
    assert found.value == pytest.approx(1 / 3)


def test_a_promised_time_is_a_measure_like_others() -> None:
    cases = [case("li"), case("li"), case("wang")]
    kept = {cases[0].ticket_id: True, cases[1].ticket_id: False}
    measure = kept_measure("on_site", "engineer on site", kept)
    found = figures(cases, lambda one: one.engineer, [measure], rules())
    assert [(key, row[0].value) for key, row in found.items()] == [("li", 0.5), ("wang", None)]
    assert found["li"][0].cases == (cases[0].ticket_id, cases[1].ticket_id)


def test_who_has_the_old_devices_far_away_is_not_worse_for_it() -> None:
    random = Random(1)
    hard = {"age_years": 9.0, "region_class": "other_city"}
    cases = []
    for engineer, share_of_hard in (("easy", 0.1), ("hard", 0.9)):
        for _ in range(400):
            difficult = random.random() < share_of_hard
            repeated = random.random() < (0.4 if difficult else 0.1)
            again = 86_400.0 if repeated else None
            hours = random.lognormvariate(2 if difficult else 0, 0.5)
            told = hard if difficult else {}
            times = {"responded_at": MORNING + hours * HOUR}
            cases.append(case(engineer, back_after_s=again, **told, **times))
    for measure in ("repeats", "response_h"):
        found = of(cases, measure)
        (easy, easy_fair), (hard_, hard_fair) = known(*found["easy"]), known(*found["hard"])
        assert hard_ > 1.8 * easy
        assert hard_fair == pytest.approx(easy_fair, rel=0.25)


def test_what_was_the_user_s_or_many_devices_at_once_is_in_the_raw_figure_only() -> None:
    own = [case("li") for _ in range(5)]
    others = [
        case("li", back_after_s=86_400.0, caused_by=CausedBy.USER),
        case("li", back_after_s=86_400.0, origin="batch"),
        case("li", back_after_s=86_400.0, excused=True),
    ]
    raw, adjusted = of(own + others, "repeats")["li"]
    assert raw == pytest.approx(3 / 8)
    assert adjusted == 0


def test_few_cases_are_marked() -> None:
    cases = [case("li") for _ in range(20)] + [case("wang") for _ in range(19)]
    found = figures(cases, lambda one: one.engineer, measures(rules()), rules())
    assert {key: row[0].few for key, row in found.items()} == {"li": False, "wang": True}


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=50))
def test_a_share_lies_in_its_interval_which_narrows(values: list[float]) -> None:
    share, low, high = known(*wilson(values))
    assert 0 <= low <= share <= high <= 1
    _, lower, higher = known(*wilson(values * 4))
    assert higher - lower < high - low


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=50))
def test_a_median_lies_in_its_interval(values: list[float]) -> None:
    middle, low, high = known(*median_interval(values))
    assert min(values) <= low <= middle <= high <= max(values)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("repeat_days = 0", "repeat_days: 0; allowed: 1 to 365"),
        ("age_bands_years = [5, 2]", "rising, above 0"),
        ("fewer = 3", "fewer"),
    ],
)
def test_rules_that_do_not_fit_are_refused(line: str, said: str) -> None:
    good = {
        "version": 'version = "1"',
        "repeat_days": "repeat_days = 30",
        "few": "few = 20",
        "age_bands_years": "age_bands_years = [2]",
    }
    text = "\n".join({**good, line.split(" ")[0]: line}.values())
    with pytest.raises(ConfigurationError, match=said):
        read_rules(text)
