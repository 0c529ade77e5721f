"""Letters arrive at least once, in order, and what can't arrive is kept for people to see."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from alerts.outbox.delivery import Letter
from alerts.outbox.letters import channel_loads, counts, dead_letters, retry, tidy
from alerts.outbox.sending import (
    GIVE_UP_AFTER,
    LEASE,
    PATIENCE,
    SIDE_BY_SIDE,
    PostOffice,
    wait_s,
)
from domain.clock import ManualClock
from domain.errors import NotDeliveredError, NotFoundError
from storage.database import Database
from tests.outbox.post import Box, letter, put, sender
from tests.waiting import wait_for


def test_each_is_sent_once_and_the_same_key_is_the_same_letter(
    database: Database, clock: ManualClock
) -> None:
    put(database, clock, letter("a"), letter("b", "alert/2"), letter("a"))
    put(database, clock, letter("b", "alert/2"))
    box = Box()
    assert sender(database, clock, box).send_due("mail") == 2
    put(database, clock, letter("a"))
    assert sender(database, clock, box).send_due("mail") == 0
    assert box.keys == ["a", "b"]


def test_a_later_letter_waits_for_the_earlier_one_of_its_subject(
    database: Database, clock: ManualClock
) -> None:
    put(database, clock, letter("a1"), letter("a2"), letter("b1", "alert/2"))
    box = Box(lambda one: NotDeliveredError("busy") if one.key == "a1" else None)
    post = sender(database, clock, box)
    post.send_due("mail")
    assert box.keys == ["b1"]
    box.refuse = lambda _: None
    clock.advance(timedelta(minutes=1))
    post.send_due("mail")
    assert box.keys == ["b1", "a1", "a2"]


def test_order_is_kept_for_each_person_by_itself(database: Database, clock: ManualClock) -> None:
    put(database, clock, letter("a1", person="li"), letter("a2", person="sara"))
    box = Box(lambda one: NotDeliveredError("busy") if one.person == "li" else None)
    sender(database, clock, box).send_due("mail")
    assert box.keys == ["a2"]


def test_a_claimed_letter_is_free_again_when_its_lease_is_over(
    database: Database, clock: ManualClock
) -> None:
    put(database, clock, letter("a"))
    post = sender(database, clock, Box())
    assert [one.key for one in post._claim("mail")] == ["a"]  # and the worker is killed here
    assert post._claim("mail") == []
    clock.advance(LEASE)
    assert [(one.key, one.attempts) for one in post._claim("mail")] == [("a", 2)]


def test_waits_double_and_are_spread(database: Database, clock: ManualClock) -> None:
    assert 2.5 <= wait_s(1) <= 7.5
    assert 80 <= wait_s(6) <= 240
    assert wait_s(99) <= 5400
    assert wait_s(1, asked_s=120) >= 120
    assert wait_s(1, asked_s=1e9) <= 6 * 3600


def test_what_the_receiver_asks_to_wait_is_waited(database: Database, clock: ManualClock) -> None:
    put(database, clock, letter("a"))
    box = Box(lambda _: NotDeliveredError("slow down", retry_after_s=600))
    post = sender(database, clock, box)
    post.send_due("mail")
    box.refuse = lambda _: None
    clock.advance(timedelta(minutes=9))
    assert post.send_due("mail") == 0
    clock.advance(timedelta(minutes=1))
    assert post.send_due("mail") == 1


def test_a_receiver_that_asks_to_wait_spends_no_attempt_but_is_not_waited_for_for_ever(
    database: Database, clock: ManualClock
) -> None:
    began = clock.now()
    put(database, clock, letter("a"))
    busy = NotDeliveredError("answered 429", retry_after_s=3600, busy=True)
    post = sender(database, clock, Box(lambda _: busy))
    while clock.now() < began + PATIENCE:
        post.send_due("mail")
        clock.advance(timedelta(hours=3))
    with database.transaction() as conn:
        row = conn.execute("SELECT attempts, state FROM delivery").fetchone()
    assert row == {"attempts": 0, "state": "waiting"}
    for _ in range(GIVE_UP_AFTER):
        post.send_due("mail")
        clock.advance(timedelta(hours=2))
    with database.transaction() as conn:
        assert [one.attempts for one in dead_letters(conn)] == [GIVE_UP_AFTER]


def test_letters_of_one_channel_are_on_their_way_side_by_side(
    database: Database, clock: ManualClock
) -> None:
    """As soon as one has arrived: a receiver that is away is not asked by many at once."""
    put(database, clock, *(letter(f"k{i}", f"alert/{i}") for i in range(1 + SIDE_BY_SIDE)))
    together = Barrier(SIDE_BY_SIDE, timeout=120)

    def meet(one: Letter) -> None:
        if one.key != "k0":
            together.wait()  # breaks unless all the others are sent at the same time

    box = Box(meet)
    assert sender(database, clock, box).send_due("mail") == 1 + SIDE_BY_SIDE
    assert box.keys[0] == "k0"


def test_dead_letters_are_seen_and_sent_again(database: Database, clock: ManualClock) -> None:
    put(database, clock, letter("a"), letter("never", channel="unknown"))
    box = Box(lambda _: NotDeliveredError("mailbox unavailable"))
    post = sender(database, clock, box)
    for _ in range(GIVE_UP_AFTER):
        post.send_due("mail")
        clock.advance(timedelta(hours=2))
    post.send_due("unknown")
    with database.transaction() as conn:
        dead = dead_letters(conn)
        assert [(one.key, one.attempts, one.last_error) for one in dead] == [
            ("never", 1, "there is no channel 'unknown'"),
            ("a", GIVE_UP_AFTER, "mailbox unavailable"),
        ]
        assert counts(conn, clock).dead == 2
        assert {load.channel: load.dead for load in channel_loads(conn)} == {
            "mail": 1,
            "unknown": 1,
        }
    box.refuse = lambda _: None
    with database.transaction() as conn:
        assert retry(conn, clock, [dead[1].id]) == 1
    assert post.send_due("mail") == 1
    with pytest.raises(NotFoundError, match="no dead letter has the number 77"):
        _retry(database, clock, 77)
    assert [one.key for one in box.arrived] == ["a"]


def _retry(database: Database, clock: ManualClock, number: int) -> None:
    with database.transaction() as conn:
        retry(conn, clock, [number])


def test_held_back_until_its_hour(database: Database, clock: ManualClock) -> None:
    morning = clock.now() + timedelta(hours=19)
    put(database, clock, replace(letter("a"), not_before=morning))
    box = Box()
    post = sender(database, clock, box)
    assert post.channels_due() == []
    assert post.send_due("mail") == 0
    clock.set(morning)
    assert post.channels_due() == ["mail"]
    assert post.send_due("mail") == 1


def test_a_carriers_defect_is_a_failed_attempt(database: Database, clock: ManualClock) -> None:
    put(database, clock, letter("a"), letter("b", "alert/2"))
    box = Box(lambda one: KeyError("text") if one.key == "a" else None)
    sender(database, clock, box).send_due("mail")
    assert box.keys == ["b"]
    with database.transaction() as conn:
        [load] = channel_loads(conn)
    assert load.last_error == "KeyError: 'text'"


def test_a_receiver_that_is_away_is_left_alone_until_the_next_turn(
    database: Database, clock: ManualClock
) -> None:
    put(database, clock, *(letter(f"k{i}", f"alert/{i}") for i in range(40)))
    asked: list[str] = []

    def away(one: Letter) -> Exception:
        asked.append(one.key)
        return NotDeliveredError("connection refused")

    sender(database, clock, Box(away)).send_due("mail")
    assert len(asked) == 3
    with database.transaction() as conn:
        tried = conn.execute("SELECT sum(attempts) AS n FROM delivery").fetchone()
    assert tried == {"n": 3}  # the others' attempts are not spent


def test_a_channel_that_is_away_holds_up_no_other(database: Database, clock: ManualClock) -> None:
    put(database, clock, letter("slow"), letter("quick", channel="chat"))
    released = False

    def hang(one: Letter) -> None:
        if one.key == "slow":
            wait_for("the test lets go", lambda: released)

    box = Box(hang)
    office = PostOffice(sender(database, clock, box))
    office.turn()
    wait_for("the other channel is through", lambda: box.keys == ["quick"])
    office.turn()
    put(database, clock, letter("quick 2", channel="chat"))

    def second_has_come() -> bool:
        office.turn()
        return box.keys == ["quick", "quick 2"]

    wait_for("the other channel is through again", second_has_come)
    released = True
    wait_for("all arrived", lambda: "slow" in box.keys)
    assert len(box.keys) == 3


def test_what_is_long_done_is_deleted(database: Database, clock: ManualClock) -> None:
    put(database, clock, letter("sent"), letter("dead", channel="unknown"))
    post = sender(database, clock, Box())
    post.send_due("mail")
    post.send_due("unknown")
    clock.advance(timedelta(days=15))
    put(database, clock, letter("waiting"))
    tidy(database, clock, clock)
    assert _keys(database) == ["dead", "waiting"]
    clock.advance(timedelta(days=80))
    tidy(database, clock, clock)
    assert _keys(database) == ["waiting"]


def test_many_senders_share_without_sending_twice(database: Database, clock: ManualClock) -> None:
    put(database, clock, *(letter(f"k{i}", f"alert/{i % 7}") for i in range(60)))
    box = Box()
    posts = [sender(database, clock, box) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(20):
            list(threads.map(lambda post: post.send_due("mail"), posts))
    assert sorted(box.keys) == sorted(f"k{i}" for i in range(60))
    for subject in range(7):
        own = [int(key[1:]) for key in box.keys if int(key[1:]) % 7 == subject]
        assert own == sorted(own)


def _keys(database: Database) -> list[str]:
    with database.transaction() as conn:
        rows = conn.execute("SELECT key FROM delivery ORDER BY id").fetchall()
    return [row["key"] for row in rows]
