"""Documents that are broken at any place: what is whole in them is read as it was."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from service.errors import ParseError
from service.model import Document, Entry
from service.parse.document import parse_document
from service.parse.incremental import splitter
from service.parse.options import ParseOptions
from service.parse.repair import pipeline, repair_names, salvage
from tests.levels import some, table
from tests.parse.feeds import documents as generated

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
URL = "https://a.example/feed"

RSS = (
    (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Báo</title>'
        "<link>https://a.example/</link>"
    ),
    "</channel></rss>",
)
ITEMS = (
    (
        "<item><title>Một &amp; một</title><link>https://a.example/1</link>"
        '<guid isPermaLink="false">1</guid><description>&lt;p&gt;x&lt;/p&gt;</description></item>\n'
    ),
    (
        "<item><title><![CDATA[Hai & hai]]></title><link>https://a.example/2</link>"
        "<pubDate>Tue, 24 Nov 2026 08:05:00 +0700</pubDate><guid>https://a.example/2</guid>"
        "<description><![CDATA[<p>đây</p>]]></description><!-- <item> -->"
        '<enclosure url="https://a.example/2.mp3" length="5" type="audio/mpeg"/></item>\n'
    ),
    (
        "<item><title>Ba</title><link>https://a.example/3</link><guid>3</guid>"
        "<content:encoded><![CDATA[z</item>]]></content:encoded></item>\n"
    ),
)
FEEDS = {
    "RSS": (RSS[0], ITEMS, RSS[1]),
    "RSS without guids": (
        "<rss version='2.0'><channel><title>T</title>",
        tuple(
            f"<item><title>{n}</title><link>https://a.example/{n}</link><description>é</description>"
            "</item>"
            for n in "123"
        ),
        "</channel></rss>",
    ),
    "RSS in capitals": (
        "<RSS version='2.0'><CHANNEL><TITLE>T</TITLE>",
        tuple(f"<ITEM><TITLE>{n}</TITLE><LINK>https://a.example/{n}</LINK></ITEM>" for n in "12"),
        "</CHANNEL></RSS>",
    ),
    "RSS with a DTD": (
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY own "của tôi">]><rss version="2.0"><channel>',
        tuple(f"<item><title>&own; {n}</title><guid>{n}</guid></item>" for n in "12"),
        "</channel></rss>",
    ),
    "Atom": (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://b.example/"><id>urn:x</id>',
        tuple(
            f'<entry><id>urn:{n}</id><title type="html">&lt;b&gt;{n}</title><link href="x/{n}"/>'
            '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>x <br/></p></div>'
            "</content></entry>"
            for n in "12"
        ),
        "</feed>",
    ),
    "Atom with a prefix": (
        '<a:feed xmlns:a="http://www.w3.org/2005/Atom">',
        tuple(f"<a:entry><a:id>{n}</a:id><a:title>{n}</a:title></a:entry>" for n in "12"),
        "</a:feed>",
    ),
    "RDF": (
        (
            '<rdf:RDF xmlns="http://purl.org/rss/1.0/"'
            ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel rdf:about="x">'
            "<title>T</title></channel>"
        ),
        tuple(
            f'<item rdf:about="https://a.example/{n}"><title>{n}</title>'
            f"<link>https://a.example/{n}</link></item>"
            for n in "12"
        ),
        "</rdf:RDF>",
    ),
}


EACH = some(1, 3)
"""A cut at one byte in so many, other ones in each document."""


def read(text: str | bytes) -> Document:
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return parse_document(body, {}, URL, ParseOptions(), NOW)


def entries(text: str | bytes) -> tuple[Entry, ...]:
    try:
        return read(text).entries
    except ParseError:
        return ()


@pytest.mark.sampled
@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_that_breaks_off_at_any_byte_loses_no_entry_that_was_whole(name):
    head, items, tail = FEEDS[name]
    whole = read("".join((head, *items, tail))).entries
    body = "".join((head, *items, tail)).encode()
    ends = [len("".join((head, *items[: n + 1])).rstrip().encode()) for n in range(len(items))]
    for cut in range(len(name) % EACH, len(body), EACH):
        there = sum(end <= cut for end in ends)
        got = entries(body[:cut])
        assert got[:there] == whole[:there], cut
        assert len(got) <= there + 1
        for half, later in zip(got[there:], whole[there:], strict=False):  # one that was hit
            assert (half.key, half.title) == (later.key, later.title), cut


@pytest.mark.large
@given(generated(), st.integers(0, 10_000))
def test_generated_feeds_that_break_off_lose_no_entry_that_was_whole(body, cut):
    pieces = splitter.cut(body)
    assume(pieces is not None and len(pieces.slices) > 1)
    assert pieces is not None
    whole = entries(body)
    assume(len(whole) == len(pieces.slices))
    cut = len(pieces.head) + cut % (len(body) - len(pieces.head))
    at, there = len(pieces.head), 0
    for piece in pieces.slices:
        at += len(piece)
        there += at <= cut
    got = entries(body[:cut])
    assert [one.guid for one in got[:there]] == [one.guid for one in whole[:there]]


JUNK = ("<", "&", "</x>", "</item>", "<b>", "<br>", "<br/>", "]]>", "<!--", "-->", '"',
        "'", ">", "\0", "\x0b", "&nbsp;", "&#0;", "<?", "</title>", "<p class=x>", "</channel>",
        "&lt", "\ufffe", "<!DOCTYPE x>", "</rss", "&khongco;", "\ud83d")  # fmt: skip


@given(st.sampled_from(JUNK), st.integers(0, len(ITEMS[1])))
@example("<!--", 225)  # within a tag, where it is not a comment
def test_what_is_broken_in_one_entry_changes_no_other(junk, at):
    whole = {one.guid: one for one in read("".join((RSS[0], *ITEMS, RSS[1]))).entries}
    broken = ITEMS[1][:at] + junk + ITEMS[1][at:]
    assume(broken.count("]]>") >= ITEMS[1].count("]]>"))  # its sections still end
    got = {one.guid: one for one in read(f"{RSS[0]}{ITEMS[0]}{broken}{ITEMS[2]}{RSS[1]}").entries}
    assert (got["1"], got["3"]) == (whole["1"], whole["3"])


CONTROLS = [chr(n) for n in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)]


@given(st.sampled_from(CONTROLS), st.sampled_from(list(FEEDS)), st.integers(0, 10_000))
def test_a_control_character_anywhere_changes_nothing(control, name, at):
    head, items, tail = FEEDS[name]
    text = "".join((head, *items, tail))
    start = text.index("?>") + 2 if text.startswith("<?") else 0
    at = start + at % (len(text) - start + 1)
    assert read(text[:at] + control + text[at:]).entries == read(text).entries


@table(
    ("written", "read_as"),
    [("&nbsp;", "\u00a0"), ("&eacute;", "é"), ("&hellip;", "…"), ("&khongco;", "&khongco;"),
     ("&amp;nbsp;", "\u00a0"), ("&#146;", "’"), ("&#55357;&#56832;", "😀"),
     ("&#xD83D;&#xDE00;", "😀"), ("&#21271;&#20140;", "北京"), ("&lang=vi", "&lang=vi"),
     ("&#x1F;", ""), ("&", "&"), ("&;", "&;"), ("&#;", "&#;"), ("& amp;", "& amp;")],
)  # fmt: skip
def test_references_at_every_place_of_a_text(written, read_as):
    words = "Sở Khoa"
    for at in range(len(words) + 1):
        items = f"<item><guid>1</guid><title>{words[:at]}{written}{words[at:]}</title></item>"
        title = " ".join(f"{words[:at]}{read_as}{words[at:]}".split())
        assert read(f"{RSS[0]}{items}{RSS[1]}").entries[0].title == title


PLAIN = "".join((RSS[0], *ITEMS, RSS[1]))


@table(
    "text",
    [
        f"<br />\n<b>Warning</b>: foo() in <b>/x.php</b> on line <b>3</b><br />\n{PLAIN}",
        f"Warning: x & y\n{PLAIN}",
        f"<!-- generator -->{PLAIN}",
        f"{PLAIN}<script>var a = 1 && 2;</script>",
        f"{PLAIN}\n<br />\n<b>Warning</b>: x",
        f"{PLAIN}\nPHP Warning & more",
        PLAIN.replace("?>", ">", 1),
        f"<html><body>{PLAIN}",
    ],
)
def test_what_programs_write_around_a_feed_is_dropped(text):
    got = read(text)
    assert got.entries == read(PLAIN).entries
    assert repair_names.JUNK_AROUND in got.repairs


def test_two_feeds_in_one_document_are_both_read():
    other = f"{RSS[0]}<item><title>Bốn</title><guid>4</guid></item>{RSS[1]}"
    assert [one.guid for one in read(PLAIN + other).entries] == [
        "1",
        "https://a.example/2",
        "3",
        "4",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x&lt;/p&gt;</description>", "<![CDATA[<p>x</p></description>"),
        ("&lt;p&gt;x&lt;/p&gt;</description>", "<![CDATA[<p>x</p></description>"),
    ],
)
def test_a_section_that_nobody_ended_swallows_no_entries(old, new):
    got = read(PLAIN.replace(old, new, 1))
    assert [one.guid for one in got.entries] == ["1", "https://a.example/2", "3"]
    assert repair_names.UNCLOSED_SECTIONS in got.repairs


def test_a_comment_that_nobody_ended_hides_nothing():
    head, items, tail = FEEDS["RSS without guids"]
    got = read("".join((head, items[0], "<!-- cũ: ", *items[1:], tail)))
    assert [one.title for one in got.entries] == ["1", "2", "3"]
    assert repair_names.UNCLOSED_SECTIONS in got.repairs


def test_a_section_that_speaks_of_sections_is_left_as_it_is():
    about = "use <![CDATA[ like <item><x></item> ]]]]><![CDATA[> so"
    items = f"<item><guid>1</guid><description><![CDATA[{about}]]></description></item>"
    body = f"{RSS[0]}{items}{ITEMS[2]}{RSS[1]}"
    assert pipeline.repair(body.encode(), {}).repairs == ()
    assert len(read(body).entries) == 2


@table(
    "broken",
    [
        "<title>a < b</title>",
        "<title>giá <5 triệu</title>",
        "<title><b>Một<br>x</b></title>",
        "<description><img src=x.jpg>text<p>foo</description>",
        "<description><b><i>x</b></i></description>",
        '<media:content url="p.jpg" url="q.jpg"/>',
        "<title>x</titel>",
        "<title>x</title",
    ],
)
def test_of_two_hundred_entries_the_broken_ones_are_read_alone(broken):
    def item(n: int) -> str:
        inner = broken if n % 40 == 7 else f"<title>{n}</title>"
        return f"<item><guid>{n}</guid><link>https://a.example/{n}</link>{inner}</item>"

    got = read(f"{RSS[0]}{''.join(map(item, range(200)))}{RSS[1]}")
    assert got.repairs == (repair_names.LOOSE,)
    assert [one.guid for one in got.entries] == [str(n) for n in range(200)]
    assert all(one.title == str(n) for n, one in enumerate(got.entries) if n % 40 != 7)


LINKS = (
    "?id=12&cat=3",
    "?p=9&lang=vi",
    "?a=1&copy=2",
    "?x=1&amp;reg=2",
    "?t=Sở KH&ĐT",
    "?q=a&&b=1",
)
"""Raw ampersands in addresses; entities of HTML that lack their semicolon are none."""

GUID = (
    "<guid isPermaLink='false'>{0}</guid><link>https://a.example/{0}</link><title>Tin {0}</title>"
)
THIRD = GUID.format(3)
GOOD = "".join(f"<item>{GUID.format(n)}</item>" for n in "12")


def with_third(item: str) -> str:
    return f"{RSS[0]}{GOOD}<item>{item}</item>{RSS[1]}"


BREAKAGES = {
    "bare ampersand": with_third(f"{THIRD}<description>R&D</description>"),
    "&nbsp;": with_third(f"{THIRD}<description>a&nbsp;b</description>"),
    "control character": with_third(f"{THIRD}<description>\x0b</description>"),
    "truncated tail": f"{RSS[0]}{GOOD}<item>{THIRD}<description>nửa ch",
    "leading blank": f"\n  {with_third(THIRD)}",
    "no guid, no link": with_third("<title>Tin 3</title><description>x</description>"),
    "repeated guid": with_third(THIRD.replace(">3</guid", ">1</guid")),
    "wrong charset": with_third(THIRD).replace("UTF-8", "latin-1"),
}


@table("name", BREAKAGES)
def test_the_eight_breakages_that_other_readers_refuse_are_read_whole(name):
    got = read(BREAKAGES[name])
    assert got.title == "Báo"
    assert sorted(one.title for one in got.entries) == ["Tin 1", "Tin 2", "Tin 3"]
    assert len({one.key for one in got.entries}) == 3


def test_raw_ampersands_in_six_of_six_addresses_are_right():
    items = "".join(
        f"<item><guid>{n}</guid><link>https://a.example/tin.aspx{link}</link></item>"
        for n, link in enumerate(LINKS)
    )
    got = [one.link for one in read(f"{RSS[0]}{items}{RSS[1]}").entries]
    meant = [link.replace("&amp;", "&").replace(" ", "%20") for link in LINKS]
    assert got == [f"https://a.example/tin.aspx{link}" for link in meant]


JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "T",
    "items": [
        {
            "id": str(n),
            "url": f"https://a.example/{n}",
            "title": f'Tin "{n}" ]}}, {{',
            "tags": ["é", "\\"],
        }
        for n in range(3)
    ],
}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_json_feed_that_breaks_off_at_any_byte_keeps_its_whole_items(indent):
    pieces = [json.dumps(one, ensure_ascii=False, indent=indent) for one in JSON_FEED["items"]]
    head = json.dumps({**JSON_FEED, "items": []}, indent=indent).removesuffix("}").rstrip()[:-1]
    body = (head + ",\n ".join(pieces) + "]}").encode()
    ends = [len((head + ",\n ".join(pieces[: n + 1])).encode()) for n in range(3)]
    whole = read(body).entries
    assert len(whole) == 3
    for cut in range(len(body)):
        got = entries(body[:cut])
        assert got == whole[: sum(end <= cut for end in ends)], cut
        if got:
            assert read(body[:cut]).repairs == (repair_names.TRUNCATED_TAIL,)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('"}]', '"},]', repair_names.JSON_BY_HAND),
        ('"}]}', '",}]}', repair_names.JSON_BY_HAND),
        ("Tin", r"\Tin \x", repair_names.JSON_BY_HAND),
        ("]}", "]}<!-- cached -->", repair_names.JUNK_AROUND),
    ],
)
def test_json_as_people_write_it(old, new, name):
    text = '{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","title":"Tin ,] x"}]}'
    got = read(text.replace(old, new))
    assert [one.guid for one in got.entries] == ["1"]
    assert got.repairs == (name,)
    assert ",] x" in got.entries[0].title


@pytest.mark.parametrize("items", ["[[[[" * 9000, '{"a" 1}, {"id":"2"}]}'])
def test_json_that_is_broken_within_is_told(items):
    with pytest.raises(ParseError):
        read('{"version":"https://jsonfeed.org/version/1","items":[' + items)


@table(
    "text",
    [
        "<!-- -->" + " " * 50_000 + "x<rss><channel>",
        "<![CDATA[" * 100_000 + "<rss>",
        "<rss><channel>" + "<item><title><![CDATA[x</title></item>" * 5_000 + "</rss>",
        "<rss><channel>" + "<!-- " * 100_000 + "<item></item></rss>",
        "<rss><channel>" + "<item>" * 100_000,
        "<rss><channel>" + "<item><a" * 50_000 + "</rss>",
        "<rss><channel>" + "&" * 500_000 + "</rss>",
        "<rss" * 100_000,
        "<rss><channel>" + "<a:b>" * 50_000,
    ],
)
def test_what_is_broken_at_length_holds_nobody_up(text):
    begin = time.process_time()
    done = pipeline.repair(text.encode(), {})
    salvage.take(done.text)
    assert time.process_time() - begin < 4
