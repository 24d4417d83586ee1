"""What `explain` says of an article: where it came from, why it is where it is, who has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from service.config.schema import Settings
from service.curate.judging import Judge
from service.curate.stories import acting
from service.render.engine import shipped_templates
from service.render.words import load_words
from service.report.explain import Unknown, explain
from service.report.explanation_json import as_json
from service.report.explanation_lines import parts, unknown
from service.report.lateness import Lateness
from service.report.sentence import SentenceWriter
from service.store import tables as t
from service.store.content import topic_labels
from tests.builders import add_digest, add_edition, add_subscription
from tests.curate.desk import SETTINGS, Desk, entry

TEXT = (
    "Sáng nay các trường ở vùng cao mở cửa đón học sinh trở lại sau ba ngày nghỉ vì mưa lũ. "
    "Nhà trường đã dọn bùn đất trong lớp từ hôm trước cùng với phụ huynh và bộ đội. "
) * 6


PARTS = (
    "(outlets) × 1.00 (how new) × 1.00 (weight of the source) × 1.50 (the topic’s words in the "
    "headline) × 1.00 (how much of it is in the topics)"
)
STANDING = {
    "outlets": 3, "age_s": 0, "half_life_s": 43200, "weight": 1.0, "topics": [[1, True]],
    "elsewhere": 0,
}  # fmt: skip


@pytest.fixture
def desk(any_store, now):
    return Desk(any_store, now)


def explained(desk, link="https://a.vn/1", settings=SETTINGS):
    with desk.store.read() as connection:
        return explain(connection, link, settings)


def lines(found, language="en"):
    """Heading -> its sentences, in a language."""
    writer = SentenceWriter(load_words((shipped_templates(),), language), lambda at: f"{at:%H:%M}")
    return {part.heading: [writer.tell(one.said) for one in part.lines] for part in parts(found)}


def told(unknown_lines):
    writer = SentenceWriter(load_words((shipped_templates(),), "en"), lambda at: f"{at:%H:%M}")
    return [writer.tell(one.said) for one in unknown_lines]


@pytest.mark.both_engines
def test_the_way_of_an_article_is_told_from_first_sight_to_lateness(desk, now):
    published = now - timedelta(minutes=12)
    desk.says("a", entry(summary="Theo Chỉ thị 38/CT-TW.", published=published))
    later = now + timedelta(hours=1)
    desk.says("b", entry("x", published=published), first=True, at=later)
    mail(desk, now, ["accepted", "accepted", "uncertain"], counted=1)
    found = explained(desk)
    assert lines(found) == {
        "explain.seen": ["a: 08:00, as news", "b: 09:00, as old news, which is not mailed"],
        "explain.cleaned": [
            "The words are those of the entry in the feed of a.",
            "The lead is the summary of a.",
            "Published 07:48, as a says.",
            "Language: vi.",
        ],
        "explain.story": ["No other article does."],
        "explain.topics": [
            "giao-duc, since 08:00: any: học sinh; in: title",
            "tat-ca, since 09:00, as old news: source: b",
        ],
        "page.references": ["38-CT/TW"],
        "explain.published": [
            "In the feeds all, giao-duc, tat-ca.",
            "The story’s page",
            "Tuan, the edition of 09:00",
        ],
        "explain.place": [
            f"On the front page, place 1 at the top: 2.00 {PARTS} = 3.00.",
            f"Tuan, the edition of 09:00, place 1 of 1: 2.58 {PARTS} = 3.88.",
        ],
        "explain.mailed": [
            "tuan, mails sent: 2, of which 1 only count it in “more online”",
            "tuan, mails uncertain: 1",
            "Uncertain, to be settled by `bantin deliveries`: 2@x",
        ],
        "explain.late": [
            "Collected 12 min after it was published.",
            "First mailed 3 h after it was collected.",
        ],
    }  # fmt: skip
    said = as_json(found)
    assert said["told"] == {"accepted": 2, "uncertain": 1}
    assert said["late"] == {"collected_s": 720, "mailed_s": 10800}
    assert (said["front"]["place"], said["front"]["score"]["total"]) == (1, 3)
    assert said["editions"] == [
        {
            "digest": "Tuan", "cut_at": now + timedelta(hours=1), "place": 1, "of": 1,
            "page": "/editions/tuan/20261124T090000Z/", "score": said["editions"][0]["score"],
        }
    ]  # fmt: skip
    assert said["editions"][0]["score"]["headline"] == 1.5
    assert (said["references"], said["text"]) == (
        ("38-CT/TW",), {"from": "feed", "lead": "summary"},
    )  # fmt: skip
    assert lines(found, "vi").keys() == lines(found).keys()


def mail(desk, now, states, counted):
    """A mail of one edition for each state; the first `counted` show the story as a number."""
    with desk.store.write() as connection:
        story = connection.execute(select(t.story)).one()
        digest = add_digest(connection, now)
        edition = add_edition(connection, digest, now + timedelta(hours=1), now)
        connection.execute(
            insert(t.edition_story).values(
                edition_id=edition,
                story_id=story.id,
                position=0,
                topics=[["giao-duc", now.isoformat()]],
                article_ids=[],
                view={},
                standing=STANDING,
            )
        )
        segment = connection.execute(
            insert(t.segment).values(edition_id=edition, hash=b"", language="vi", stories=[])
        ).inserted_primary_key[0]
        for number, state in enumerate(states):
            one = add_subscription(
                connection, digest=digest, starts_at=now, address=f"{number}@example.vn"
            )
            reader = select(t.subscription.c.subscriber_id).where(t.subscription.c.id == one)
            delivery = connection.execute(
                insert(t.delivery).values(
                    subscription_id=one,
                    edition_id=edition,
                    segment_id=segment,
                    kind="edition",
                    priority=1,
                    message_id=f"{number}@x",
                    dated_at=now,
                    state=state,
                    tries=1,
                    next_try_at=now,
                    created_at=now,
                    settled_at=now + timedelta(hours=3 + number) if state == "accepted" else None,
                )
            ).inserted_primary_key[0]
            connection.execute(
                insert(t.told).values(
                    subscriber_id=connection.scalar(reader), scope="news", delivery_id=delivery,
                    article_id=story.article_id, shown=number >= counted,
                )
            )  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    [
        "http://a.vn/1",
        "https://A.VN:443/1?utm_source=zalo&fbclid=x",
        "https://a.vn/1#:~:text=hoc",
        "https://b.vn/in-lai?zarsrc=30",
        "https://b.vn/in-lai",
    ],
)
def test_every_spelling_of_its_address_and_its_reprint_leads_to_the_article(store, now, asked):
    desk = Desk(store, now)
    desk.says("a", entry())
    desk.says("b", entry("2", "https://b.vn/in-lai", origin="https://a.vn/1", origin_is_key=True))
    desk.says("b", entry("2", "https://b.vn/in-lai", origin="https://a.vn/1", origin_is_key=True))
    found = explained(desk, asked)
    assert found.found.link == "https://a.vn/1"
    assert [one.source for one in found.found.entries] == ["a", "b"]


def test_two_articles_that_became_one_are_told_as_one(desk):
    desk.says("a", entry())
    desk.says("b", entry("2", "https://b.vn/2", title="In lại"))
    desk.says("b", entry("3", "https://b.vn/2", origin="https://a.vn/1", origin_is_key=True))
    found = explained(desk, "https://b.vn/2")
    assert lines(found)["explain.story"] == ["b: In lại, 08:00; now merged with this article"]


FLOOD = (
    "Rạng sáng nay lũ quét tràn qua bản Lĩnh ở xã Mường Pồn, cuốn trôi 17 ngôi nhà. "
    "Bộ đội biên phòng đã đưa 120 người dân tới nhà văn hóa. Đường 12 bị sạt ở km 48."
)


@pytest.mark.both_engines
def test_how_close_the_articles_of_a_story_are_is_told_beside_what_is_enough(desk, now):
    desk.says("a", entry(title="Lũ quét ở Mường Pồn cuốn trôi 17 nhà", summary=FLOOD))
    desk.says("a", *others(30))
    said = "Lũ quét bản Lĩnh, Mường Pồn: 17 nhà bị cuốn trôi"
    desk.says("b", entry("9", "https://b.vn/9", title=said, summary=FLOOD[:150]), at=now)
    desk.says("b", entry("8", "https://b.vn/8", title="Giá vàng sáng nay", summary="Vàng tăng."))
    waits = explained(desk, "https://b.vn/9")
    assert not waits.waits, "nobody has begun to judge"
    Judge().run(desk.store, timedelta(days=5), now)
    desk.says("b", entry("7", "https://b.vn/7", title="Bão số 9", summary="Bão vào Biển Đông."))
    one, other = explained(desk), explained(desk, "https://b.vn/9")
    (alike,) = one.closeness.alike.values()
    assert one.closeness.enough < alike <= 1
    assert list(other.closeness.alike.values()) == [pytest.approx(alike)]
    first, enough = lines(one)["explain.story"]
    assert first == f"b: {said}, 08:00; {round(100 * alike)} % alike"
    assert "from 20 % likeness to its articles" in enough
    (told_other,) = as_json(one)["story"]["others"]
    assert (told_other["source"], told_other["likeness"]) == ("b", alike)
    alone = explained(desk, "https://b.vn/8")
    assert (alone.closeness, alone.waits) == (None, False)
    assert lines(alone)["explain.story"] == ["No other article does."]
    fresh = explained(desk, "https://b.vn/7")
    assert fresh.waits
    assert lines(fresh)["explain.story"][0].startswith("It has not been compared")
    assert as_json(fresh)["story"]["waits"] is True


@pytest.mark.both_engines
def test_what_an_admin_did_by_hand_and_that_a_story_is_hot_is_told(desk, now):
    desk.says("a", entry(summary=FLOOD), entry("2", "https://a.vn/2"), entry("3", "https://a.vn/3"))
    links = [f"https://a.vn/{number}" for number in (1, 2, 3)]
    with desk.store.write() as connection:
        acting.merge(connection, links, "lan", now)
        acting.split(connection, links[0], links[2:], "minh", now + timedelta(hours=1))
        story = explain(connection, links[0], SETTINGS).found.story_id
        connection.execute(insert(t.hot_story).values(story_id=story, hot_at=now))
    said = lines(explained(desk, links[0]))["explain.story"]
    assert said[1:4] == [
        "Put together by hand with 2 other articles, by lan, 08:00.",
        "Kept apart by hand from 1 other article, by minh, 09:00.",
        "It has been a hot story since 08:00.",
    ]
    alone = explained(desk, links[2])
    assert "Kept apart by hand from 2 other articles" in lines(alone)["explain.story"][-1]
    assert [one["act"] for one in as_json(alone)["story"]["acts"]] == ["together", "apart"]
    assert as_json(explained(desk, links[0]))["feeds"][:2] == ("all", "hot")


def others(number):
    """Articles of other events, whose words tell which words are rare."""
    names = ["Sơn", "Hà", "Biển", "Rừng", "Chợ", "Cầu", "Trường", "Đảo", "Ruộng", "Phố"]
    return [
        entry(
            f"o{n}",
            f"https://a.vn/o{n}",
            title=f"{names[n % 10]} {n}: tin thứ {n * 7} trong ngày",
            summary=f"Sáng nay ở {names[n % 7]} có {n} việc mới, người dân {names[n % 3]} kể lại.",
        )
        for n in range(number)
    ]


def test_an_article_of_no_topic_that_nobody_was_told(desk):
    desk.says("a", entry(title="Giá vàng", link="https://a.vn/v"))
    said = lines(explained(desk, "https://a.vn/v"))
    assert said["explain.topics"] == ["It is in no topic."]
    assert said["explain.published"][0] == "In no feed any more."
    assert said["explain.place"][0].startswith("Not on the front page: ")
    assert said["explain.mailed"] == ["To nobody."]
    assert said["explain.late"] == ["Its source gives no time to compare with."]


def test_a_place_under_a_topic_and_one_of_an_edition_before_parts_were_kept(desk, now):
    desk.says("a", entry())
    mail(desk, now, [], 0)
    found = explained(desk)
    front = replace(found.front, topic="giao-duc", place=2)
    old = replace(found.editions[0], score=None)
    for language in ("en", "vi"):
        said = lines(replace(found, front=front, editions=(old,)), language)["explain.place"]
        assert "giao-duc: 1.00 (" in said[0]
        assert "(" not in said[1]
    assert as_json(replace(found, editions=(old,)))["editions"][0]["score"] is None


def test_what_the_ledger_forgot_is_not_told_as_mailed_to_nobody(desk, now):
    desk.says("a", entry())
    mail(desk, now, [], 0)
    assert "no longer says to whom" in lines(explained(desk))["explain.mailed"][0]


@pytest.mark.parametrize(
    ("said", "lead", "date"),
    [
        ({"summary": "Tóm tắt."}, "The lead is the summary of a.", "a gives no credible date"),
        (
            {"content": f"<p>{TEXT}</p>"},
            "The lead is made of sentences",
            "a gives no credible date",
        ),
        ({}, "It has no lead.", "a gives no credible date"),
        ({"published": timedelta(hours=2)}, "It has no lead.", "a says 10:00, which is later"),
    ],
)
def test_where_words_and_date_come_from(desk, now, said, lead, date):
    said = {key: now + value if key == "published" else value for key, value in said.items()}
    desk.says("a", entry(**said))
    _, told_lead, told_date, *_ = lines(explained(desk))["explain.cleaned"]
    assert told_lead.startswith(lead)
    assert told_date.startswith(date)


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ({}, "those of the entry in the feed of a."),
        ({"full_text": True}, "those of the article’s own page."),
        ({"article_pages": True}, "those of the article’s own page where that lacks something."),
        ({"kind": "page"}, "those of the article’s own page where that lacks something."),
        ({"kind": "page", "article_pages": False}, "those of the list of a."),
        (None, "The source a is no longer in the configuration."),
    ],
)
def test_what_words_are_taken_from_follows_the_source(desk, source, where):
    desk.says("a", entry())
    sources = {} if source is None else {"a": {"url": "https://a.vn/rss", **source}}
    settings = Settings.model_validate({"source": sources, "topic": {}})
    found = explained(desk, settings=settings)
    assert lines(found)["explain.cleaned"][0].endswith(where)
    assert found.feeds == ("all",), "the topics have left the TOML"


def test_a_change_of_substance_and_a_label_are_told(desk, now):
    desk.says("a", entry(summary="Một."))
    desk.says("a", entry(summary="Hai ngày."), at=now + timedelta(hours=2))
    with desk.store.write() as connection:
        article = connection.scalar(select(t.article.c.id))
        topic_labels.put(connection, article, connection.scalar(select(t.topic.c.id)))
    found = explained(desk)
    assert "Its text changed in substance 10:00." in lines(found)["explain.cleaned"]
    assert lines(found)["explain.topics"][-1] == "An admin labelled it giao-duc."
    assert as_json(found)["label"] == "giao-duc"
    with desk.store.write() as connection:
        topic_labels.put(connection, article, None)
    found = explained(desk)
    assert "none of the learned topics" in lines(found)["explain.topics"][-1]
    assert as_json(found)["label"] == "not"


def test_what_was_refused_at_an_address_is_told_with_its_reason(desk, now):
    desk.says("a", entry("1", "https://a.vn/trong", title="", summary=""))
    found = explained(desk, "http://a.vn/trong?utm_source=x")
    assert isinstance(found, Unknown)
    assert told(unknown(found)) == ["a: 08:00, refused: it has neither a title nor any text"]
    assert as_json(found)["refused"][0]["reason"] == "empty"
    with desk.store.write() as connection:
        connection.execute(update(t.entry).values(refused_reason="unread"))
        connection.execute(
            insert(t.unread_page).values(
                entry_id=connection.scalar(select(t.entry.c.id)), source_id=desk.ids["a"],
                url="https://a.vn/trong", listed_entry=b"", added_at=now, tries=1, next_try_at=now,
                error="Connection refused",
            )
        )  # fmt: skip
    (said,) = told(unknown(explained(desk, "https://a.vn/trong")))
    assert said.endswith("its page could not be read yet (Connection refused), next try 08:00")
    with desk.store.write() as connection:
        connection.execute(t.unread_page.delete())
    for reason in ("unread", "no_page", "unreadable"):
        with desk.store.write() as connection:
            connection.execute(update(t.entry).values(refused_reason=reason))
        assert told(unknown(explained(desk, "https://a.vn/trong")))


def test_an_entry_that_another_source_got_refused_stands_beside_those_that_led_to_it(desk):
    desk.says("a", entry())
    desk.says("b", entry("9", "https://a.vn/1", title=""))
    seen = lines(explained(desk))["explain.seen"]
    assert seen == ["a: 08:00, as news", seen[1]]
    assert seen[1].startswith("b: 08:00, ")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("https://www.a.vn/khac", "Sources collected from its site: a."),
        ("https://c.vn/khac", "none is collected from its site."),
        ("không phải địa chỉ", "none is collected from its site."),
        ("http://[", "none is collected from its site."),
        ("", "none is collected from its site."),
    ],
)
def test_what_was_never_seen_is_said_so(store, now, asked, says):
    found = explained(Desk(store, now), asked)
    (said,) = told(unknown(found))
    assert said.startswith("No source has brought this address")
    assert said.endswith(says)
    assert as_json(found) is None


def test_what_was_old_when_it_came_was_not_late(desk, now):
    desk.says("a", entry(published=now - timedelta(days=90)), first=True)
    found = explained(desk)
    assert found.late == Lateness(90 * 86400, None)
    assert lines(found)["explain.late"] == ["It was old when it came, so it was not late."]
