"""The three formats: valid, the same bytes each time, and read back as they were written."""

from __future__ import annotations

import io
import json
import locale
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import feedparser
import pytest
from lxml import etree, html

from service.config.schema import Publish
from service.model import Enclosure, Image
from service.publish.channel import FRESH_FOR, FeedChannel, topic_channel
from service.publish.extension import ATOM, EntryCorrections
from service.publish.items import item
from service.publish.json_feed import json_feed
from service.publish.syndicate import atom, rss
from service.render.engine import shipped_templates
from service.render.views import SiteView
from service.render.words import load_words
from service.store.content.page_queries import PublishedTopic
from tests.publish.newsroom import a_story, stories_of_every_kind
from tests.publish.validity import CHECKS, CONTENT, DC, MEDIA, SY

WORDS = load_words([shipped_templates()], "vi")
SITE = SiteView(
    "Tin Khoa giáo", "https://tin.example.vn", "vi", "Asia/Ho_Chi_Minh", rights="Của các báo & ai"
)
WRITERS = {"atom": atom, "rss": rss, "json": json_feed}
A = f"{{{ATOM}}}"


@pytest.fixture
def channel(now):
    topic = PublishedTopic(3, "giao-duc", "Giáo dục", now, retired=False)
    return topic_channel(SITE, WORDS, topic, "tin.example.vn,2026", 12)


def items_of(stories, content="lead", images="link"):
    return [
        item(
            story, WORDS, Publish(content=content, images=images),
            authority="tin.example.vn,2026", base=SITE.base_url, language="vi", feed="giao-duc",
        )
        for story in stories
    ]  # fmt: skip


@pytest.mark.parametrize("format_", WRITERS)
@pytest.mark.parametrize("content", ["title", "lead", "full"])
@pytest.mark.parametrize("images", ["link", "none"])
def test_every_kind_of_story_gives_a_valid_feed(now, channel, format_, content, images):
    body = WRITERS[format_](channel, items_of(stories_of_every_kind(now), content, images))
    assert CHECKS[format_](body) == []


@pytest.mark.parametrize("format_", WRITERS)
def test_an_empty_feed_is_valid_and_dated_by_its_topic(now, channel, format_):
    body = WRITERS[format_](channel, [])
    assert CHECKS[format_](body) == []
    if format_ == "atom":
        assert etree.fromstring(body).findtext(f"{A}updated") == now.isoformat()
    if format_ == "rss":
        date = etree.fromstring(body)[0].findtext("lastBuildDate")
        assert parsedate_to_datetime(date) == now


@pytest.mark.parametrize("format_", WRITERS)
def test_the_same_data_gives_the_same_bytes(now, channel, format_):
    write = WRITERS[format_]
    first = write(channel, items_of(stories_of_every_kind(now), "full"))
    assert write(channel, items_of(stories_of_every_kind(now), "full")) == first


@pytest.mark.parametrize("content", ["title", "lead", "full"])
def test_feedparser_reads_back_what_was_written(now, channel, content):
    items = items_of(stories_of_every_kind(now), content)
    for write in (atom, rss):
        read = feedparser.parse(io.BytesIO(write(channel, items)))
        assert not read.bozo
        assert read.feed.title == "Giáo dục – Tin Khoa giáo"
        assert read.feed.link == "https://tin.example.vn/topics/giao-duc/"
        assert [one.id for one in read.entries] == [one.id for one in items]
        assert [one.link for one in read.entries] == [one.link for one in items]
        assert [one.title for one in read.entries] == [one.title for one in items]
        assert [one.author for one in read.entries] == [one.author for one in items]
        assert [_instant(one.published_parsed) for one in read.entries] == [
            one.published.replace(microsecond=0) for one in items
        ]
    for entry, one in zip(
        feedparser.parse(io.BytesIO(atom(channel, items))).entries, items, strict=True
    ):
        assert _instant(entry.updated_parsed) == one.updated
    told = json.loads(json_feed(channel, items))["items"]
    assert [(one["id"], one["url"], one["title"]) for one in told] == [
        (one.id, one.link, one.title) for one in items
    ]


def _instant(parsed) -> datetime:
    return datetime(*parsed[:6], tzinfo=UTC)


def test_the_feed_says_who_it_is(channel):
    feed = etree.fromstring(atom(channel, []))
    assert feed.findtext(f"{A}id") == "tag:tin.example.vn,2026:topic/3"
    assert feed.findtext(f"{A}title") == "Giáo dục – Tin Khoa giáo"
    assert feed.findtext(f"{A}subtitle") == (
        "Giáo dục: tin từ 12 nguồn, do Tin Khoa giáo chọn lọc theo chủ đề"
    )
    assert feed.findtext(f"{A}rights") == "Của các báo & ai"
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == "vi"
    assert feed.findtext(f"{A}icon") == "https://tin.example.vn/assets/icon-512.png"
    assert feed.findtext(f"{A}logo") == "https://tin.example.vn/assets/icon-512.png"
    links = [(one.get("rel"), one.get("href")) for one in feed.findall(f"{A}link")]
    assert links == [
        ("self", "https://tin.example.vn/feeds/giao-duc.atom"),
        ("alternate", "https://tin.example.vn/topics/giao-duc/"),
    ]


def test_the_same_in_rss(channel):
    told = etree.fromstring(rss(channel, []))[0]
    assert told.findtext("link") == "https://tin.example.vn/topics/giao-duc/"
    assert told.findtext("language") == "vi"
    assert told.findtext("copyright") == "Của các báo & ai"
    assert told.findtext("image/url") == "https://tin.example.vn/assets/icon-144.png"
    assert told.findtext("image/width") == told.findtext("image/height") == "144"
    assert told.findtext("ttl") == str(FRESH_FOR.seconds // 60)
    assert told.findtext(f"{SY}updateFrequency") == "4"
    assert FRESH_FOR.seconds <= 30 * 60
    assert told.find(f"{A}link").get("href") == "https://tin.example.vn/feeds/giao-duc.rss"


def test_the_same_in_json(channel):
    told = json.loads(json_feed(channel, []))
    assert told["feed_url"] == "https://tin.example.vn/feeds/giao-duc.json"
    assert told["icon"].endswith("icon-512.png")
    assert told["language"] == "vi"
    assert "authors" not in told, "readers would show them for every item"


def test_a_hub_stands_beside_self_in_each_format(channel):
    hub = FeedChannel(
        **{name: getattr(channel, name) for name in FeedChannel.__slots__ if name != "hubs"},
        hubs=("https://hub.example/",),
    )
    feed = etree.fromstring(atom(hub, []))
    assert [one.get("rel") for one in feed.findall(f"{A}link")] == ["self", "hub", "alternate"]
    told = etree.fromstring(rss(hub, []))[0]
    assert [one.get("rel") for one in told.findall(f"{A}link")] == ["self", "hub"]
    assert told.findtext("link") == "https://tin.example.vn/topics/giao-duc/"
    assert json.loads(json_feed(hub, []))["hubs"] == [
        {"type": "WebSub", "url": "https://hub.example/"}
    ]
    assert CHECKS["rss"](rss(hub, [])) == CHECKS["atom"](atom(hub, [])) == []


def test_an_entry_in_atom(now, channel):
    picture = Image("https://a.example/1.jpg", "Lớp", 640, 360)
    sound = Enclosure("https://a.example/1.mp3", "audio/mpeg", 1234)
    story = a_story(now, language="en", image=picture, enclosures=(sound,))
    entry = etree.fromstring(atom(channel, items_of([story]))).find(f"{A}entry")
    links = [dict(one.attrib) for one in entry.findall(f"{A}link")]
    assert links == [
        {"href": "https://vnexpress.example/1", "rel": "alternate"},
        {
            "href": "https://tin.example.vn/stories/0a1b2c3d4e5f60718293a4b5/",
            "rel": "related",
        },
        {"href": sound.url, "rel": "enclosure", "type": "audio/mpeg", "length": "1234"},
    ]
    assert entry.findtext(f"{A}author/{A}name") == "Thanh Hằng · VnExpress"
    assert entry.findtext(f"{A}author/{A}uri") == "https://vnexpress.example/"
    assert entry.find(f"{A}summary").get("type") == "html"
    assert entry.find(f"{A}content") is None
    assert entry.find(f"{A}category").attrib == {
        "term": "Khoa học – công nghệ",
        "label": "Khoa học – công nghệ",
    }
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert dict(entry.find(f"{MEDIA}thumbnail").attrib) == {
        "url": picture.url,
        "width": "640",
        "height": "360",
    }
    assert entry.findtext(f"{A}source/{A}title") == "VnExpress"


def test_full_text_in_atom_and_rss(now, channel):
    story = a_story(now, content="<p>Toàn văn.</p>", lead="Câu mở đầu.")
    items = items_of([story], "full")
    entry = etree.fromstring(atom(channel, items)).find(f"{A}entry")
    assert entry.find(f"{A}content").get("type") == "html"
    assert "Toàn văn" in entry.findtext(f"{A}content")
    assert entry.findtext(f"{A}summary") == "Câu mở đầu."
    told = etree.fromstring(rss(channel, items)).find("channel/item")
    assert "Toàn văn" in told.findtext(f"{CONTENT}encoded")
    assert told.findtext("description") == "Câu mở đầu."
    same = items_of([a_story(now, content="<p>Toàn văn.</p>", lead="Toàn văn.")], "full")
    assert etree.fromstring(atom(channel, same)).find(f"{A}entry/{A}summary") is None


@pytest.mark.parametrize(
    ("lead", "title"),
    [
        ("Toán < văn & <b>sử</b> &amp; hết", "Điểm chuẩn"),
        ("", "Toán < văn & <b>sử</b> &amp; hết"),
    ],
)
def test_what_stands_beside_a_full_text_in_rss_reads_as_it_is_written(now, channel, lead, title):
    """A description is HTML to who reads it: the lead, or the title, is plain text (RSS 2.0)."""
    items = items_of([a_story(now, content="<p>Toàn văn.</p>", lead=lead, title=title)], "full")
    told = etree.fromstring(rss(channel, items)).find("channel/item")
    shown = html.fromstring(f"<div>{told.findtext('description')}</div>")
    assert shown.text_content() == (lead or title)
    assert list(shown.iterdescendants()) == [], "words of the outlet became markup"


def test_an_item_in_rss(now, channel):
    story = a_story(now, enclosures=(Enclosure("https://a.example/1.mp4", "video/mp4"),))
    told = etree.fromstring(rss(channel, items_of([story]))).find("channel/item")
    assert told.findtext(f"{DC}creator") == "Thanh Hằng · VnExpress"
    assert told.find("author") is None
    assert told.find("guid").get("isPermaLink") == "false"
    assert told.findtext("guid").startswith("tag:")
    assert dict(told.find("enclosure").attrib) == {
        "url": "https://a.example/1.mp4",
        "length": "0",
        "type": "video/mp4",
    }


def test_an_item_in_json(now, channel):
    """A reader that speaks its items aloud must know in which language; the feed's says nothing."""
    sound = Enclosure("https://a.example/1.mp3", "audio/mpeg", 1234)
    told = [a_story(now, language="en", enclosures=(sound,)), a_story(now)]
    foreign, own = json.loads(json_feed(channel, items_of(told)))["items"]
    assert (foreign["language"], "language" in own) == ("en", False)
    assert foreign["attachments"] == [
        {"url": sound.url, "mime_type": "audio/mpeg", "size_in_bytes": 1234}
    ]


def test_entries_stand_in_the_order_given(now, channel):
    items = items_of(stories_of_every_kind(now))
    told = json.loads(json_feed(channel, items))["items"]
    assert [one["id"] for one in told] == [one.id for one in items]
    feed = etree.fromstring(atom(channel, items))
    assert [one.findtext(f"{A}id") for one in feed.findall(f"{A}entry")] == [
        one.id for one in items
    ]


@pytest.mark.parametrize("namespace", ["", f"{{{ATOM}}}"])
def test_a_feedgen_that_writes_links_and_source_right_gives_the_same(namespace, now):
    """Our corrections replace what stands there; they do not count on its being wrong."""
    wrong = etree.fromstring(b"<entry><id>x</id><link href='a'/><link href='b'/></entry>")
    right = etree.fromstring(
        b"<entry><id>x</id><link href='a' rel='alternate'/><link href='b' rel='related'/>"
        b"<source><id>y</id></source></entry>"
    )
    written = []
    for entry in (wrong, right):
        for element in entry.iter():
            element.tag = f"{namespace}{element.tag}"
        corrections = EntryCorrections()
        corrections.links = [{"href": "a", "rel": "alternate"}, {"href": "b", "rel": "related"}]
        for _twice in range(2):
            corrections.extend_atom(entry)
        written.append(etree.tostring(entry))
    assert written[0] == written[1]
    assert written[0].count(b"rel=") == 2


def test_writing_dates_leaves_the_locale_of_the_process_alone(now, channel):
    before = locale.setlocale(locale.LC_ALL)
    rss(channel, items_of(stories_of_every_kind(now)))
    assert locale.setlocale(locale.LC_ALL) == before
