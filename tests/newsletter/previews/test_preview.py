"""A preview is the mail, and consumes nothing (promise 6)."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from service.errors import MailError, NotSubscribedError, UsageError
from service.mail.personal import NOBODYS_TOKEN
from service.store import tables as t
from service.store.core import facts
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, WEEK, Newsroom

MINH, NAM = "minh@example.vn", "nam@example.vn"


@pytest.fixture
def room(any_store, tmp_path):
    return opened(any_store, tmp_path)


def opened(store, tmp_path, digests=None, **sections):
    room = Newsroom(store, tmp_path, digests or {"tuan": {"cadence": "daily"}}, **sections)
    with store.write() as connection:
        facts.secret(connection)
    return room


def sent(room):
    """Key -> bytes of what lies in the outbox."""
    return {path.name: path.read_bytes() for path in (room.root / "var/outbox/new").glob("*")}


def parsed(message):
    return email.message_from_bytes(message, policy=email.policy.default)


def test_the_bytes_are_those_of_the_mail_and_no_row_is_written(room):
    room.subscribe()
    room.subscribe(NAM, topics=["y-te"])
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    room.story("health", "y-te", at=MONDAY - HOUR)
    room.now = MONDAY
    before = room.everything()
    previews = [room.preview(to=who) for who in (MINH, NAM)]
    assert room.everything() == before
    room.run()
    assert sorted(one.message for one in previews) == sorted(sent(room).values())
    assert [one.stories for one in previews] == [2, 1]
    assert all(one.cut_at == MONDAY and one.cadence == "daily" for one in previews)
    assert previews[0].subject in {mail["Subject"] for mail in room.outbox()}


def test_a_preview_before_the_cut_is_the_mail_if_nothing_comes_in_between(room):
    room.subscribe()
    room.run(MONDAY)
    room.story("a", at=MONDAY + HOUR)
    room.now = MONDAY + 3 * HOUR
    shown = room.preview(to=MINH)
    assert shown.cut_at == MONDAY + DAY
    room.run(MONDAY + DAY)
    assert shown.message in sent(room).values()


def test_a_preview_at_a_time_to_come_is_what_send_at_that_time_sends(room):
    room.subscribe()
    room.story("a", at=MONDAY - 20 * HOUR)
    room.now = MONDAY - 10 * HOUR
    shown = room.preview(to=MINH, at=MONDAY + HOUR)
    room.run(at=MONDAY + HOUR)
    assert [shown.message] == list(sent(room).values())


def test_a_late_one_carries_the_same_date(room):
    room.subscribe()
    room.story("a", at=MONDAY - HOUR)
    room.now = MONDAY + 5 * HOUR
    shown = room.preview(to=MINH)
    room.run()
    assert [shown.message] == list(sent(room).values())


def test_who_has_not_been_scheduled_yet_sees_what_the_next_run_will_send(room):
    room.run(MONDAY - DAY)
    minh = room.subscribe(zone="Europe/Berlin", begins=MONDAY - 20 * HOUR)
    room.story("a", at=MONDAY - 10 * HOUR)
    room.now = MONDAY + 7 * HOUR
    shown = room.preview(to="Minh@EXAMPLE.vn")
    assert room.row(minh).rule is None
    room.run()
    assert [shown.message] == list(sent(room).values())


def test_something_already_sent_can_be_seen_again(room):
    minh = room.subscribe()
    room.story("a", at=MONDAY - HOUR)
    room.story("b", "y-te", at=MONDAY - HOUR)
    room.run(MONDAY)
    [mail] = sent(room).values()
    room.story("c", at=MONDAY + HOUR)
    room.run(MONDAY + DAY)
    room.change(minh, cadence="daily")
    again = room.preview(to=MINH, at=MONDAY + 2 * HOUR)
    assert again.message == mail
    assert (again.stories, again.cut_at) == (2, MONDAY)


def test_another_digest_that_comes_first_tells_it_first(any_store, tmp_path):
    room = opened(
        any_store,
        tmp_path,
        {"truoc": {"cadence": "daily", "topics": ["giao-duc"]}, "sau": {"cadence": "daily"}},
    )
    room.subscribe(digest="truoc")
    room.subscribe(digest="sau")
    room.run(MONDAY)
    room.story("shared", "giao-duc", at=MONDAY + HOUR)
    room.story("health", "y-te", at=MONDAY + HOUR)
    room.now = MONDAY + 2 * HOUR
    shown = [room.preview(digest, to=MINH) for digest in ("truoc", "sau")]
    room.run(MONDAY + DAY)
    assert sorted(one.message for one in shown) == sorted(sent(room).values())
    assert [one.stories for one in shown] == [1, 1]


def test_nobody_in_particular_sees_all_topics_since_the_previous_cut(room):
    room.subscribe()
    room.story("before that cut", at=MONDAY - DAY - HOUR)
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    room.story("health", "y-te", at=MONDAY - HOUR)
    room.run(MONDAY - DAY)
    room.run(MONDAY)  # told to everyone: nobody has been told anything
    room.story("c", at=MONDAY + HOUR)
    room.now = MONDAY + 2 * HOUR
    shown = room.preview()
    assert (shown.stories, shown.to, shown.cut_at) == (1, None, MONDAY + DAY)
    old = room.preview(at=MONDAY + HOUR)
    assert (old.stories, old.cut_at) == (2, MONDAY)
    mail = parsed(old.message)
    assert NOBODYS_TOKEN in mail["List-Unsubscribe"]
    assert mail["To"] == "tin@example.vn"


@pytest.mark.parametrize("standing", ["nobody", "not confirmed", "ended", "another digest"])
def test_an_address_that_does_not_get_the_digest_is_said_so(any_store, tmp_path, standing):
    room = Newsroom(any_store, tmp_path, {"tuan": {"cadence": "daily"}, "khac": {}})
    room.story("a", at=MONDAY - HOUR)
    if standing != "nobody":
        one = room.subscribe("khach@example.vn", "khac" if standing == "another digest" else "tuan")
        if standing == "not confirmed":
            room.change(one, starts_at=None)
        if standing == "ended":
            room.change(one, ended_at=room.now, ended_reason="page")
    room.now = MONDAY
    with pytest.raises(NotSubscribedError, match=r"khach@example\.vn does not get tuan") as error:
        room.preview(to="khach@example.vn")
    assert "tuan" in str(error.value)


@pytest.mark.parametrize("to", ["no address", "@example.vn"])
def test_what_is_no_address_is_named(room, to):
    with pytest.raises(MailError, match="not an address"):
        room.preview(to=to)


def test_an_unknown_digest_is_named(room):
    with pytest.raises(UsageError, match='there is "tuan"'):
        room.preview("x")


def test_nothing_to_tell_gives_no_bytes_but_the_reason(room):
    room.subscribe()
    room.story("backlog", at=MONDAY - 2 * DAY, quiet=True)
    assert room.preview(to=MINH).reason.startswith("would go Saturday 21 November, 07:00: nothing")
    room.now = MONDAY - DAY
    assert room.preview(to=MINH).reason.startswith("due since Sunday 22 November, 07:00: nothing")
    room.run()
    room.now = MONDAY - HOUR
    shown = room.preview(to=MINH)
    assert (shown.message, shown.stories, shown.subject) == (None, 0, "")
    assert shown.reason == (
        "would go Monday 23 November, 07:00: nothing new to tell; old entries are not news; "
        "see the look with --sample"
    )


def test_a_sample_fills_in_the_newest_stories(room):
    room.subscribe(topics=["y-te"])
    for number in range(25):
        room.story(f"old {number:02d}", "y-te", at=MONDAY - 2 * DAY + number * HOUR, quiet=True)
    room.story("another topic", "giao-duc", at=MONDAY - DAY, quiet=True)
    room.now = MONDAY - HOUR
    before = room.everything()
    shown = room.preview(to=MINH, sample=True)
    assert shown.stories == 20
    body = parsed(shown.message).get_body(("plain",)).get_content()
    assert "1. old 24" in body
    assert "another topic" not in body
    assert room.everything() == before
    empty = room.preview("tuan", sample=True)
    assert empty.stories == 20


def test_a_sample_of_an_empty_store_says_so(room):
    room.subscribe()
    shown = room.preview(to=MINH, sample=True)
    assert shown.message is None
    assert "no story at all yet" in shown.reason


def test_the_reasons_why_no_mail_would_go(any_store, tmp_path):
    digest = {"cadence": "daily", "stories": {"min": 3}}
    room = opened(any_store, tmp_path, {"tuan": digest})
    minh = room.subscribe()
    room.story("a", at=MONDAY - HOUR)
    room.now = MONDAY
    assert "waits: 1 of 3 stories" in room.preview(to=MINH).reason
    room.change(minh, paused_until=MONDAY + WEEK)
    assert "paused" in room.preview(to=MINH).reason
    room.change(minh, paused_until=None)
    with any_store.write() as connection:
        key = connection.execute(select(t.subscriber.c.address_key)).scalar_one()
        connection.execute(
            insert(t.suppression).values(
                address_key=key, reason="address_refused", suppressed_at=room.now, evidence="550"
            )
        )
    assert "suppressed" in room.preview(to=MINH).reason


def test_while_an_earlier_mail_is_on_its_way_the_reason_says_so(room):
    room.subscribe()
    room.story("a", at=MONDAY - HOUR)
    room.plan(MONDAY)
    room.story("b", at=MONDAY + HOUR)
    room.now = MONDAY + 2 * HOUR
    assert "still on its way" in room.preview(to=MINH).reason


def test_the_reader_s_own_language_and_hour(room):
    room.subscribe(hour="09:30")
    with room.store.write() as connection:
        connection.execute(update(t.subscriber).values(language="en"))
    room.run(MONDAY - 21 * HOUR)
    room.story("a", at=MONDAY - HOUR)
    room.now = MONDAY + 2 * HOUR
    shown = room.preview(to=MINH)
    assert shown.cut_at == MONDAY + timedelta(hours=2.5)
    assert parsed(shown.message)["Content-Language"] == "en"
