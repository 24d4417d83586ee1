"""Whatever bytes come: a document or a reason, never another error; and no false identity."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ParseError
from service.model import SourceKind
from service.parse.document import parse_document
from service.parse.options import ParseOptions, Selectors
from tests.levels import some
from tests.parse.refusals import read_or_refusal

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
URL = "https://bao.example/rss"
PAGE = ParseOptions(SourceKind.PAGE, Selectors(entry="item, li", title="title, a", date="pubDate"))

GUIDS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Báo</title><link>https://bao.example/</link>
<item><title>Một &amp; hai</title><link>https://bao.example/tin-1</link><guid>g-100</guid>
<description><![CDATA[<p>Sapo & <b>chữ</b></p>]]></description></item>
<item><guid isPermaLink="false">g-200</guid><title><![CDATA[Ba]]></title>
<link>https://bao.example/tin-2</link><pubDate>Tue, 24 Nov 2026 08:00:00 +0700</pubDate>
<content:encoded><![CDATA[<div>Toàn văn</div>]]></content:encoded></item>
<item><title>Bốn</title><guid>g-300</guid></item></channel></rss>"""
LINKS = GUIDS.replace("<guid>", "<x>").replace("</guid>", "</x>").replace("<guid is", "<x is")
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title>
<entry><id>urn:a:100</id><title>Một</title><link href="https://bao.example/1"/>
<content type="html">&lt;p&gt;x&lt;/p&gt;</content></entry>
<entry><title>Hai</title><id>urn:a:200</id><updated>2026-11-24T00:00:00Z</updated></entry></feed>"""
JSON = (
    '{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{"id": "1", '
    '"url": "https://bao.example/1", "content_html": "<p>x</p>", "tags": ["a"], "attachments": '
    '[{"url": "/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 5}]}]}'
)


def keys(body: bytes) -> set[str]:
    try:
        return {entry.key for entry in parse_document(body, {}, URL, ParseOptions(), NOW).entries}
    except ParseError:
        return set()


@pytest.mark.sampled
@pytest.mark.parametrize("text", [GUIDS, LINKS, ATOM], ids=["guids", "links", "atom"])
def test_wherever_a_feed_is_cut_no_entry_gets_another_key(text):
    whole = text.encode()
    known = keys(whole)
    assert len(known) >= 2
    found = set()
    for end in [*range(0, len(whole), some(1, 3)), len(whole)]:
        part = keys(whole[:end])
        assert part <= known, whole[:end][-80:]
        found |= part
    assert found == known


@st.composite
def mangled(draw):
    """A proper document with pieces taken out, doubled, and strange bytes put in."""
    body = draw(st.sampled_from([GUIDS, LINKS, ATOM, JSON])).encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 200)))
        piece = draw(
            st.one_of(
                st.just(b""),
                st.binary(max_size=12),
                st.sampled_from(
                    [b"&", b"<", b"]]>", b"<![CDATA[", b"<!--", b"&#0;", b"&lang=vi", b"\xff\xfe",
                     b"<!DOCTYPE a [<!ENTITY d '\\d'>]>", b"<item>", b"</channel>", b'"']
                ),
                st.just(body[start:end] * 2),
            )
        )  # fmt: skip
        body = body[:start] + piece + body[end:]
    return body


@pytest.mark.large
@settings(max_examples=some(300, 50))
@given(mangled(), st.sampled_from([{}, {"content-type": "text/xml; charset=utf-16"},
                                   {"content-type": "application/json"}]))  # fmt: skip
def test_mangled_documents_give_a_document_or_a_reason(body, headers):
    for reading in (ParseOptions(), PAGE):
        a_document_or_a_reason(body, headers, reading)


def a_document_or_a_reason(body, headers, reading):
    document = read_or_refusal(parse_document, body, headers, URL, reading, NOW)
    if isinstance(document, str):
        assert len(document) > 10
        return None
    assert len({entry.key for entry in document.entries}) == len(document.entries)
    for entry in document.entries:
        assert entry.key
        assert entry.link is None or entry.link.startswith(("http://", "https://"))
    return document


@pytest.mark.parametrize("body", [GUIDS, LINKS, ATOM, JSON])
def test_the_same_documents_unharmed_are_read(body):
    assert a_document_or_a_reason(body.encode(), {}, ParseOptions()).entries


@settings(max_examples=some(200, 80))
@given(st.binary(max_size=300))
def test_any_bytes_give_a_document_or_a_reason(body):
    for reading in (ParseOptions(), PAGE):
        a_document_or_a_reason(body, {}, reading)


@pytest.mark.sampled
def test_tens_of_thousands_of_entries_are_read():
    most = some(30_000, 5000)
    items = "".join(f"<item><guid>{n}</guid><title>Tin {n}</title></item>" for n in range(most))
    body = f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()
    document = parse_document(body, {}, URL, ParseOptions(), NOW)
    assert len(document.entries) == most


@pytest.mark.parametrize(
    "start", [b"<!---->", b"<!-- a -->\n", b"<!doctype a>", b"<!-- -->" * 9 + b"<!--", b"<!"]
)
@pytest.mark.parametrize("number", [60, 20_000])
def test_what_stands_before_no_feed_is_passed_over_once(start, number):
    """Sixty comments were enough to keep a pattern busy for years."""
    with pytest.raises(ParseError, match="not a feed"):
        parse_document(start * number + b"x", {}, URL, ParseOptions(), NOW)
