"""Plans and calendars as data, contracts and what counts when, and what changes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from desk.actions import move
from desk.calls import Call, Channel, take
from desk.contracts import Contracts, VoidReason, contract_of, shipped
from desk.contracts.book import ClockTable, PlanBook, PlanTable, read_text
from desk.contracts.calendars import CalendarTable
from desk.contracts.reading import books
from desk.contracts.sheet import CONTRACT_COLUMNS, read_sheet, template
from desk.contracts.writing import PlanFile, publish, take_in, void_warranty
from desk.sla import Target
from desk.sla.reading import clocks_of
from domain.calendar import DAY_OFF
from domain.clock import ManualClock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from storage.database import Database
from tests.alerts.conftest import World

OFFICE_HOURS = ((9 * 3600, 18 * 3600),)


def hours(book: PlanBook, calendar: str, day: str) -> object:
    return book.calendar(calendar, "UTC").hours(date.fromisoformat(day))


def test_every_clock_of_the_fields_contracts_is_shipped() -> None:
    kiosk = {promise.name: promise.targets for promise in shipped().plans["kiosk"].promises}
    hour = timedelta(hours=1)
    assert kiosk == {
        "plan_of_action": {"": Target(timedelta(minutes=40))},
        "phone_support": {"": Target(timedelta(minutes=30))},
        "set_out": {"other_city": Target(hour)},
        "on_site": {
            "urban": Target(4 * hour, aim=2 * hour),
            "suburban": Target(6 * hour, aim=4 * hour),
            "other_city": Target(24 * hour),
        },
        "repair": {"": Target(2 * hour)},
        "total_major": {"": Target(10 * hour)},
        "total": {"": Target(72 * hour)},
    }
    assert shipped().plans["kiosk"].mean_repair == hour
    clock = {promise.name: promise.targets for promise in shipped().plans["clock"].promises}
    assert clock == {"respond": {"": Target(2 * hour)}, "resolve": {"": Target(24 * hour)}}


def test_the_office_plan_promises_what_the_other_does_in_office_hours() -> None:
    always, office = shipped().plans["kiosk"], shipped().plans["kiosk_office"]
    assert [promise.name for promise in office.promises] == [p.name for p in always.promises]
    assert office.calendar == "office"


@pytest.mark.parametrize(
    ("calendar", "day", "expected"),
    [
        ("office_cn", "2025-10-01", DAY_OFF),
        ("office_cn", "2025-09-28", OFFICE_HOURS),  # a Sunday, worked for 7 October
        ("office_cn", "2026-02-23", DAY_OFF),
        ("office_cn", "2026-02-28", OFFICE_HOURS),  # a Saturday
        ("office_cn", "2026-03-07", DAY_OFF),
        ("office_ir", "2026-03-21", DAY_OFF),  # Nowruz
        ("office_ir", "2026-04-11", OFFICE_HOURS),  # a Saturday
        ("office_ir", "2026-04-09", ((9 * 3600, 13 * 3600),)),  # a Thursday
        ("office_ir", "2026-04-10", DAY_OFF),
        ("office", "2026-01-01", OFFICE_HOURS),  # no country: no holidays
    ],
)
def test_holidays_and_make_up_days_are_known(calendar: str, day: str, expected: object) -> None:
    assert hours(shipped(), calendar, day) == expected


def test_a_file_changes_what_it_names_and_leaves_the_rest() -> None:
    book = read_text(
        """
        [calendars.office_cn.days]
        "2027-02-14" = ["10:00-12:00"]
        [plans.kiosk.clocks.on_site]
        target = { urban = "3h" }
        [plans.kiosk.clocks.repair]
        off = true
        [plans.gold]
        label = "Gold"
        pauses = ["waiting_customer", "waiting_part"]
        [plans.gold.clocks.answer]
        label = "somebody answers"
        start = "opened"
        goal = "planned"
        target = "1h 30min"
        """
    )
    kiosk = {promise.name: promise for promise in book.plans["kiosk"].promises}
    assert kiosk["on_site"].target("urban") == Target(timedelta(hours=3))
    assert kiosk["on_site"].target("other_city") == Target(timedelta(days=1))
    assert "repair" not in kiosk
    [answer] = book.plans["gold"].promises
    assert (answer.label, answer.target("urban")) == (
        "somebody answers",
        Target(timedelta(minutes=90)),
    )
    assert hours(book, "office_cn", "2027-02-14") == ((36_000, 43_200),)
    assert hours(book, "office_cn", "2026-02-28") == OFFICE_HOURS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[plans.kiosk\n", "not TOML"),
        ("rules = 1", "rules: unknown; allowed: calendars, plans"),
        ("[plans.kiosk]\nwarn = 1", "plans.kiosk: warn: unknown; allowed: label, kinds, calendar"),
        ("[plans.kiosk]\nwarn_at = 3.0", "plans.kiosk.warn_at: 3.0; allowed: 0 to 1"),
        ("[plans.kiosk]\ncalendar = 'x'", "plans.kiosk.calendar: 'x'; allowed: always, office"),
        ("[plans.Kiosk]\n", "plans.Kiosk: not a name; allowed: small letters"),
        ("[plans.kiosk]\npauses = ['new']", "plans.kiosk.pauses: 'new'; allowed: waiting_customer"),
        ("[plans.kiosk]\nlabel = '{x}'", "plans.kiosk.label: '{x}'; allowed: 80 signs"),
        ("[plans.kiosk]\nkinds = ['clock', '*']", "kinds clock stand in two plans"),
        ("[plans.kiosk]\nkinds = []", "no plan has '*' among its kinds"),
        (
            "[plans.kiosk.clocks.total]\ngoal = 'fin'",
            "plans.kiosk.clocks.total: goal: Invalid enum value 'fin'; allowed: planned, helped",
        ),
        (
            "[plans.kiosk.clocks.total]\ntarget = '3 days'",
            "plans.kiosk.clocks.total.target: '3 days'; allowed: a time such as 40min, 2h",
        ),
        ("[plans.kiosk.clocks.total]\ntarget = '4h to 2h'", "allowed: the shorter time first"),
        (
            "[plans.kiosk.clocks.total]\ntarget = { rural = '2h' }",
            "plans.kiosk.clocks.total.target.rural: unknown; allowed: urban, suburban",
        ),
        ("[calendars.x]\nmon = ['9-18']", "calendars.x.mon: '9-18'; allowed: HH:MM-HH:MM"),
        (
            "[calendars.x]\nmon = ['09:00-13:00', '12:00-18:00']",
            "calendars.x.mon: '12:00-18:00'; allowed: hours of one day, 00:00 to 24:00, in order",
        ),
        ("[calendars.x]\nmon = ['09:00-18:60']", "calendars.x.mon: '09:00-18:60'"),
        ("[calendars.x]\ncountry = 'IR'", "calendars.x.no hours; allowed"),
        ("[calendars.x]\ncountry = 'XX'\nmon = ['09:00-18:00']", "calendars.x.country: 'XX'"),
        ("[calendars.x]\nzone = 'Mars'\nmon = ['09:00-18:00']", "calendars.x.zone: 'Mars'"),
        ("[calendars.x.days]\n'2027-02-30' = []", "calendars.x: Invalid RFC3339 encoded date"),
        ("calendars = 3", "calendars: '3'; allowed: tables"),
    ],
)
def test_a_wrong_file_is_refused_with_the_key_and_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(BadInputError) as refused:
        read_text(text)
    assert said in str(refused.value)


def test_the_chapter_for_administrators_says_what_is_shipped() -> None:
    chapter = (Path(__file__).parents[2] / "docs" / "service-plans.md").read_text("utf-8")
    example = chapter.split("```toml")[1].split("```")[0]
    book = read_text(example)
    assert [promise.name for promise in book.plans["gold"].promises] == ["answer"]
    for plan in shipped().plans.values():
        for promise in plan.promises:
            assert f"| `{promise.name}` |" in chapter
    for table in (PlanTable, ClockTable, CalendarTable):
        for key in table.__struct_fields__:
            if key not in ("tue", "wed", "thu", "fri", "sat"):  # "mon ... sun"
                assert f"`{key}`" in chapter, key
    for column in CONTRACT_COLUMNS:
        assert f"`{column}`" in chapter, column


# What counts for a device, and when.


def contracts(world: World, device_id: int) -> Contracts:
    with world.database.transaction() as conn:
        return contract_of(conn, device_id)


def bring_in(world: World, text: str) -> int:
    sheet = read_sheet("contracts.csv", text.encode())
    with world.database.transaction() as conn:
        return take_in(conn, world.clock, sheet, actor="mia")


HEAD = "contract,customer,site,plan,calendar,valid_from,valid_until,travel,replacement\n"


def test_without_a_contract_the_kind_of_device_has_its_usual_plan(world: World) -> None:
    now = world.clock.now()
    assert contracts(world, world.clock_device).at(now).plan.name == "clock"
    assert contracts(world, world.kiosk).at(now).plan.name == "kiosk"
    assert contracts(world, world.kiosk).contract_at(now) is None


def test_a_sites_own_contract_goes_before_its_customers_and_a_later_one_before_an_earlier(
    world: World,
) -> None:
    bring_in(
        world,
        HEAD
        + "all,c,,clock,,2026-01-01,,customer,included\n"
        + "site,c,s,kiosk_office,office_ir,2026-03-10,2026-03-31,provider,billable\n"
        + "renewed,c,,kiosk,,2026-05-01,,customer,included\n",
    )
    found = contracts(world, world.kiosk)

    def name(day: int, month: int = 3, hour: int = 12) -> str | None:
        contract = found.contract_at(datetime(2026, month, day, hour, tzinfo=UTC))
        return contract.key if contract else None

    assert [name(9), name(10), name(31), name(1, 4), name(1, 5)] == [
        "all",
        "site",
        "site",
        "all",
        "renewed",
    ]
    assert contracts(world, world.kiosk).contract_at(datetime(2025, 12, 31, tzinfo=UTC)) is None
    terms = found.at(datetime(2026, 3, 20, tzinfo=UTC))
    assert (terms.plan.name, terms.calendar.name) == ("kiosk_office", "office_ir")


def test_a_contracts_days_are_those_of_the_site(world: World) -> None:
    with world.database.transaction() as conn:
        conn.execute("UPDATE site SET time_zone = 'Asia/Tehran'")
    bring_in(world, HEAD + "a,c,,clock,,2026-03-10,2026-03-10,customer,included\n")
    found = contracts(world, world.kiosk)
    begins = datetime(2026, 3, 9, 20, 30, tzinfo=UTC)  # midnight in Tehran
    second = timedelta(seconds=1)
    valid = [found.contract_at(moment) is not None for moment in (begins - second, begins)]
    assert valid == [False, True]
    ends = begins + timedelta(days=1)
    assert [found.contract_at(moment) is None for moment in (ends - second, ends)] == [False, True]


def test_a_sheet_brings_contracts_to_what_it_says_and_is_audited(world: World) -> None:
    assert bring_in(world, HEAD + "a,c,s,clock,,2026-01-01,,customer,included\n") == 1
    bring_in(world, HEAD + "a,c,,kiosk,office,2026-02-01,2026-12-31,provider,billable\n")
    [row] = world.rows("SELECT * FROM contract")
    assert (row["key"], row["site_id"], row["plan"], row["travel"]) == (
        "a",
        None,
        "kiosk",
        "provider",
    )
    entries = world.rows("SELECT actor, detail FROM audit_entry WHERE action = 'import_contracts'")
    assert [entry["actor"] for entry in entries] == ["mia", "mia"]
    assert entries[0]["detail"] == {"file": "contracts.csv", "rows": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contract,kunde\n", "row 1: column 'kunde'; allowed: contract, customer"),
        ("contract,customer,plan\n", "row 1: the column 'valid_from' is missing"),
        (HEAD + "a,c,,kiosk,,1/2,,,\n", "row 2, column valid_from: '1/2'; allowed: a day such as"),
        (HEAD + "a,c,,kiosk,,,,,\n", "row 2, column valid_from: ''; allowed: a day"),
        (HEAD + "a,c,,kiosk,,2026-01-02,2026-01-01,,\n", "column valid_until: '2026-01-01'"),
        (HEAD + "a,c,,kiosk,,2026-01-02,,me,\n", "travel: 'me'; allowed: customer, provider"),
        (HEAD + "a,x,,kiosk,,2026-01-02,,,\n", "row 2, column customer: 'x'; allowed: c"),
        (HEAD + "a,c,x,kiosk,,2026-01-02,,,\n", "site: 'x'; allowed: a site of that customer"),
        (HEAD + "a,c,,gold,,2026-01-02,,,\n", "plan: 'gold'; allowed: kiosk, kiosk_office, clock"),
        (HEAD + "a,c,,kiosk,moon,2026-01-02,,,\n", "calendar: 'moon'; allowed: always, office"),
        (
            HEAD + "a,c,,kiosk,,2026-01-02,,,\na,c,,clock,,2026-02-02,,,\n",
            "row 3, column contract: 'a'; allowed: once; it stands in row 2",
        ),
        (
            HEAD + "a,c,,kiosk,,2026-01-02,,,\nb,c,,clock,,2026-01-02,,,\n",
            "row 3: another contract of the same place begins on that day",
        ),
        ("device,months\nnobody,12\n", "row 2, column device: 'nobody'; allowed: a device"),
        ("device,months\nkiosk-1,9999\n", "column months: '9999'; allowed: 0 to 600"),
    ],
)
def test_a_wrong_sheet_changes_nothing_and_says_why(world: World, text: str, said: str) -> None:
    with pytest.raises(BadInputError) as refused:
        bring_in(world, text)
    assert said in str(refused.value)
    assert world.rows("SELECT * FROM contract") == []


def test_the_templates_can_be_read() -> None:
    assert len(read_sheet("t.csv", template().encode()).lines) == 1
    assert read_sheet("t.csv", template(of_devices=True).encode()).of_devices


def test_warranties_come_by_a_sheet_and_are_voided_once(world: World) -> None:
    bring_in(world, "device,starts_on,months\nkiosk-1,2025-06-01,24\n")
    warranty = contracts(world, world.kiosk).warranty
    assert (warranty.starts_on, warranty.months) == (date(2025, 6, 1), 24)
    with world.database.transaction() as conn:
        void_warranty(conn, world.clock, "kiosk-1", VoidReason.IMPACT, actor="mia")
    found = contracts(world, world.kiosk).warranty
    assert (found.voided_at, found.void_reason) == (world.clock.now(), VoidReason.IMPACT)
    for key, refusal in (("kiosk-1", NotAllowedError), ("nobody", NotFoundError)):
        with world.database.transaction() as conn, pytest.raises(refusal):
            void_warranty(conn, world.clock, key, VoidReason.MISUSE, actor="mia")
    bring_in(world, "device,months\nkiosk-1,36\n")  # what is void stays void
    assert contracts(world, world.kiosk).warranty.void_reason is VoidReason.IMPACT


# The plans in force.


def newest(database: Database) -> PlanBook:
    with database.transaction() as conn:
        return books(conn).newest


def test_a_file_is_put_in_force_when_it_changes_and_the_past_keeps_its_plans(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "plans.toml"
    path.write_text("[plans.kiosk.clocks.repair]\ntarget = '4h'\n")
    file = PlanFile(path)
    begin = clock.now()
    for _ in range(2):
        file.publish(database, clock)
    clock.advance(timedelta(days=1))
    path.write_text("[plans.kiosk.clocks.repair]\ntarget = '60min'\n")
    file.publish(database, clock)
    with database.transaction() as conn:
        shelf = books(conn)

    def repair(at: datetime) -> timedelta:
        [found] = [p for p in shelf.at(at).plans["kiosk"].promises if p.name == "repair"]
        target = found.target("urban")
        assert target is not None
        return target.limit

    assert len(shelf.known) == 2
    moments = (begin - timedelta(days=9), begin, clock.now() - timedelta(seconds=1), clock.now())
    assert [repair(at) / timedelta(hours=1) for at in moments] == [4, 4, 4, 1]


def test_a_book_comes_back_as_it_was(database: Database, clock: ManualClock) -> None:
    """Its digest names it in every process, and its clocks keep their order."""
    publish(database, clock, shipped())
    found = newest(database)
    assert found.digest == shipped().digest
    again = read_text("")
    assert [*found.plans] == [*again.plans]
    assert found.plans == again.plans


def test_a_bad_file_leaves_the_plans_in_force_as_they_are(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "plans.toml"
    path.write_text("[plans.kiosk.clocks.repair]\ntarget = '4h'\n")
    PlanFile(path).publish(database, clock)
    good = newest(database)
    path.write_text("[plans.kiosk.clocks.repair]\ntarget = 'soon'\n")
    PlanFile(path).publish(database, clock)
    assert newest(database) is good


def test_a_plan_that_a_contract_names_can_not_be_taken_away(world: World) -> None:
    gold = "[plans.gold.clocks.a]\nstart = 'opened'\ngoal = 'done'\ntarget = '2h'\n"
    publish(world.database, world.clock, read_text(gold))
    bring_in(world, HEAD + "a,c,,gold,,2026-01-01,,customer,included\n")
    with pytest.raises(BadInputError, match=r"plans\.gold: missing; contract a goes by it"):
        publish(world.database, world.clock, shipped())
    found = contracts(world, world.kiosk)
    assert found.at(world.clock.now()).plan.name == "gold"


def test_what_held_at_a_moment_is_what_was_agreed_for_where_the_device_stood_then(
    world: World,
) -> None:
    """A case goes on at the new place; the promises that had started there keep the old place's terms."""
    head = "contract,customer,site,plan,valid_from,valid_until\n"
    text = f"{head}old,c,s,clock,2026-01-01,2026-12-31\nnew,c,t,kiosk_office,2026-01-01,\n"
    call = Call(Channel.PHONE, "it jams", device_id=world.kiosk, component="receiptPrinter")
    with world.database.transaction() as conn:
        conn.execute(
            "INSERT INTO site (key, name, customer_id, time_zone, region_class)"
            " SELECT 't', 'T', customer_id, 'Asia/Tehran', 'suburban' FROM site WHERE key = 's'"
        )
        take_in(conn, world.clock, read_sheet("c.csv", text.encode()), actor="mia")
    case = take(world.database, world.clock, call, actor="desk").id
    world.pass_time(hours=1)
    moved = world.clock.now()
    with world.database.transaction() as conn:
        conn.execute(
            "UPDATE device SET site_id = (SELECT id FROM site WHERE key = 't'), placed_at = %(at)s"
            " WHERE id = %(id)s",
            {"at": moved, "id": world.kiosk},
        )
    for name in ("plan", "dispatch", "arrive"):
        move(world.database, world.clock, case, name, actor="li")
    with world.database.transaction() as conn:
        found = clocks_of(conn, [case], world.clock.now())[case]
        agreed = contract_of(conn, world.kiosk)
    plans = {clock.name: (clock.plan, clock.calendar.zone.key) for clock in found}
    assert plans == {
        "respond": ("clock", "UTC"),
        "resolve": ("clock", "UTC"),
        "repair": ("kiosk_office", "Asia/Tehran"),
    }
    before = agreed.contract_at(moved - timedelta(seconds=1))
    assert before is not None
    assert before.key == "old"
    midnight = datetime(2027, 1, 1, tzinfo=UTC)
    assert {moved, midnight} <= set(agreed.edges())
