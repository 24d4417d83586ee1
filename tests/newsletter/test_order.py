"""The order of a mail: what many outlets tell first, topics in balance, outlets in turn."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from lxml import html as markup
from sqlalchemy import event, select, update

from service.newsletter import rules
from service.newsletter.freeze import PER_TOPIC, draft, snapshot
from service.newsletter.scheduling import live_digests
from service.store import tables as t
from service.store.mailing import edition_candidates, editions
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, TOPICS, Newsroom

MINUTE = timedelta(minutes=1)

DIGEST = {"tuan": {"cadence": "weekly", "stories": {"max": 8}}}


@pytest.fixture
def newsroom(any_store, tmp_path):
    return Newsroom(any_store, tmp_path, DIGEST)


def told_by(room, story, *sources, at=None):
    for source in sources:
        room.story(f"{source} kể lại", "giao-duc", story=story, source=source, at=at)


def parts(mail):
    html = markup.document_fromstring(mail.get_body(("html",)).get_content())
    headlines = [one.text_content() for one in html.cssselect(".headline, .more")]
    headings = [one.text_content().strip() for one in html.cssselect(".kicker, .topic")]
    return headings, headlines, mail.get_body(("plain",)).get_content()


def fill(room):
    """A week in which one topic has most of the news, and one story six outlets."""
    for n in range(16):
        room.story(f"Trường {n:02}", "giao-duc", at=MONDAY - (n + 2) * HOUR, source="bao-a")
    for n in range(2):
        room.story(f"Bệnh viện {n}", "y-te", at=MONDAY - (n + 30) * HOUR, source="bao-b")
        room.story(f"Lễ hội {n}", "van-hoa", at=MONDAY - (n + 40) * HOUR, source="bao-b")
    flood, _ = room.story("Lũ lớn", "van-hoa", at=MONDAY - 60 * HOUR, source="bao-c")
    for source in ("bao-d", "bao-e", "bao-f", "bao-g", "bao-h"):
        room.story(f"Lũ, {source} kể", "van-hoa", story=flood, source=source,
                   at=MONDAY - 59 * HOUR)  # fmt: skip


def test_a_mail_is_in_the_order_of_an_editor(newsroom):
    newsroom.subscribe()
    fill(newsroom)
    newsroom.now = MONDAY + HOUR
    expected = newsroom.preview(to="minh@example.vn")
    newsroom.run(MONDAY + HOUR)
    (mail,) = newsroom.outbox("minh@example.vn")
    assert expected.message == (newsroom.root / "var" / "outbox" / "new" / _key(mail)).read_bytes()
    headings, headlines, text = parts(mail)
    assert headings == ["Văn hóa", "Giáo dục", "Y tế"], "the lead's own first, each once"
    assert headlines[0] == "Lũ lớn", "six outlets tell it, though it is the oldest"
    kinds = Counter(one.split()[0] for one in headlines[:-1])
    assert kinds == {"Trường": 3, "Bệnh": 2, "Lễ": 2, "Lũ": 1}, "sixteen do not drown the others"
    assert "Còn" in headlines[-1] or "còn" in headlines[-1]
    for heading in ("VĂN HÓA", "GIÁO DỤC", "Y TẾ"):
        assert [line.strip() for line in text.splitlines()].count(heading) == 1
    assert len(newsroom.counted()) == 13


def test_a_reader_of_one_topic_gets_as_much_of_it_as_there_is_room(newsroom):
    newsroom.subscribe(topics=["giao-duc"])
    fill(newsroom)
    newsroom.run(MONDAY + HOUR)
    (mail,) = newsroom.outbox("minh@example.vn")
    headings, headlines, _ = parts(mail)
    assert headings == ["Giáo dục"]
    assert headlines[:8] == [f"Trường {n:02}" for n in range(8)]


def test_limits_of_the_digest(newsroom):
    newsroom.load(digest={"tuan": {"cadence": "weekly", "stories": {"max": 20, "per_topic": 3}}})
    newsroom.subscribe()
    fill(newsroom)
    newsroom.run(MONDAY + HOUR)
    (mail,) = newsroom.outbox("minh@example.vn")
    kinds = Counter(one.split()[0] for one in parts(mail)[1][:-1])
    assert kinds["Trường"] == 3


def test_mirrors_of_one_owner_count_once(newsroom):
    newsroom.load(
        source={
            name: {"url": f"https://{name}.example/rss", "owner": "Một nhà"}
            for name in ("soi-1", "soi-2", "soi-3")
        }
    )
    with newsroom.store.read() as connection:
        rows = connection.execute(select(t.source.c.name, t.source.c.id))
        newsroom._sources.update((row.name, row.id) for row in rows)
    newsroom.subscribe()
    mirrored, _ = newsroom.story("Ba bản của một nhà", at=MONDAY - 10 * HOUR, source="soi-1")
    told_by(newsroom, mirrored, "soi-2", "soi-3", at=MONDAY - 10 * HOUR)
    twice, _ = newsroom.story("Hai báo khác nhau", at=MONDAY - 12 * HOUR, source="bao-a")
    told_by(newsroom, twice, "bao-b", at=MONDAY - 12 * HOUR)
    newsroom.run(MONDAY + HOUR)
    assert parts(newsroom.outbox("minh@example.vn")[0])[1] == [
        "Hai báo khác nhau", "Ba bản của một nhà"
    ]  # fmt: skip


def test_an_edition_frozen_before_keeps_its_order(newsroom):
    """What its places follow from is not known: the mail has them as they were frozen."""
    newsroom.subscribe()
    for n in range(3):
        newsroom.story(f"Tin {n}", at=MONDAY - (n + 1) * DAY)
    newsroom.run(MONDAY + HOUR)
    (first,) = newsroom.outbox()
    newsroom.subscribe("hoa@example.vn", begins=MONDAY - 5 * DAY)
    with newsroom.store.write() as connection:
        connection.execute(update(t.edition_story).values(standing=None))
        connection.execute(
            update(t.edition_story)
            .where(t.edition_story.c.position == 2)
            .values(position=-1)
        )  # fmt: skip
    newsroom.run(MONDAY + 2 * HOUR)
    (second,) = newsroom.outbox("hoa@example.vn")
    assert parts(first)[1] == ["Tin 0", "Tin 1", "Tin 2"]
    assert parts(second)[1] == ["Tin 2", "Tin 0", "Tin 1"]


def test_what_a_place_follows_from_is_kept_with_the_edition(newsroom):
    story, _ = newsroom.story("Tin", "y-te", "van-hoa", at=MONDAY - 6 * HOUR)
    newsroom.story("Tin kể lại", "y-te", story=story, source="bao-b", at=MONDAY - 5 * HOUR)
    newsroom.run(MONDAY + HOUR)
    with newsroom.store.read() as connection:
        row = connection.execute(select(t.edition_story)).one()
    week = timedelta(days=7).total_seconds()
    assert [name for name, _ in row.topics] == ["y-te", "van-hoa"]
    assert row.standing == {
        "outlets": 2, "age_s": 6 * 3600, "half_life_s": week, "weight": 1.0,
        "topics": [[2, False], [1, False]], "elsewhere": 0,
    }  # fmt: skip


def _key(mail):
    return mail["Message-ID"].strip("<>").partition("@")[0]


def test_an_edition_is_frozen_in_lots_as_it_would_be_at_once_and_reads_before_it_locks(newsroom):
    newsroom.subscribe()
    fill(newsroom)
    for n in range(2 * PER_TOPIC):
        newsroom.story(f"Sách {n:03}", "giao-duc", *["van-hoa"][: n % 2], at=MONDAY - n * MINUTE)
    settings, since = newsroom.settings, MONDAY - 7 * DAY
    with newsroom.store.read() as connection:
        (digest,) = live_digests(connection, settings)
        schedule = rules.own(settings.digest["tuan"], "Asia/Ho_Chi_Minh")
        drafted = draft(digest, schedule, [schedule], MONDAY, reach=None, now=MONDAY)
        found = edition_candidates.entered(connection, TOPICS, since, MONDAY, most=7)
        sizes = [len(lot) for lot in found]
        made = [snapshot(connection, drafted, TOPICS, {}, most=most) for most in (7, 5000)]
    assert max(sizes) == 7
    assert made[0] == made[1]
    edition, frozen = made[0]
    assert (len(frozen) + edition.more, edition.more > 0) == (sum(sizes), True)
    newsroom.now = MONDAY + HOUR
    locked = []
    for engine in {newsroom.store._ledger, newsroom.store.engine}:
        event.listen(engine, "before_cursor_execute", lambda *told: locked.append(told[2]))
    newsroom.plan()
    if newsroom.store.is_sqlite:  # elsewhere nobody waits for who reads
        assert [sql for sql in locked if "article_topic" in sql] == []
    with newsroom.store.read() as connection:
        stored = editions.find(connection, digest.id, "weekly", MONDAY)
        assert editions.stories(connection, stored.id) == frozen
