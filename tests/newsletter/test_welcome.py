"""The welcome carries the last edition, and what it carries is told."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from service.newsletter.welcome import Welcomed
from service.render.engine import shipped_templates
from service.store import tables as t
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom

NAM = "nam@example.vn"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def room(any_store, tmp_path):
    """A daily digest with one edition of two stories behind it."""
    room = Newsroom(any_store, tmp_path, {"tuan": {"cadence": "daily"}})
    room.subscribe()
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    room.story("health", "y-te", at=MONDAY - 2 * HOUR)
    room.run(MONDAY)
    room.now = MONDAY + 2 * HOUR
    return room


def confirmed(room, address=NAM, **values):
    return room.subscribe(address, welcome_due=True, **values)


def test_the_last_edition_is_carried_and_told(room):
    nam = confirmed(room)
    assert room.welcome().planned == 1
    room.send()
    [mail] = room.outbox(NAM)
    body = mail.get_body(("plain",)).get_content()
    assert "Trong lúc chờ số đầu tiên, đây là số gần nhất." in " ".join(body.split())
    assert "1. school" in body
    assert "2. health" in body
    assert "đã bắt đầu" in mail["Subject"]
    assert sorted(room.titles(NAM)) == ["health", "school"]
    assert room.row(nam).starts_at == MONDAY + 2 * HOUR
    room.story("new", at=MONDAY + 3 * HOUR)
    room.run(MONDAY + DAY)
    assert room.mails(NAM)[1:] == [["new"]]


def test_only_the_chosen_topics(room):
    confirmed(room, topics=["y-te"])
    room.welcome()
    assert room.titles(NAM) == ["health"]


def test_it_goes_out_once(room):
    nam = confirmed(room)
    assert room.welcome().planned == 1
    assert room.welcome().planned == 0
    assert not room.row(nam).welcome_due
    assert room.states() == {"accepted": 1, "planned": 1}


def test_where_there_is_nothing_to_carry_none_goes_out(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"tuan": {"cadence": "daily"}})
    nam = confirmed(room)
    assert room.welcome().planned == 0
    assert not room.row(nam).welcome_due
    assert room.states() == {}


def test_what_another_digest_told_is_not_told_again(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"mot": {"cadence": "daily"}, "hai": {"cadence": "daily"}})
    room.subscribe(NAM, digest="mot")
    room.subscribe(digest="hai")
    room.story("a", at=MONDAY - HOUR)
    room.run(MONDAY)
    other = room.subscribe(NAM, digest="hai", welcome_due=True)
    assert room.welcome(MONDAY + HOUR) == Welcomed(planned=0, failed={})
    assert not room.row(other).welcome_due
    assert room.mails(NAM) == [["a"]]


def test_it_carries_what_another_digest_has_not_told(any_store, tmp_path):
    room = Newsroom(
        any_store,
        tmp_path,
        {"mot": {"cadence": "daily", "topics": ["y-te"]}, "hai": {"cadence": "daily"}},
    )
    room.subscribe(NAM, digest="mot")
    room.subscribe(digest="hai")
    room.story("told", "y-te", at=MONDAY - HOUR)
    room.story("new", "giao-duc", at=MONDAY - HOUR)
    room.run(MONDAY)
    room.subscribe(NAM, digest="hai", welcome_due=True)
    assert room.welcome(MONDAY + HOUR) == Welcomed(planned=1, failed={})
    assert room.mails(NAM) == [["told"], ["new"]]


@pytest.mark.parametrize("earlier", [False, True])
def test_its_window_begins_with_the_oldest_that_it_tells_or_its_edition(room, earlier):
    """Where it is released, the person's other digests must reach back to what it carried."""
    [edition] = room.editions()
    if earlier:  # it entered another topic long before the one that the edition has it for
        with room.store.write() as connection:
            article = connection.execute(
                select(t.article.c.id).where(t.article.c.title == "school")
            ).scalar_one()
            topic = connection.execute(
                select(t.topic.c.id).where(t.topic.c.name == "van-hoa")
            ).scalar_one()
            connection.execute(
                insert(t.article_topic).values(
                    article_id=article, topic_id=topic, quiet=False, reason={},
                    entered_at=MONDAY - 9 * DAY, listed_at=MONDAY - 9 * DAY,
                )
            )  # fmt: skip
    confirmed(room)
    room.welcome()
    with room.store.read() as connection:
        covers_from = select(t.delivery.c.covers_from).where(t.delivery.c.kind == "welcome")
        begins = connection.execute(covers_from).scalar_one()
    assert begins == (MONDAY - 9 * DAY if earlier else edition.covers_from)
    assert edition.covers_from < MONDAY - 2 * HOUR


def test_of_one_digest_alone_where_that_is_asked_for(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"mot": {"cadence": "daily"}, "hai": {"cadence": "daily"}})
    room.subscribe(digest="hai")
    room.story("a", at=MONDAY - HOUR)
    room.run(MONDAY)
    other = room.subscribe(NAM, digest="hai", welcome_due=True)
    assert room.welcome(MONDAY + HOUR, only="mot").planned == 0
    assert room.row(other).welcome_due
    assert room.welcome(only="hai").planned == 1


def test_none_when_the_site_wants_none(room):
    room.load(signup={"welcome": "none"})
    nam = confirmed(room)
    assert room.welcome().planned == 0
    assert not room.row(nam).welcome_due


def test_who_has_not_confirmed_is_not_welcomed(room):
    nam = confirmed(room)
    room.change(nam, starts_at=None)
    assert room.welcome().planned == 0
    assert room.row(nam).welcome_due


def test_who_pauses_before_it_left_gets_none(room):
    nam = confirmed(room, paused_until=room.now + DAY)
    assert room.welcome().planned == 0
    assert not room.row(nam).welcome_due


def test_whose_first_edition_is_on_its_way_needs_none(room):
    nam = confirmed(room)
    room.story("first", at=MONDAY + 3 * HOUR)
    room.plan(MONDAY + DAY)
    assert room.welcome().planned == 0
    assert not room.row(nam).welcome_due
    assert room.mails(NAM) == [["first"]]


def test_where_mails_come_every_few_minutes_it_may_still_be_an_hour_late(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"nhanh": {"cadence": "immediate"}})
    room.subscribe(digest="nhanh")
    room.story("a", at=MONDAY - MINUTE)
    room.run(MONDAY)
    room.subscribe(NAM, digest="nhanh", welcome_due=True)
    assert room.welcome(MONDAY + MINUTE).planned == 1
    room.refuse(until=MONDAY + HOUR / 2)
    room.plan(MONDAY + HOUR / 2)
    room.send()
    assert room.mails(NAM) == [["a"]]
    assert room.states() == {"accepted": 2}


def test_a_broken_template_keeps_the_welcome_for_later(room):
    nam = confirmed(room)
    folder = room.root / "templates" / "mail" / "welcome"
    folder.mkdir(parents=True)
    for path in (shipped_templates() / "mail" / "welcome").iterdir():
        shutil.copy(path, folder)
    (folder / "body.txt.j2").write_text("{{ nothing.here }}")
    room.load()
    [error] = room.welcome().failed.values()
    assert "mail/welcome/body.txt.j2" in error
    assert room.row(nam).welcome_due
    shutil.rmtree(room.root / "templates")
    room.load()
    assert room.welcome().planned == 1


def test_a_welcome_that_never_left_gives_way_to_the_first_edition(room):
    """It expires with the next cut; other digests of the person reach back to what it carried."""
    room.load(digest={"tuan": {"cadence": "daily"}, "khac": {"cadence": "daily", "at": "12:00"}})
    room.subscribe(NAM, digest="khac", begins=MONDAY - 2 * HOUR)
    confirmed(room)
    room.welcome()
    room.refuse(until=MONDAY + 2 * DAY)
    room.run(MONDAY + 5 * HOUR)  # "khac" is cut: told by the welcome, as it seems
    assert room.mails(NAM) == [["school", "health"]]
    room.story("new", at=MONDAY + 6 * HOUR)
    room.plan(MONDAY + DAY)
    assert room.states()["expired"] == 1
    room.send()
    room.run(MONDAY + DAY + 5 * HOUR)
    assert room.mails(NAM) == [["new"], ["school", "health"]]


def test_in_the_reader_s_language(room):
    confirmed(room)
    with room.store.write() as connection:
        mine = t.subscriber.c.address == NAM
        connection.execute(update(t.subscriber).where(mine).values(language="en"))
    room.welcome()
    room.send()
    [mail] = room.outbox(NAM)
    assert "While you wait for your first edition" in " ".join(
        mail.get_body(("plain",)).get_content().split()
    )
    assert mail["Content-Language"] == "en"


def test_a_welcome_is_no_edition_and_goes_before_them(room):
    confirmed(room)
    room.welcome()
    with room.store.read() as connection:
        [row] = connection.execute(select(t.delivery).where(t.delivery.c.kind == "welcome")).all()
    assert (row.edition_id, row.priority) == (None, 0)
    assert row.expires_at == MONDAY + DAY


@pytest.mark.parametrize("cadence", ["immediate", "hourly", "daily"])
def test_a_digest_added_later_tells_nothing_from_before_its_first_reader(
    any_store, tmp_path, cadence
):
    """Its archive may go further back; what mails carry begins with the first confirmation."""
    room = Newsroom(any_store, tmp_path, {"cu": {"cadence": "weekly"}})
    room.story("long ago", at=MONDAY - 2 * DAY)
    room.run(MONDAY)
    room.now = MONDAY + HOUR
    room.load(digest={"cu": {"cadence": "weekly"}, "moi": {"cadence": cadence}})
    room.story("before", at=MONDAY + 2 * HOUR - MINUTE)
    room.run(MONDAY + 2 * HOUR)
    room.run(MONDAY + DAY)  # the archive has an edition of it
    room.now = MONDAY + DAY + MINUTE
    room.subscribe(NAM, "moi", cadence=cadence, welcome_due=True)
    room.welcome()
    room.story("after", at=MONDAY + DAY + 2 * MINUTE)
    for hours in range(1, 49, 6):
        room.run(MONDAY + DAY + hours * HOUR)
    assert room.titles(NAM) == ["after"]


def test_the_second_reader_is_welcomed_with_what_the_first_was_told(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"moi": {"cadence": "daily"}})
    room.story("before", at=MONDAY - DAY + 2 * HOUR)
    room.now = MONDAY - HOUR
    room.subscribe("minh@example.vn", "moi")
    room.story("after", at=MONDAY - HOUR)
    room.run(MONDAY)
    room.now = MONDAY + HOUR
    room.subscribe(NAM, "moi", welcome_due=True)
    room.welcome()
    assert room.titles("minh@example.vn") == ["after"]
    assert room.titles(NAM) == ["after"]
