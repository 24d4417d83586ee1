"""The short way through feedparser's strict parser says what feedparser says, word for word."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.parse.feed.deferred import Unparsed
from service.parse.feed.fast_expat import strict_parser
from service.parse.repair import pipeline
from tests.levels import sample, some
from tests.parse.feeds import documents

URL = "https://a.example/dir/feed?x=1"


def plain(value: Any) -> Any:
    """Without what is only ours: dates not parsed yet, ids as written."""
    if isinstance(value, Unparsed):
        return value.instant
    if isinstance(value, dict):
        return {k: plain(v) for k, v in dict.items(value) if k != "written_id"}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def long_way(text: bytes) -> Any:
    return feedparser.parse(
        io.BytesIO(text),
        response_headers={
            "content-type": "application/xml; charset=utf-8",
            "content-location": URL,
        },
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def same(text: bytes) -> bool:
    """Whether the short way took the document; what it says is compared then."""
    short = strict_parser.parse(text, URL)
    if short is None:
        return False
    long = long_way(text)
    assert not long.bozo
    for part in ("version", "feed", "entries", "namespaces"):
        assert plain(short[part]) == plain(dict.get(long, part)), part
    return True


def files(corpus: Path, *folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((corpus / "feeds" / folder).rglob("*"))
        if path.is_file() and path.stat().st_size < 1_000_000
    ]


FOLDERS = (
    "feedparser", "feedvalidator", "rss-parser/input", "feedjira", "miniflux", "reader",
    "fastfeedparser-integration", "vi",
)  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_document_of_the_corpus_reads_the_same(corpus, folder):
    taken = 0
    every = files(corpus, folder)
    one_in = 24 if len(every) > 40 else 3 if len(every) > 20 else 1
    for path in sample(every, one_in, lambda one: one.name):
        text = pipeline.repair(path.read_bytes(), {}).text.encode("utf-8", "replace")
        taken += same(text)
    assert taken  # several of these folders hold JSON, pages and broken documents as well


@pytest.mark.sampled
def test_documents_with_something_cut_out_read_the_same(corpus):
    """Bytes dropped, doubled and moved at tags: most are broken then, the others must agree."""
    rng = random.Random(20261125)
    taken = 0
    every = files(corpus, "feedparser/wellformed", "rss-parser/input", "feedjira")
    for path in sample(every, 5, lambda one: one.name):
        text = pipeline.repair(path.read_bytes(), {}).text.encode("utf-8", "replace")
        if len(text) > 60_000:
            continue
        for _ in range(2):
            pieces = text.split(b"<")
            at, to = sorted(rng.randrange(len(pieces)) for _ in range(2))
            how = rng.randrange(3)
            if how == 0:
                pieces[at:to] = []
            elif how == 1:
                pieces[to:to] = pieces[at : min(to, at + 6)]
            else:
                pieces[at], pieces[to] = pieces[to], pieces[at]
            taken += same(b"<".join(pieces))
    assert taken > some(100, 12)


@given(documents())
def test_generated_documents_read_the_same(text):
    same(text)


@given(st.text(max_size=200), st.sampled_from(["title", "link", "guid", "description", "author"]))
def test_any_text_in_an_element_reads_the_same(text, name):
    told = pipeline.repair(
        f"<rss version='2.0'><channel><item><{name}>{text}</{name}></item></channel></rss>".encode(
            "utf-8", "replace"
        ),
        {},
    ).text
    same(told.encode("utf-8", "replace"))


ATOM = "http://www.w3.org/2005/Atom"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ROOTS = {
    # root -> how an entry is called in it
    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" '
    'xmlns:wfw="http://wellformedweb.org/CommentAPI/"><channel>': "item",
    f'<feed xmlns="{ATOM}" xmlns:dc="http://purl.org/dc/elements/1.1/">': "entry",
    f'<feed xmlns="{ATOM}" xml:base="/x/" xml:lang="vi_VN">': "entry",
    f'<a:feed xmlns:a="{ATOM}" xmlns="http://other.example/">': "a:entry",
    '<rss version="0.91"><channel xml:lang="vi">': "item",
}
OTHERS = (
    ' xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:itunes="http://www.itunes.com/DTDs/PodCast-1.0.dtd" '
    'xmlns:fb="http://rssnamespace.org/feedburner/ext/1.0" '
    f'xmlns:thr="http://purl.org/syndication/thread/1.0" xmlns:r="{RDF}"'
)
NAMES = (
    "title", "link", "guid", "id", "pubDate", "published", "updated", "author", "category",
    "description", "summary", "content", "enclosure", "comments", "image", "source", "Title",
    "dc:creator", "dc:date", "content:encoded", "slash:comments", "wfw:commentRss", "a:title",
    "item", "entry", "unknown", "language", "media:content", "media:thumbnail", "media:group",
    "media:title", "itunes:image", "itunes:keywords", "itunes:author", "fb:origLink", "dc:subject",
    "thr:total", "post-id",
)  # fmt: skip
ATTRIBUTES = (
    ' type="html"', ' type="text"', ' type="TEXT/HTML"', ' type="xhtml"', ' xml:base="b/c"',
    ' xml:base=""', ' href="/a?b=1&amp;c"', ' href=""', ' rel="self"', ' rel="enclosure"',
    ' isPermaLink="false"', ' isPermaLink="TRUE"', ' term="Tin"', ' label="x"', ' domain="d"',
    ' xml:lang="en"', ' mode="base64"', ' src="s"', ' url="/u.mp3"', ' length="1"',
    ' xmlns:q="http://q.example/"', ' Type="html"',
)  # fmt: skip
TEXTS = (
    "", " ", "Tin mới", " http://a.example/1 ", "/tin?a=1&amp;lang=2", "t3_x", "tag:a,2026:1",
    "<![CDATA[<p>Tin <b>mới</b> &eacute;</p>]]>", "&lt;b>a&lt;/b> &amp;amp; c", "a@b.vn (An)",
    "An &lt;a@b.vn>", "2026-11-24T08:00:00Z", "Tue, 24 Nov 2026 08:00:00 GMT", "Tiáº¿ng",
    "cafÃ© x", "<name>An</name>", " <name> An </name> <uri>/an</uri>",
    "<name></name>", "x<name>An</name>", "<name>An</name><name>Bình</name>", "<p>a</p>",
    "<name>An</name>\n<uri>/an</uri><email>a@b.vn</email>", "<media:thumbnail url='/t.jpg'/>",
    "<media:content url='/c.jpg'>x<media:credit>An</media:credit></media:content> y",
    "<media:title>Ảnh</media:title>",
)  # fmt: skip


@st.composite
def entries_of_few_elements(draw):
    root = draw(st.sampled_from(list(ROOTS)))
    first = root.split(">", 1)
    bound = f"{first[0]}{OTHERS}>{first[1]}"
    close = "</channel></rss>" if "rss" in root else f"</{root[1:].split()[0]}>"
    entry = ROOTS[root]
    prefixed = st.sampled_from(["", "a:"]) if entry.startswith("a:") else st.just("")

    def element():
        name = draw(st.sampled_from(NAMES))
        name = name if ":" in name else f"{draw(prefixed)}{name}"
        few = draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=2, unique_by=lambda one: one[:5]))
        return f"<{name}{''.join(few)}>{draw(st.sampled_from(TEXTS))}</{name}>"

    body = ""
    for _ in range(draw(st.integers(1, 3))):
        about = draw(st.sampled_from(["", "", "", ' r:about="/1"']))
        inside = "".join(element() for _ in range(draw(st.integers(0, 6))))
        body += f"<{entry}{about}>{inside}</{entry}>"
        body += draw(st.sampled_from(["", "<title>Sau</title>", "\n"]))
    return f"{bound}<title>Kênh</title>{body}{close}".encode()


@pytest.mark.large
@given(entries_of_few_elements())
@settings(max_examples=some(300, 100))
def test_entries_of_few_elements_read_the_same(text):
    same(text)


@pytest.mark.parametrize(
    "text",
    [
        (
            f'<feed xmlns="{ATOM}" xmlns:media="http://search.yahoo.com/mrss/"><entry>'
            '<content type="text">C</content><summary type="xhtml">'
            '<div xmlns="http://www.w3.org/1999/xhtml">Outer</div></summary>'
            "<media:group><media:description>Inner</media:description></media:group></entry></feed>"
        ),
        (
            "<rss version='2.0'><channel><item><rights><p>a</p></rights><x><rights>b</rights></x>"
            "</item></channel></rss>"
        ),
        (
            "<rss version='2.0'><channel><item><title mode='base64'></title>"
            "<title><div>a</div></title></item></channel></rss>"
        ),
        (
            f'<feed xmlns="{ATOM}"><entry xmlns:x="http://www.w3.org/1999/xlink"><title>A</title>'
            "</entry></feed>"
        ),
    ],
)
def test_what_stands_deeper_does_not_take_the_place_of_what_stands_above(text):
    assert same(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        b"<rss><channel>",
        b"<!DOCTYPE rss [<!ENTITY a 'b'>]><rss><channel><title>&a;</title></channel></rss>",
        b"<rss xmlns:a='http://a b c'><channel><a:x>1</a:x></channel></rss>",
        b"",
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_feedparser(text):
    assert strict_parser.parse(text, URL) is None
