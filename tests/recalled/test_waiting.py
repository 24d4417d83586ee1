"""Mails that wait while something is taken back: uncertain ones, and those in their back-off."""

from __future__ import annotations

from threading import Event, Thread

import pytest
from sqlalchemy import select, update

from service.curate.stories import recalling
from service.model import DeliveryState
from service.store import tables as t
from service.store.mailing import claims, outcomes, resending
from service.store.mailing.outcomes import DeliveryOutcome
from service.store.recalled.mails import PUT_OFF, REMADE_WITHIN
from tests.newsletter.newsroom import DAY, HOUR, MONDAY
from tests.recalled.desk import Desk

LU = "Lũ lớn ở miền Trung hôm qua"
TRUONG = "Trường mới mở cửa"
MINUTE = HOUR / 60


@pytest.fixture
def desk(any_store, tmp_path):
    desk = Desk(any_store, tmp_path, {"tuan": {"cadence": "daily"}})
    desk.subscribe()
    return desk


def planned(desk):
    """A mail with two stories; the article of the first."""
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY)
    return one


def by_hand(desk):
    desk.settle("resend", desk.held())


def by_itself(desk):
    with desk.store.ledger() as connection:
        connection.execute(update(t.delivery).values(resend_at=MONDAY))
        resending.plan_again(connection, desk.now, None, again=True)


@pytest.mark.both_engines
@pytest.mark.parametrize("resend", [by_hand, by_itself])
def test_planned_again_in_the_moment_of_a_recall_it_waits_to_be_made_anew(desk, resend):
    """On PostgreSQL the second one waits for the row, with a view of before the recall."""
    one = planned(desk)
    desk.lose(1)
    with desk.store.read() as connection:
        assert connection.scalar(select(t.delivery.c.state)) == "uncertain"
    begun = Event()

    def again():
        begun.set()
        resend(desk)

    other = Thread(target=again)
    with desk.store.ledger() as connection:
        recalling.recall(connection, desk.link(one), "sai", "lan", desk.now)
        other.start()
        begun.wait()
        other.join(0.5)  # it stands before the lock by now
    other.join()
    (row,) = desk.rows(t.delivery)
    assert (row.state, row.reply) == ("deferred", PUT_OFF)
    desk.send()
    desk.remake()
    desk.send()
    assert desk.states() == {"accepted": 1}
    (text,) = desk.texts()
    assert (LU in text, TRUONG in text) == (False, True)


@pytest.mark.parametrize("resend", [by_hand, by_itself])
def test_a_mail_that_may_have_arrived_is_held_if_it_is_never_made_anew(desk, resend):
    one = planned(desk)
    desk.lose(1)
    desk.recall(one)
    resend(desk)
    desk.now += REMADE_WITHIN
    desk.send()
    (row,) = desk.rows(t.delivery)
    assert row.state == "uncertain"
    assert row.reply.endswith("it may have arrived before")
    desk.run(MONDAY + DAY)
    assert not any(TRUONG in text for text in desk.texts())  # nothing is told again


@pytest.mark.both_engines
@pytest.mark.parametrize("made_in_time", [True, False])
def test_a_mail_that_was_leaving_and_is_tried_again_in_a_minute_is_made_anew(desk, made_in_time):
    """To make it anew may take longer than the relay asked to wait."""
    one = planned(desk)
    with desk.store.ledger() as connection:
        (claimed,) = claims.claim(connection, "one", desk.now, 10).claimed
        assert claims.mark_sending(connection, "one", desk.now, {claimed.id: "relay"}).passed
    desk.recall(one)
    again = desk.now + MINUTE
    later = DeliveryOutcome(claimed.id, DeliveryState.DEFERRED, "relay", "450 later", again)
    with desk.store.ledger() as connection:
        assert outcomes.settle(connection, "one", desk.now, [later]) == {claimed.id}
    if made_in_time:
        desk.remake()
        (row,) = desk.rows(t.delivery)
        assert (row.state, row.reply, row.next_try_at) == ("deferred", "450 later", again)
    desk.now += 2 * MINUTE
    desk.send()
    assert desk.states() == {"accepted" if made_in_time else "deferred": 1}
    assert desk.remake().planned == (not made_in_time)
    desk.send()
    assert desk.states() == {"accepted": 1}
    (text,) = desk.texts()
    assert (LU in text, TRUONG in text) == (False, True)


def test_a_back_off_outlasts_that_a_mail_is_made_anew(desk):
    one = planned(desk)
    desk.refuse(MONDAY + 20 * MINUTE)
    desk.now += 2 * MINUTE
    desk.recall(one)
    (row,) = desk.rows(t.delivery)
    assert row.next_try_at == desk.now + REMADE_WITHIN
    assert desk.remake().planned == 0
    (row,) = desk.rows(t.delivery)
    assert (row.state, row.next_try_at, row.reply, row.back_off_until) == (
        "deferred", MONDAY + 20 * MINUTE, "…", None,
    )  # fmt: skip
    desk.now = MONDAY + 20 * MINUTE
    desk.send()
    assert desk.mails() == [[TRUONG]]


def test_put_off_twice_it_goes_on_with_its_back_off_and_once_that_is_over_it_goes(desk):
    _, two = desk.story("Bài thứ ba", at=MONDAY - HOUR)
    one = planned(desk)
    desk.refuse(MONDAY + 20 * MINUTE)
    desk.recall(one)
    desk.now += MINUTE
    desk.recall(two)
    (row,) = desk.rows(t.delivery)
    assert row.back_off_until == MONDAY + 20 * MINUTE
    desk.now = MONDAY + 25 * MINUTE
    assert desk.remake().planned == 1
    desk.send()
    assert desk.mails() == [[TRUONG]]


def test_a_headline_that_was_taken_back_is_given_back_everywhere(desk):
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    edition = ("edition", "tuan", "20261123T000000Z")
    before = desk.page(*edition)
    assert LU in before
    desk.recall(one, hides_title=True)
    assert LU not in desk.page(*edition) + desk.story_page(lu)
    assert [row.title for row in desk.rows(t.recalled_article)] == [LU]
    desk.undo(one)
    assert LU in desk.page(*edition)
    assert LU in desk.story_page(lu)
    assert [row.title for row in desk.rows(t.article)] == [LU]
    assert {row.title for row in desk.rows(t.entry)} <= {LU}
    (entry,) = desk.feed().values()
    assert entry["title"] == LU
