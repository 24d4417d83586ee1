"""Every real feed of the corpus, collected from loopback in one pass. Read in place only."""

from __future__ import annotations

import html
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from lxml import etree
from sqlalchemy import func, select

from service.collect.polling.poll import collect
from service.config.schema import Collect, Settings, Source
from service.errors import ParseError
from service.model import Entry
from service.parse.document import parse_document
from service.parse.options import ParseOptions
from service.store import tables as t
from service.store.sources import registry
from service.text.clean import title_text
from tests.levels import sample, some
from tests.net.wire import raw_server
from tests.parse.refusals import read_or_refusal

URL = "https://a.example/feed"

FOLDERS = ("rss-parser/input", "feedjira", "miniflux", "reader", "vi", "fastfeedparser-integration")
TYPES = {".json": "application/json", ".html": "text/html"}

# What is not a feed at all, or (the last) no XML: pieces of HTML, pages, other JSON.
NO_FEEDS = {
    "unrecognized.rss", "AmazonWebServicesBlogFirstEntryContent.xml",
    "HREFConsideredHarmfulFirstEntry.xml", "PaulDixExplainsNothingFirstEntryContent.xml",
    "TechCrunchFirstEntry.xml", "TechCrunchFirstEntryDescription.xml",
    "TenderLovemakingFirstEntry.xml", "iso-8859-1-meta-after-1024.html", "iso-8859-1.html",
    "utf8-meta-after-1024.html", "utf8.html", "iso88591.xml", "iso88591_utf8_mismatch.xml",
    "custom", "sqlite_releases.html", "malformed_rss_namespaced.xml",
}  # fmt: skip


def files(corpus: Path) -> list[Path]:
    found = [
        path
        for folder in FOLDERS
        for path in sorted((corpus / "feeds" / folder).rglob("*"))
        if path.is_file() and not _is_expectation(path)
    ]
    assert len(found) > 120
    return sample(found, 3, lambda path: path.name)


def _is_expectation(path: Path) -> bool:
    return path.name.endswith(".expected.json") or (
        path.suffix == ".json" and path.with_suffix(".xml").exists()
    )


@pytest.mark.sampled
async def test_every_feed_gives_its_entries_or_a_recorded_reason(corpus, store, now):
    paths = files(corpus)

    async def serve(talk):
        path = paths[int(talk.target.strip("/"))]
        kind = TYPES.get(path.suffix, "application/xml")
        await talk.answer(path.read_bytes(), f"Content-Type: {kind}")

    async with raw_server(serve) as wire:
        settings = Settings(
            collect=Collect(allow_networks=("127.0.0.0/8",)),
            source={f"s{n}": Source(url=wire.url(f"/{n}")) for n in range(len(paths))},
        )
        with store.write() as connection:
            registry.register(connection, settings, now, retire=False)
        got = await collect(store, settings, lambda: now, owner="one")
        assert got.tried == len(paths)
        failed = {paths[int(name[1:])].name: str(error) for name, error in got.failed.items()}
        assert set(failed) == NO_FEEDS & {path.name for path in paths}
        assert not any("Error" in reason or "stored" in reason for reason in failed.values())
        again = await collect(store, settings, lambda: now, owner="one")
        assert again.tried == 0
    with store.read() as connection:
        seen = connection.execute(select(func.count()).select_from(t.entry)).scalar()
        listed = connection.execute(select(func.sum(t.source_poll.c.entries_last))).scalar()
        told = connection.execute(
            select(func.count()).select_from(t.entry).where(~t.entry.c.quiet)
        ).scalar()
    assert seen == listed == got.entries_new
    assert told == 0  # all of it is old (promise 10)


Rule = Callable[[str, str, Any, Any], object]
RULES: dict[str, Rule] = {  # of the field's name, the document, our value and theirs
    "ours is absolute, as RFC 4287 has it": lambda name, _, a, b: (
        name == "link" and b and b.startswith("/") and a == urljoin(URL, b)
    ),
    "ours is rdf:about, which rss-parser does not read": lambda name, body, a, b: (
        name == "id" and not b and f'rdf:about="{html.escape(a)}"' in body
    ),
    "ours is a date that names its month in Portuguese": lambda name, body, a, b: (
        name == "date" and a and b is None and re.search(r"<pubDate>\w+, \d+ Set \d{4}", body)
    ),
    "ours has the letters that rss-parser lost": lambda name, _, a, b: (
        name == "title" and b and re.fullmatch(re.escape(b).replace("\ufffd", "."), a)
    ),
}


def test_titles_links_ids_and_dates_are_those_that_rss_parser_expects(corpus, capsys):
    """Each field where the expectation has it; every other value that differs has its reason too.

    Titles are compared as people see them: rss-parser leaves `&#x0024;` and `<sup>` in them.
    """
    now = datetime.fromisoformat("2026-11-24T08:00:00+00:00")
    folder = corpus / "feeds" / "rss-parser"
    expected_of: Counter[str] = Counter()
    agreeing: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    unexplained = []
    for path in sorted((folder / "input").iterdir()):
        expected = folder / "expected" / f"{path.stem}.json"
        if not expected.exists():
            continue
        body = path.read_bytes()
        document = parse_document(body, {}, URL, ParseOptions(), now)
        wanted = json.loads(_text(expected.read_bytes()))["feed"]["items"]
        assert len(wanted) == len(document.entries), path.name
        for want, entry in zip(wanted, document.entries, strict=True):
            for name, a, b in _pairs(entry, want):
                said = b is not None
                same = (a or "") == (b or "")
                expected_of[name] += said
                agreeing[name] += said and same
                if same:
                    continue
                text = _text(body)
                why = next((why for why, rule in RULES.items() if rule(name, text, a, b)), None)
                reasons[f"{name}{'' if said else ' (rss-parser has none)'}: {why}"] += 1
                unexplained += [] if why else [(path.name, name, a, b)]
    with capsys.disabled():
        shares = [
            f"  {name:5} {agreeing[name]} of {of} = {agreeing[name] / of:.2%}"
            for name, of in expected_of.items()
        ]
        rest = [f"  {count:5} {reason}" for reason, count in reasons.most_common()]
        told = ["\nrss-parser's expectations agree:", *shares, "the rest:", *rest, ""]
        sys.stdout.write("\n".join(told))
    assert expected_of.keys() == {"title", "link", "id", "date"}
    assert min(expected_of.values()) > 1000
    assert all(agreeing[name] >= 0.99 * of for name, of in expected_of.items())
    assert unexplained == []


def _pairs(entry: Entry, want: dict[str, str]) -> Iterator[tuple[str, object, object]]:
    """Name, ours, theirs; theirs is None where the expectation does not have the field."""
    title, link, name = want.get("title"), want.get("link"), want.get("guid") or want.get("id")
    yield "title", entry.title, title if title is None else title_text(title)
    yield "link", entry.link, link if link is None else link.strip()
    yield "id", entry.guid, name if name is None else name.strip()
    said = want.get("isoDate")
    date = datetime.fromisoformat(said).timestamp() if said else None
    published = entry.published and entry.published.timestamp()
    yield "date", published and int(published), date and int(date)


def _text(body: bytes) -> str:
    """Some expectations, as some inputs, are in Latin-1 and do not say so."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


@pytest.mark.sampled
@pytest.mark.parametrize("folder", ["feedparser", "feedvalidator"])
def test_the_suites_of_others_make_nothing_raise(corpus, folder, now):
    reads = refused = 0
    for path in sample((corpus / "feeds" / folder).rglob("*"), 9, lambda one: one.name):
        if path.is_file() and path.stat().st_size < 200_000:
            given = path.read_bytes(), {}, "https://a.example/", ParseOptions(), now
            document = read_or_refusal(parse_document, *given)
            assert document, path
            refused += isinstance(document, str)
            reads += not isinstance(document, str)
    assert reads > 10 * refused
    assert reads > some(1000, 100)


def test_vietnamese_dates_of_real_feeds_to_the_second(corpus, now):
    rows = json.loads((corpus / "vi_text" / "rss-pubdate-forms.json").read_text())["rows"]
    assert rows
    for row in rows:
        body = f"<rss version='2.0'><channel><item><pubDate>{row['raw']}</pubDate></item></channel>"
        reading = ParseOptions(zone="Asia/Ho_Chi_Minh", language="vi")
        document = parse_document(f"{body}</rss>".encode(), {}, "https://a.example/", reading, now)
        assert document.entries[0].published == datetime.fromisoformat(row["utc"]), row


BROKEN_OFF = {"rss_incomplete_cdata.xml"}
"""Its one entry has no end: it is left for the next fetch, and the reason is told."""


ALIKE = {
    "atom10_arbitrary_element.xml", "atom10_title.xml", "entry_content_xml_lang_blank_3.xml",
    "entry_link_no_href_link_priority.xml", "entry_link_rel_enclosure_no_href.xml",
    "valid_email_addresses.xml",
}  # fmt: skip
"""Their entries have no id and no link, and the same title, date and text: they count once."""


def _seen_by_lxml(body: bytes) -> set[bytes]:
    """The entries of a document by another parser; those that stand there twice count once."""
    try:
        root = etree.fromstring(body, etree.XMLParser(recover=True, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return set()
    if root is None or etree.QName(root).localname.lower() not in {"rss", "feed", "rdf"}:
        return set()
    found = root.xpath("/*/*[local-name()='item' or local-name()='entry'] | /*/channel/item")
    return {etree.tostring(one, with_tail=False, method="c14n") for one in found}


@pytest.mark.sampled
def test_no_entry_of_any_document_of_the_corpus_is_lost_in_silence(corpus, now):
    seen = taken = 0
    lost = {}
    tried = sample((corpus / "feeds").rglob("*"), 9, lambda path: path.name)
    for path in tried:
        if not path.is_file() or path.stat().st_size > 300_000:
            continue
        body = path.read_bytes()
        try:
            document = parse_document(body, {}, URL, ParseOptions(), now)
        except ParseError as told:
            entries, reason = (), str(told)
        else:
            entries, reason = document.entries, ""
        there = _seen_by_lxml(body)
        seen += len(there)
        taken += len(entries)
        if len(entries) < len(there):
            lost[path.name] = (len(entries), len(there), reason)
    assert lost.keys() - ALIKE <= BROKEN_OFF, lost
    assert {name for name, (*_, reason) in lost.items() if reason} == {
        path.name for path in tried
    } & BROKEN_OFF
    assert min(seen, taken) > some(3000, 300)
