"""An uncertain mail is held, its reader is not; and what settling it means for what he is told."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from service.model import DeliveryState
from service.report.health import health
from service.report.sentence import Sentence
from service.store import tables as t
from service.store.mailing import outcomes, uncertain_deliveries
from service.store.mailing.outcomes import DeliveryOutcome
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, WEEK, Newsroom

LAN, MINH = "lan@example.vn", "minh@example.vn"


@pytest.fixture
def room(any_store, tmp_path):
    return Newsroom(any_store, tmp_path, {"tuan": {"cadence": "weekly"}})


@pytest.fixture
def lost(room):
    """Two readers got Monday's edition, and the answer to Lan's was lost. Its delivery."""
    for address in (LAN, MINH):
        room.subscribe(address)
    room.story("bão số 13", at=MONDAY - HOUR)
    room.plan(MONDAY)
    room.lose(1)
    room.accept()
    return room.held()[0]


def test_its_reader_gets_the_next_edition_as_everybody_does(room, lost):
    room.story("năm học mới", at=MONDAY + DAY)
    assert room.plan(MONDAY + WEEK).deliveries == 2
    room.accept()
    assert room.mails(LAN) == [["bão số 13"], ["năm học mới"]]
    assert room.mails(LAN) == room.mails(MINH)
    assert room.held() == [lost]
    [lan, minh] = rows(room)
    assert lan.covered_to == minh.covered_to == MONDAY + WEEK
    assert lan.next_cut_at == MONDAY + 2 * WEEK


def rows(room):
    with room.store.read() as connection:
        return connection.execute(select(t.subscription).order_by(t.subscription.c.id)).all()


@pytest.mark.parametrize("how", ["resend", "drop"])
def test_resent_or_dropped_it_stays_told(room, lost, how):
    room.story("năm học mới", at=MONDAY + DAY)
    room.plan(MONDAY + WEEK)
    room.accept()
    room.settle(how, [lost])
    room.accept()
    room.story("cầu mới", at=MONDAY + WEEK + DAY)
    room.plan(MONDAY + 2 * WEEK)
    room.accept()
    assert room.mails(LAN) == [["bão số 13"], ["năm học mới"], ["cầu mới"]]
    assert room.states() == ({"accepted": 6} if how == "resend" else {"accepted": 5, "dropped": 1})


def test_resent_it_is_the_same_mail_and_the_next_edition_waits_for_it_alone(room, lost):
    with room.store.read() as connection:
        wanted = select(t.delivery.c.message_id).where(t.delivery.c.id == lost)
        before = connection.execute(wanted).scalar_one()
    room.settle("resend", [lost])
    room.story("năm học mới", at=MONDAY + DAY)
    assert room.plan(MONDAY + WEEK).deliveries == 1  # Lan's waits: one mail after the other
    room.send()
    [first] = room.outbox(LAN)
    assert first["Message-ID"] == f"<{before}>"
    assert room.plan(MONDAY + 2 * WEEK).deliveries == 1
    room.send()
    assert room.mails(LAN) == [["bão số 13"], ["năm học mới"]]


def test_dropped_untold_its_stories_come_with_the_next_edition_and_nothing_twice(room, lost):
    room.story("năm học mới", at=MONDAY + DAY)
    room.plan(MONDAY + WEEK)
    room.accept()
    room.settle("untold", [lost])
    assert room.held() == []
    room.story("cầu mới", at=MONDAY + WEEK + DAY)
    room.plan(MONDAY + 2 * WEEK)
    room.accept()
    assert room.mails(LAN) == [["năm học mới"], ["bão số 13", "cầu mới"]]
    assert room.mails(MINH) == [["bão số 13"], ["năm học mới"], ["cầu mới"]]


def test_dropped_untold_for_who_has_left_it_reaches_back_for_nobody(room, lost):
    [lan, _] = rows(room)
    room.change(lan.id, ended_at=MONDAY + HOUR, ended_reason="one_click")
    room.settle("untold", [lost])
    [after, _] = rows(room)
    assert after.covered_to == lan.covered_to
    assert room.mails(LAN) == []


def test_a_late_answer_still_settles_it_when_the_next_edition_is_out(room, lost):
    room.story("năm học mới", at=MONDAY + DAY)
    room.plan(MONDAY + WEEK)
    room.accept()
    with room.store.ledger() as connection:
        late = DeliveryOutcome(lost, DeliveryState.ACCEPTED, "relay", "250 at last")
        assert outcomes.settle(connection, "newsroom", room.now, [late]) == {lost}
    assert room.held() == []
    assert room.states() == {"accepted": 4}


def test_a_late_refusal_of_its_content_releases_it(room, lost):
    room.story("năm học mới", at=MONDAY + DAY)
    room.plan(MONDAY + WEEK)
    room.accept()
    with room.store.ledger() as connection:
        late = DeliveryOutcome(lost, DeliveryState.REJECTED, "relay", "554 5.6.0 spam", untell=True)
        assert outcomes.settle(connection, "newsroom", room.now, [late]) == {lost}
    room.plan(MONDAY + 2 * WEEK)
    room.accept()
    assert room.mails(LAN) == [["năm học mới"], ["bão số 13"]]


def test_the_mail_itself_is_kept_until_it_is_settled(room, lost):
    def parts():
        with room.store.read() as connection:
            return connection.execute(select(t.segment.c.parts)).scalars().all()

    assert parts() == parts() != [None]
    room.settle("drop", [lost])
    assert parts() == [None]


def test_status_and_readyz_say_how_many_of_which_editions_and_since_when(room, lost):
    room.story("năm học mới", at=MONDAY + DAY)
    room.plan(MONDAY + WEEK)
    room.lose(2)
    with room.store.write() as connection:
        connection.execute(update(t.source_poll).values(next_poll_at=room.now))
    with room.store.read() as connection:
        found = health(connection, room.now)
        editions = [
            (one.cut_at, one.mails, one.since)
            for one in uncertain_deliveries.by_edition(connection)
        ]
    [told] = found.troubles
    assert editions == [(MONDAY, 1, MONDAY), (MONDAY + WEEK, 2, MONDAY + WEEK)]
    named = [("tuan", MONDAY, 1), ("tuan", MONDAY + WEEK, 2)]
    assert told.values == {
        "n": 3, "since": MONDAY,
        "editions": tuple(
            Sentence("uncertain.edition", {"digest": digest, "cut": cut, "n": n})
            for digest, cut, n in named
        ),
    }  # fmt: skip
    assert (told.key, told.stops, found.ready) == ("uncertain", False, True)  # they stop nobody
    room.settle("drop", room.held())
    with room.store.read() as connection:
        assert health(connection, room.now).troubles == ()


def test_weeks_in_which_nobody_settles_anything_cost_the_reader_no_edition(room):
    room.subscribe(LAN)
    for week in range(8):
        room.story(f"tin {week}", at=MONDAY + week * WEEK - HOUR)
        room.plan(MONDAY + week * WEEK)
        room.lose(1)
    assert len(room.held()) == len(room.mails(LAN)) == 8
