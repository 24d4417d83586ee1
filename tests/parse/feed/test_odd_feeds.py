"""What feeds write that is easily taken for something else: captions, links, versions, zones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ParseError
from service.model import SourceKind
from service.parse.document import parse_document
from service.parse.feed.fast_expat import strict_parser
from service.parse.feed.renamed_elements import renamed
from service.parse.incremental import decide
from service.parse.inspection import look
from service.parse.options import ParseOptions
from tests.levels import table

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
URL = "https://bao.example/rss/tin.rss"
GUID = '<guid isPermaLink="false">1</guid>'
MEDIA = "http://search.yahoo.com/mrss/"
CAPTION = "Người dân qua cầu. Ảnh: An"


def rss(item, attributes=f' xmlns:media="{MEDIA}"'):
    own = (
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    )
    return (
        f'<rss version="2.0"{own}{attributes}><channel><title>T</title>'
        f"<link>https://bao.example/</link><item>{GUID}{item}</item></channel></rss>"
    )


def atom(entry, attributes=f' xmlns:media="{MEDIA}"'):
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"{attributes}><title>T</title>'
        f"<entry><id>tag:bao.example,2026:1</id>{entry}</entry></feed>"
    )


def both_ways(text, url=URL):
    """The one entry, as the strict parser gives it, and as feedparser's tolerant one does."""
    (entry,) = parse_document(text.encode(), {}, url, ParseOptions(), NOW).entries
    end = text.rindex("</")
    broken = f"{text[:end]}<x>&nbsp;{text[end:]}"
    (loose,) = parse_document(broken.encode(), {}, url, ParseOptions(), NOW).entries
    assert replace(loose, base=entry.base) == entry
    return entry


CAPTIONS = [
    f"<media:description>{CAPTION}</media:description>",
    f'<media:description type="plain">{CAPTION}</media:description>',
    f"<media:description type='html'><![CDATA[<b>{CAPTION}</b>]]></media:description>",
    (
        f'<media:content url="/a.jpg" medium="image"><media:title>a</media:title>'
        f"<media:description>{CAPTION}</media:description></media:content>"
    ),
    (
        f'<media:group><media:content url="/a.jpg"/><media:description>{CAPTION}'
        "</media:description></media:group>"
    ),
    f"<media:description/><media:description\n>{CAPTION}</media:description >",
    f'<description xmlns="{MEDIA}">{CAPTION}</description>',
    f'<m:description xmlns:m="{MEDIA}">{CAPTION}</m:description>',
]
OWN_IN_RSS = {
    "a summary": "<description>Tóm tắt của bài.</description>",
    "a text": "<content:encoded><![CDATA[<p>Toàn văn của bài.</p>]]></content:encoded>",
    "both": "<description>Tóm tắt của bài.</description>"
    "<content:encoded><![CDATA[<p>Toàn văn của bài.</p>]]></content:encoded>",
}
OWN_IN_ATOM = {
    "a summary": "<summary>Tóm tắt của bài.</summary>",
    "a text": '<content type="html">&lt;p&gt;Toàn văn của bài.&lt;/p&gt;</content>',
    "both": "<summary>Tóm tắt của bài.</summary>"
    '<content type="html">&lt;p&gt;Toàn văn của bài.&lt;/p&gt;</content>',
}


@pytest.mark.parametrize("own", OWN_IN_RSS)
def test_a_caption_never_stands_for_what_an_entry_says_itself(own):
    for shell, told in ((rss, OWN_IN_RSS[own]), (atom, OWN_IN_ATOM[own])):
        plain = both_ways(shell(told))
        for inner in (whole for one in CAPTIONS for whole in (one + told, told + one)):
            entry = both_ways(shell(inner))
            assert (entry.summary, entry.content) == (plain.summary, plain.content), inner
            assert CAPTION not in entry.summary + entry.content


@table("caption", CAPTIONS)
@table("shell", [rss, atom])
def test_a_caption_is_what_an_entry_says_that_says_nothing_else(caption, shell):
    entry = both_ways(shell(f"<title>Phim</title>{caption}"))
    assert CAPTION in entry.summary
    assert entry.content == ""


def test_a_caption_of_several_lines_keeps_them_and_its_signs():
    text = "Dòng một &lt; hai\n\nhttps://bao.example/x?a=1&amp;b=2"
    entry = both_ways(rss(f"<media:description>{text}</media:description>"))
    assert entry.summary == ("Dòng một &lt; hai<br>\n<br>\nhttps://bao.example/x?a=1&amp;b=2")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([*CAPTIONS, *OWN_IN_RSS.values(), "<title>Đề</title>"]), max_size=5)
)
def test_a_part_of_a_document_with_captions_reads_as_the_whole(parts):
    def document(*items):
        head, _, rest = rss("").partition("<item>")
        tail = rest.partition("</item>")[2]
        return (head + "".join(items) + tail).encode()

    first = "<item><guid>0</guid><title>Cũ</title></item>"
    new = f"<item><guid>1</guid>{''.join(parts)}</item>"
    before = decide.glean(document(first), {}, URL, ParseOptions(), NOW, None).memory
    part = decide.glean(document(new, first), {}, URL, ParseOptions(), NOW, before)
    whole = parse_document(document(new, first), {}, URL, ParseOptions(), NOW)
    known = {entry.key: entry for entry in whole.entries}
    for entry in part.document.entries:
        assert entry == known[entry.key]
    assert strict_parser.parse(renamed(document(new, first)), URL) is not None


@table(
    "link",
    [
        '<link uri="https://o.example/1">Đọc bài</link>',
        '<link uri="tag:o.example,2026:1">https://o.example/1</link>',
        '<link uri="urn:x" type="x"><![CDATA[ https://o.example/1 ]]></link>',
        '<link uri="">https://o.example/1</link>',
        "<link href='/'>\n https://o.example/1\n</link>",
        '<link URL="#" rel="alternate">https://o.example/1</link>',
        '<link rel="bookmark" href="https://o.example/1"/>',
        '<link rel="" href="https://o.example/1"/>',
        '<link rel="permalink" uri="https://o.example/1">x</link>',
        '<link rel="self" href="https://o.example/x"/><link>https://o.example/1</link>',
    ],
)
def test_a_link_is_found_in_its_attribute_or_its_text(link):
    for shell in (rss, atom):
        assert both_ways(shell(f"<title>a</title>{link}")).link == "https://o.example/1"


@table("rel", ["self", "enclosure", "edit", "replies", "hub", "next", "license"])
def test_links_to_something_else_are_not_the_entrys_own(rel):
    link = f'<link rel="{rel}" href="https://o.example/1"/>'
    assert both_ways(atom(f"<title>a</title>{link}")).link is None


@table(
    "version",
    [
        '"1.0"', '"1.1"', '"1"', "1.1", "1", '" 1.1 "', '"v1.1"', '"https://jsonfeed.org/version/1"',
        '"http://jsonfeed.org/version/1.1"', '"https://www.jsonfeed.org/version/1.1"',
        '"jsonfeed.org/version/1.1"', '"//jsonfeed.org/version/1"', '"https://jsonfeed.org"',
    ],
)  # fmt: skip
def test_a_json_feed_by_whatever_it_calls_its_version(version):
    body = f'{{"version": {version}, "items": [{{"id": "1", "title": "Tin"}}]}}'
    (entry,) = parse_document(body.encode(), {}, URL, ParseOptions(), NOW).entries
    assert (entry.guid, entry.title) == ("1", "Tin")


def test_a_json_feed_without_a_version_is_known_by_its_items():
    body = b'{"title": "T", "items": [{"id": 1, "content_text": "Tin"}]}'
    assert len(parse_document(body, {}, URL, ParseOptions(), NOW).entries) == 1


@table(
    ("body", "reason"),
    [
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "no list of items"),
        (b'{"version": "1.1", "items": {}}', "no list of items"),
        (b'{"version": "2.0", "items": [{"link": "x"}]}', "its version is '2.0'"),
        (b'{"items": [{"link": "x"}]}', "it has no version"),
        (b'{"status": "ok", "items": []}', "it has no version"),
        (b"[1, 2]", "no JSON Feed"),
    ],
)
def test_json_that_is_no_feed_is_refused_for_what_it_lacks(body, reason):
    with pytest.raises(ParseError, match=reason):
        parse_document(body, {}, URL, ParseOptions(), NOW)


@table("zone", ["+00:0", "+0:00", "+00:", "+000", "+0", "+00:00:00", "GMT+00:0"])
@table("form", ["Tue, 24 Nov 2026 01:05:00 {}", "2026-11-24T01:05:00{}"])
def test_an_offset_that_is_cut_short_is_an_offset_all_the_same(zone, form):
    told = f"<title>a</title><pubDate>{form.format(zone)}</pubDate>"
    reading = ParseOptions(language="vi")
    (entry,) = parse_document(rss(told).encode(), {}, URL, reading, NOW).entries
    assert entry.published == datetime(2026, 11, 24, 1, 5, tzinfo=UTC)


MADE_UP = "unknown.invalid"
PAGE = """<html><head><title>T</title></head><body><ul>{}</ul><a href="/?page=2" rel=next>2</a>
</body></html>""".format(
    "".join(
        f"<li><a href='/tin-bai-so-{n}234.html'>Một tin bài khá dài số {n}</a>"
        f"<img src='/anh/{n}.jpg'><p>Những câu đầu tiên của tin bài thứ {n} đứng ở đây.</p></li>"
        for n in range(6)
    )
)


@table(
    ("body", "kind"),
    [
        (rss('<title>a</title><link>/tin/1</link><description>&lt;a href="b">x&lt;/a></description>'
             '<enclosure url="/a.mp3" type="audio/mpeg"/>'), SourceKind.FEED),
        (rss("<link>/tin/1</link>").replace(GUID, "<guid>/tin/1</guid>"),
         SourceKind.FEED),
        (rss("<link>tin/1</link>").replace(GUID, ""), SourceKind.FEED),
        (atom('<link href="/x"/><content type="html">&lt;img src="a.jpg"></content>'),
         SourceKind.FEED),
        (('{"version": "1.1", "items": [{"url": "/a", "content_html": "<a href=\'/b\'>b</a>", '
         '"image": "i.png", "attachments": [{"url": "m.mp3", "mime_type": "audio/mpeg"}]}]}'),
         SourceKind.FEED),
        (PAGE, SourceKind.PAGE),
        ("<urlset><url><loc>/tin/1.html</loc></url></urlset>", SourceKind.SITEMAP),
    ],
)  # fmt: skip
def test_a_base_that_was_made_up_is_seen_nowhere(body, kind):
    seen = look("x", body.encode(), {}, None, NOW, ParseOptions(kind))
    assert MADE_UP not in repr(seen)
    assert seen["entries"] or kind is SourceKind.SITEMAP
