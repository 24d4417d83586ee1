"""The short way through feedparser's strict parser says what feedparser says, word for word."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.collect import repair, strict
from service.collect.strict_texts import Unparsed
from tests.collect.feeds import documents

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
    short = strict.parse(text, URL)
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


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_document_of_the_corpus_reads_the_same(corpus, folder):
    taken = 0
    for path in files(corpus, folder):
        text = repair.repair(path.read_bytes(), {}).text.encode("utf-8", "replace")
        taken += same(text)
    assert taken  # several of these folders hold JSON, pages and broken documents as well


def test_documents_with_something_cut_out_read_the_same(corpus):
    """Bytes dropped, doubled and moved at tags: most are broken then, the others must agree."""
    dice = random.Random(20261125)
    taken = 0
    for path in files(corpus, "feedparser/wellformed", "rss-parser/input", "feedjira"):
        text = repair.repair(path.read_bytes(), {}).text.encode("utf-8", "replace")
        if len(text) > 60_000:
            continue
        for _ in range(2):
            pieces = text.split(b"<")
            at, to = sorted(dice.randrange(len(pieces)) for _ in range(2))
            how = dice.randrange(3)
            if how == 0:
                pieces[at:to] = []
            elif how == 1:
                pieces[to:to] = pieces[at : min(to, at + 6)]
            else:
                pieces[at], pieces[to] = pieces[to], pieces[at]
            taken += same(b"<".join(pieces))
    assert taken > 100


@given(documents())
def test_generated_documents_read_the_same(text):
    same(text)


@given(st.text(max_size=200), st.sampled_from(["title", "link", "guid", "description", "author"]))
def test_any_text_in_an_element_reads_the_same(text, name):
    told = repair.repair(
        f"<rss version='2.0'><channel><item><{name}>{text}</{name}></item></channel></rss>".encode(
            "utf-8", "replace"
        ),
        {},
    ).text
    same(told.encode("utf-8", "replace"))


def test_another_release_of_feedparser_is_asked_the_long_way(monkeypatch):
    monkeypatch.setattr(feedparser, "__version__", "6.0.99")
    assert strict.parse(b"<rss version='2.0'><channel/></rss>", URL) is None


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
    assert strict.parse(text, URL) is None
