"""Parsing little gives what parsing everything gives: incremental parsing against the whole
document.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from service.errors import ParseError
from service.model import Document
from service.parse.document import parse_document
from service.parse.incremental import decide, snapshot, splitter
from service.parse.options import ParseOptions
from service.parse.repair import pipeline
from service.parse.result import ParseLevel
from tests import levels
from tests.levels import table
from tests.parse.feed.test_strict_parser import FOLDERS, files
from tests.parse.feeds import two_documents

URL = "https://a.example/dir/feed"
REAL = {"rss-parser/input", "feedjira"}
"""Folders of real feeds, of which most are worth reading in part."""

READING = ParseOptions(zone="Asia/Ho_Chi_Minh")


def both_ways(first: bytes, second: bytes, now, headers=None) -> ParseLevel | None:
    """Read `second` after `first` incrementally and whole; compare. None: `first` is not a feed."""
    headers = headers or {}
    try:
        before = decide.glean(first, headers, URL, READING, now, None)
    except ParseError:
        return None
    known = before.memory
    later = now + timedelta(hours=1)
    try:
        whole = parse_document(second, headers, URL, READING, later)
    except ParseError:
        with pytest.raises(ParseError):
            decide.glean(second, headers, URL, READING, later, known)
        return None
    parsed = decide.glean(second, headers, URL, READING, later, known)
    assert parsed.listed == len(whole.entries)
    assert told(parsed.document) == told(whole)
    old = {one.key: one for one in before.document.entries}
    read = {one.key: one for one in parsed.document.entries}
    assert [read.get(one.key) or old[one.key] for one in whole.entries] == list(whole.entries)
    if parsed.level is ParseLevel.WHOLE:
        assert parsed.document == whole
    if parsed.memory is not None:  # what is remembered is what a whole reading would remember
        again = decide.glean(second, headers, URL, READING, later, None)
        on = snapshot.basis(READING.fingerprint, URL)
        assert snapshot.slices_in(again.memory, on) == snapshot.slices_in(parsed.memory, on)
    return parsed.level


def told(document: Document) -> tuple[object, ...]:
    return (document.title, document.link, document.language, document.repairs, document.ttl_s)


def variants(body: bytes) -> list[bytes]:
    """The same document earlier: without its first entry, without its second, with one changed."""
    repaired = pipeline.repair(body, {}).text.encode("utf-8", "replace")
    pieces = splitter.cut(repaired)
    if pieces is None or len(pieces.slices) < 2:
        return []
    slices = list(pieces.slices)
    changed = [slices[0].replace(b"e", b"i"), *slices[1:]]
    choices = (slices[1:], [slices[0], *slices[2:]], slices[::-1], changed, [*slices, slices[0]])
    return [b'<?xml version="1.0"?>' + pieces.with_only(choice) for choice in choices]


@pytest.mark.sampled
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_feed_of_the_corpus_gives_the_same_both_ways(corpus, folder, now):
    parse_levels: list[ParseLevel | None] = []
    one_in = 8 if folder in REAL else 18
    taken = levels.sample(files(corpus, folder), one_in, lambda path: path.name)
    assert taken
    for path in taken:
        body = path.read_bytes()
        both_ways(body, body, now)
        made = variants(body)
        tried = [*made[:1], *levels.each(made[1:], path.name)]
        found = [both_ways(earlier, body, now) for earlier in tried]
        parse_levels += found[:1]  # one new entry since: what a poll finds
    if folder in REAL:  # incremental parsing is worth having
        assert parse_levels.count(ParseLevel.PART) > 0.7 * len(parse_levels) > levels.some(10, 1)


@given(two_documents())
def test_generated_feeds_give_the_same_both_ways(two):
    both_ways(*two, datetime(2026, 11, 25, tzinfo=UTC))


HEAD = (
    '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"><channel>{}'
)
ITEM = "<item><guid isPermaLink='false'>{0}</guid><link>http://a.example/{0}</link>{1}</item>"
TAIL = "</channel></rss>"


def burned(name: str, origin: str, more: str = "") -> str:
    """An entry of FeedBurner's, whose own address is another."""
    at = f"http://a.example/{origin}"
    return item(name, f"<feedburner:origLink>{at}</feedburner:origLink>{more}")


def again(name: str, link: str, title: str = "t") -> str:
    """An entry with a guid of its own and the link of another."""
    at = f"<link>http://a.example/{link}</link>"
    return item(name, f"<title>{title}</title>").replace(
        f"<link>http://a.example/{name}</link>", at
    )


def feed(head: str, *items: str) -> bytes:
    return f"{HEAD.format(head)}{''.join(items)}{TAIL}".encode()


def item(name: str, inner: str = "<title>t</title>") -> str:
    return ITEM.format(name, inner)


# Each leak of state inside feedparser, and each way in which entries hang on one another.
LEAKS = {
    "unescaped title in content": item("1", "<description><title>x</title></description>"),
    "unescaped body": item("1", "<description>a<body>x</body>b</description>"),
    "content without end of div": item("1", "<content:encoded><div>x</div></content:encoded>"),
    "summary in an item": item("1", "<summary>s</summary><summary>t</summary>"),
    "image in an item": item("1", "<image><url>http://a.example/p.png</url></image>"),
    "text input": item("1", "<textinput><title>x</title></textinput>"),
    "prefix declared": item("1", '<x:y xmlns:x="http://purl.org/dc/elements/1.1/">v</x:y>'),
    "prefix bound anew": item(
        "1", '<content:encoded xmlns:content="http://other.example/">v</content:encoded>'
    ),
    "language in an item": item("1", "<language>fr</language>"),
    "guid of another": item("2", "<title>other</title>"),
    "link of another": "<item><guid>9</guid><link>http://a.example/2</link></item>",
    "no guid, link of another": "<item><link>http://a.example/2</link><title>x</title></item>",
    "a twin": item("2"),
    "a twin under another guid": again("9", "2"),
    "twins under other guids": again("9", "2") + again("8", "2"),
    "another headline under the link": again("9", "2", "u"),
    "a twin and another headline": again("9", "2") + again("8", "2", "u"),
    "a twin by its origin": burned("9", "2", "<title>t</title>"),
    "origin that is the link of another": burned("9", "2"),
    "origin of another": burned("9", "o") + burned("8", "o"),
    "no guid, an origin": burned("9", "o").replace("<guid isPermaLink='false'>9</guid>", ""),
}


@pytest.mark.parametrize("name", LEAKS)
def test_every_known_leak_is_read_as_the_whole_document_reads_it(name, now):
    leak = LEAKS[name]
    old = [item("2"), item("3", "<description>&lt;p&gt;hi&lt;/p&gt;</description>")]
    for later in ([leak, *old], [old[0], leak, old[1]], [*old, leak], [item("4"), leak, *old]):
        after = feed("<title>B</title>", *later)
        assert both_ways(feed("<title>A</title>", *old), after, now) is not None
        assert both_ways(feed("<title>A</title>", leak, *old), after, now) is not None


@pytest.mark.parametrize(
    ("before", "after", "level"),
    [
        ("<title>A</title>", "<title>B</title>", ParseLevel.PART),
        ("<lastBuildDate>1</lastBuildDate>", "<lastBuildDate>2</lastBuildDate>", ParseLevel.PART),
        ("<language>vi</language>", "<language>en</language>", ParseLevel.WHOLE),
        ("<link>http://a.example/</link>", "<link>http://a.example/2</link>", ParseLevel.WHOLE),
        ("<title>A</title>", "<content:encoded>x</content:encoded>", ParseLevel.WHOLE),
        ("<title>A</title>", "<image><url>http://a.example/i</url></image>", ParseLevel.WHOLE),
    ],
)
def test_what_a_head_hands_down_must_be_the_same(before, after, level, now):
    old = [item("2"), item("3")]
    assert both_ways(feed(before, *old), feed(after, item("4"), *old), now) is level


def test_without_news_the_head_alone_is_read(now):
    old = [item("2"), item("3")]
    assert both_ways(feed("<title>A</title>", *old), feed("<title>B</title>", *old), now) is (
        ParseLevel.SLICES
    )
    changed_base = feed("<title>A</title>", *old).replace(b"<rss", b"<rss xml:base='http://b.b/'")
    assert both_ways(feed("<title>A</title>", *old), changed_base, now) is ParseLevel.WHOLE


def test_a_memory_is_worth_nothing_on_another_basis():
    on = snapshot.basis(b"reading", URL)
    others = [snapshot.basis(b"another", URL), snapshot.basis(b"reading", "https://b.example/")]
    who = snapshot.EntryHashes.of("guid", "link", None, "key")
    slices, hashes = (
        snapshot.Slices(b"i" * 8, {b"s" * splitter.SLICE_HASH_BYTES: who}),
        frozenset({b"x" * 16}),
    )
    of_slices, of_entries = snapshot.of_slices(slices, on), snapshot.of_entries(hashes, on)
    assert snapshot.slices_in(of_slices, on) == slices
    assert snapshot.entries_in(of_entries, on) == hashes
    for memory, basis in [(None, on), (of_entries, on), *((of_slices, one) for one in others)]:
        assert snapshot.slices_in(memory, basis) is None
    for memory, basis in [(None, on), (of_slices, on), *((of_entries, one) for one in others)]:
        assert snapshot.entries_in(memory, basis) == frozenset()


@table(
    "body",
    [
        "<rss><channel><item/></channel></rss>",
        "<rss><channel><item>a</item>text<item>b</item></channel></rss>",
        "<rss><channel><item>a</item><x/><item>b</item></channel></rss>",
        "<rss><channel><x><item>a</item></x></channel></rss>",
        "<rss><channel><item><item>a</item></item></channel></rss>",
        "<rss><channel><item>a</item></channel><channel><item>b</item></channel></rss>",
        "<rss><channel><item>a</item><entry>b</entry></channel></rss>",
        "<other><item>a</item></other>",
        "<rss><channel><item>a</item>",
        "<!DOCTYPE rss><rss><channel><item>a</item></channel></rss>",
    ],
)
def test_what_is_not_built_as_feeds_are_is_not_cut(body):
    assert splitter.cut(body.encode()) is None


def test_the_pieces_are_the_document():
    body = (
        "<rss><channel><title>é</title>\n <item>một</item><!-- c -->\n<item>hai</item>"
        "  <x/></channel></rss>"
    )
    pieces = splitter.cut(body.encode())
    assert pieces is not None
    assert pieces.head == "<rss><channel><title>é</title>\n ".encode()
    assert [piece.decode() for piece in pieces.slices] == [
        "<item>một</item><!-- c -->\n",
        "<item>hai</item>",
    ]
    assert pieces.with_only(pieces.slices) == body.encode()


def test_an_order_of_dates_that_shows_itself_later_reads_the_whole_again(now):
    def feed(*dates: str) -> bytes:
        items = "".join(
            f"<item><guid>{date}</guid><title>{date}</title><pubDate>{date}</pubDate></item>"
            for date in dates
        )
        return f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()

    old = feed("2/3/2026 08:00", "3/4/2026 08:00")
    assert both_ways(old, feed("4/5/2026 08:00", "2/3/2026 08:00", "3/4/2026 08:00"), now) is (
        ParseLevel.PART
    )
    assert both_ways(old, feed("5/22/2026 08:00", "2/3/2026 08:00"), now) is ParseLevel.WHOLE
