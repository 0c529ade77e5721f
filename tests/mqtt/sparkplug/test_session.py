"""A Sparkplug session message by message: births, data, gaps, rebirths, deaths."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collectors.mqtt.sparkplug import SparkplugB
from domain.clock import ManualClock
from domain.device import ReportedState
from domain.errors import UndecodableMessageError
from domain.report import DeviceReport, Severity
from simulator.sparkplug import DOUBLE, INT32, INT64, STRING, UINT64, Metric
from tests.mqtt.sparkplug.helpers import BORN, NODE_KEY, TILL, TILL_KEY, Paper, Said


class Ear:
    """A dialect and the clock that it goes by."""

    def __init__(self) -> None:
        self.clock = ManualClock(BORN)
        self.dialect = SparkplugB(self.clock)

    def hear(self, said: Said) -> list[DeviceReport]:
        return list(self.dialect.decode(said.topic, said.body, self.clock.now()))

    def refuses(self, said: Said) -> str:
        with pytest.raises(UndecodableMessageError) as caught:
            self.hear(said)
        return str(caught.value)

    @property
    def asked(self) -> list[str]:
        return [command.topic for command in self.dialect.commands()]


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def node() -> Paper:
    return Paper()


@pytest.fixture
def born(ear: Ear, node: Paper) -> Paper:
    ear.hear(node.birth())
    ear.hear(node.device_birth())
    return node


def test_births_make_known_and_data_follows_by_alias(ear: Ear, node: Paper) -> None:
    (first,) = ear.hear(node.birth())
    (till,) = ear.hear(node.device_birth())
    (data,) = ear.hear(node.cuts(101))
    assert [each.device_key for each in (first, till, data)] == [NODE_KEY, TILL_KEY, TILL_KEY]
    assert till.contact.reported is ReportedState.ONLINE
    assert (till.counters, till.gauges) == (
        {"PaperCutCount": 100},
        {"x.SupplyVoltage": 12.0, "x.Open": 1.0},
    )
    assert till.events == ()  # what happened before the birth was told when it happened
    assert data.counters == {"PaperCutCount": 101}
    identities = [each.identity for each in (first, till, data) if each.identity]
    assert len({identity.boot_id for identity in identities}) == 1
    assert [identity.seq for identity in identities] == [1, 2, 3]
    assert ear.asked == []


def test_numbers_go_on_past_the_wrap_at_256(ear: Ear, born: Paper) -> None:
    seqs = [ear.hear(born.cuts(value))[0].identity for value in range(600)]
    assert [identity.seq for identity in seqs if identity] == list(range(3, 603))
    assert ear.asked == []


def test_a_gap_is_refused_and_a_rebirth_mends_it(ear: Ear, born: Paper) -> None:
    born.seq += 1
    assert "expected 2: messages were lost" in ear.refuses(born.cuts(5))
    assert "a new birth is awaited" in ear.refuses(born.cuts(6))
    assert ear.asked == ["spBv1.0/g/NCMD/n"]
    assert ear.asked == []  # each command is handed out once
    ear.hear(born.birth())
    ear.hear(born.device_birth())
    assert ear.hear(born.cuts(7))[0].counters == {"PaperCutCount": 7}


def test_who_does_not_answer_is_asked_again_but_not_too_often(ear: Ear, born: Paper) -> None:
    born.seq += 1
    ear.refuses(born.cuts(5))
    asked = []
    for second in range(0, 400, 10):
        ear.refuses(born.cuts(5))
        if ear.asked:
            asked.append(second)
        ear.clock.advance(timedelta(seconds=10))
    assert asked == [0, 30, 90, 210]
    ear.hear(born.birth())
    ear.clock.advance(timedelta(days=1))
    ear.hear(born.birth())
    assert ear.asked == []


def test_a_start_asks_the_nodes_that_were_heard_before(node: Paper) -> None:
    keys = ["till-1", "g~n", "g~n~till", "Plant%201~a%7Eb~x"]
    ear = Ear()
    ear.dialect = SparkplugB(ear.clock, known=keys)
    assert ear.asked == ["spBv1.0/Plant 1/NCMD/a~b", "spBv1.0/g/NCMD/n"]
    ear.hear(node.birth())
    ear.clock.advance(timedelta(seconds=31))
    assert ear.asked == ["spBv1.0/Plant 1/NCMD/a~b"]


def test_data_without_a_birth_is_refused_and_asked_for(ear: Ear, born: Paper) -> None:
    restarted = Ear()
    assert "birth is not known" in restarted.refuses(born.cuts(5))
    assert restarted.asked == ["spBv1.0/g/NCMD/n"]


def test_data_of_a_device_that_was_not_born_is_refused(ear: Ear, born: Paper) -> None:
    assert "device 'kiosk'" in ear.refuses(born.cuts(5, device="kiosk"))
    assert ear.asked == ["spBv1.0/g/NCMD/n"]


def test_an_alias_that_the_birth_did_not_give_is_refused(ear: Ear, born: Paper) -> None:
    assert "alias 99" in ear.refuses(born.data(Metric("?", UINT64, 1, alias=99)))
    assert ear.asked == ["spBv1.0/g/NCMD/n"]


def test_what_comes_twice_has_the_same_identity_and_harms_nothing(ear: Ear, born: Paper) -> None:
    birth, again = born.cuts(5), born.cuts(6)
    first = ear.hear(birth)
    ear.hear(again)
    assert ear.hear(birth) == first
    assert ear.hear(born.cuts(7))[0].counters == {"PaperCutCount": 7}


def test_a_birth_that_comes_twice_does_not_start_anew(ear: Ear, node: Paper) -> None:
    birth, till = node.birth(), node.device_birth()
    ear.hear(birth)
    ear.hear(till)
    ear.hear(node.cuts(5))
    ear.hear(birth)
    ear.hear(till)
    assert ear.hear(node.cuts(6))[0].counters == {"PaperCutCount": 6}


def test_a_birth_that_comes_late_is_refused(ear: Ear, node: Paper) -> None:
    late = node.birth()
    ear.hear(node.birth())
    assert "a later birth" in ear.refuses(late)
    ear.hear(node.device_birth())
    assert ear.hear(node.cuts(6))[0].counters == {"PaperCutCount": 6}


def test_a_node_whose_clock_was_far_off_is_heard_when_it_is_set_back(ear: Ear, node: Paper) -> None:
    node.at = BORN + timedelta(days=400)
    ear.hear(node.birth())
    node.at = BORN
    assert len(ear.hear(node.birth())) == 1


def test_data_older_than_the_birth_is_refused(ear: Ear, born: Paper) -> None:
    born.at -= timedelta(minutes=1)
    assert "older than the birth" in ear.refuses(born.cuts(5))


def test_a_death_is_the_will_of_the_node_and_of_its_devices(ear: Ear, born: Paper) -> None:
    wills = ear.hear(born.death())
    assert {will.device_key for will in wills} == {NODE_KEY, TILL_KEY}
    assert all(will.contact.is_will and will.identity and will.identity.seq == 0 for will in wills)
    assert "the node is dead" in ear.refuses(born.cuts(5))


def test_a_death_of_an_earlier_session_is_ignored(ear: Ear, born: Paper) -> None:
    stale = born.death()
    born.bd_seq += 1
    ear.hear(born.birth())
    ear.hear(born.device_birth())
    assert ear.hear(stale) == []
    assert ear.hear(born.cuts(5))[0].counters == {"PaperCutCount": 5}


def test_a_lost_device_is_offline_by_the_nodes_word(ear: Ear, born: Paper) -> None:
    (dead,) = ear.hear(born.message("DDEATH", "till", []))
    assert (dead.contact.reported, dead.contact.is_will) == (ReportedState.OFFLINE, False)
    assert "birth is not known" in ear.refuses(born.cuts(5))


def test_events_are_told_in_canonical_words(ear: Ear, born: Paper) -> None:
    def told(value: str) -> tuple[str, str, Severity, str, str]:
        said = born.data(Metric("Events/billAcceptor", STRING, value, alias=4))
        (event,) = ear.hear(said)[0].events
        return event.component, event.code, event.severity, event.dialect, event.raw_code

    bill = "billAcceptor"
    assert told("id003:45") == (bill, "jamAcceptor", Severity.WARNING, "id003", "45")
    assert told("id003:EE") == (bill, "EE", Severity.WARNING, "id003", "EE")
    assert told("stackerFull")[1:3] == ("stackerFull", Severity.ERROR)
    assert "allowed: a code" in ear.refuses(
        born.data(Metric("Events/billAcceptor", STRING, "<b>", alias=4))
    )


def test_an_unreadable_birth_voids_the_one_before(ear: Ear, born: Paper) -> None:
    said = born.birth()
    said.body = said.body[:-3]
    ear.refuses(said)
    assert "a new birth is awaited" in ear.refuses(born.cuts(5))


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ((Metric("", UINT64, 1),), "without a name"),
        ((TILL[0], TILL[0]), "twice in one birth"),
        ((TILL[0], Metric("x.B", UINT64, 1, alias=1)), "alias 1: of"),
        ((Metric("State", STRING, "fine"),), "'fine'; allowed: online"),
        ((Metric("PaperCutCount", INT32, -1),), "-1.0; allowed: 0 or more"),
        ((Metric("Properties/Heartbeat Interval", INT32, 0),), "allowed: 1 to 86400"),
        ((Metric("State", STRING, "on\nline"),), "printable characters"),
    ],
)
def test_a_birth_that_contradicts_itself_is_refused_with_the_reason(
    ear: Ear, node: Paper, metrics: tuple[Metric, ...], reason: str
) -> None:
    ear.hear(node.birth())
    assert reason in ear.refuses(node.device_birth(metrics=metrics))


def test_names_that_would_become_one_stay_two(ear: Ear, node: Paper) -> None:
    ear.hear(node.birth())
    metrics = [
        Metric(name, DOUBLE, float(place))
        for place, name in enumerate(("a b", "a_b", "x.a_b", "a/b", "ä", "ö", "a" * 100, "a" * 101))
    ]
    (report,) = ear.hear(node.device_birth(metrics=metrics))
    assert sorted(report.gauges.values()) == [float(place) for place in range(len(metrics))]
    assert report.gauges["x.a_b"] in (1.0, 2.0)
    assert all(len(name) <= 64 for name in report.gauges)


def test_no_two_addresses_share_a_key(ear: Ear) -> None:
    addresses = [("g", "n", "d"), ("g~n", "d", ""), ("g", "n~d", ""), ("g/", "n", "d")]
    keys = set()
    for group, name, device in addresses[:3]:
        paper = Paper(group, name)
        (birth,) = ear.hear(paper.birth())
        keys.add(birth.device_key)
        if device:
            keys.add(ear.hear(paper.device_birth(device))[0].device_key)
    assert keys == {"g~n", "g~n~d", "g%7En~d", "g~n%7Ed"}


def test_silence_beyond_the_promise_is_asked_about(ear: Ear, node: Paper) -> None:
    ear.hear(node.birth())
    interval = Metric("Properties/Heartbeat Interval", INT32, 60)
    (till,) = ear.hear(node.device_birth(metrics=(*TILL, interval)))
    assert till.contact.interval_s == 60
    ear.clock.advance(timedelta(seconds=59))
    assert ear.asked == []
    ear.clock.advance(timedelta(seconds=6))
    assert ear.asked == ["spBv1.0/g/NCMD/n"]


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("spBv1.0/g/NBIRTH", "allowed: spBv1.0/group/kind"),
        ("spBv1.0/g/DDATA/n", "allowed: spBv1.0/group/kind"),
        ("spBv1.0/g/NDATA/n/d", "allowed: spBv1.0/group/kind"),
        ("spBv1.0//NBIRTH/n", "level ''"),
        ("spBv1.0/g/NBIRTH/+", "level '+'"),
        ("spBv1.0/g/NBIRTH/" + "n" * 129, "1 to 128"),
        ("spBv1.0/g/NBIRTH/a\u0000b", "printable"),
        ("spBv1.0/g/MOOD/n", "allowed: spBv1.0/group/kind"),
    ],
)
def test_a_topic_that_names_nobody_is_refused(ear: Ear, topic: str, reason: str) -> None:
    assert reason in ear.refuses(Said(topic, b""))


@pytest.mark.parametrize("topic", ["spBv1.0/STATE/host", "spBv1.0/g/NCMD/n", "spBv1.0/g/DCMD/n/d"])
def test_what_is_said_to_others_says_nothing(ear: Ear, topic: str) -> None:
    assert ear.hear(Said(topic, b"{")) == []
    assert ear.asked == []


def test_negative_numbers_are_read_by_their_own_width(ear: Ear, node: Paper) -> None:
    ear.hear(node.birth())
    metrics = (Metric("a", INT32, -7, alias=1), Metric("b", INT64, -8, alias=2))
    (report,) = ear.hear(node.device_birth(metrics=metrics))
    assert report.gauges == {"x.a": -7.0, "x.b": -8.0}
