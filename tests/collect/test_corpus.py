"""Every real feed of the corpus, collected from loopback in one pass. Read in place only."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.collect import documents
from service.collect.poll import collect
from service.collect.reading import Reading
from service.config.schema import Collect, Settings, Source
from service.errors import ParseError
from service.store import registry
from service.store import tables as t
from tests.net.wire import raw_server

FOLDERS = ("rss-parser/input", "feedjira", "miniflux", "reader", "vi", "fastfeedparser-integration")
TYPES = {".json": "application/json", ".html": "text/html"}

# What is no feed at all, or (the last) no XML: pieces of HTML, pages, other JSON.
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
    return found


def _is_expectation(path: Path) -> bool:
    return path.name.endswith(".expected.json") or (
        path.suffix == ".json" and path.with_suffix(".xml").exists()
    )


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
        assert set(failed) == NO_FEEDS
        assert not any("Error" in reason or "stored" in reason for reason in failed.values())
        again = await collect(store, settings, lambda: now, owner="one")
        assert again.tried == 0
    with store.read() as connection:
        seen = connection.execute(select(func.count()).select_from(t.entry)).scalar()
        listed = connection.execute(select(func.sum(t.source.c.entries_last))).scalar()
        told = connection.execute(
            select(func.count()).select_from(t.entry).where(~t.entry.c.quiet)
        ).scalar()
    assert seen == listed == got.entries_new
    assert told == 0  # all of it is old (promise 10)


def test_titles_links_ids_and_dates_are_those_that_rss_parser_expects(corpus):
    """FeedBurner's links are the publisher's own here, and RDF's rdf:about is an id."""
    now = datetime.fromisoformat("2026-11-24T08:00:00+00:00")
    folder = corpus / "feeds" / "rss-parser"
    wrong: list[tuple[str, str, object, object]] = []
    entries = 0
    for path in sorted((folder / "input").iterdir()):
        expected = folder / "expected" / f"{path.stem}.json"
        if not expected.exists():
            continue
        wanted = json.loads(expected.read_bytes().decode("utf-8", "replace"))["feed"]["items"]
        url = "https://a.example/feed"
        document = documents.read(path.read_bytes(), {}, url, Reading(), now)
        assert len(wanted) == len(document.entries), path.name
        for want, entry in zip(wanted, document.entries, strict=True):
            entries += 1
            published = entry.published.timestamp() if entry.published else None
            said = want.get("isoDate")
            date = datetime.fromisoformat(said).timestamp() if said else None
            guid = want.get("guid") or want.get("id")
            pairs = (
                ("title", entry.title, " ".join((want.get("title") or "").split())),
                ("link", entry.link, (want.get("link") or "").strip()),
                ("id", entry.guid, (guid or "").strip()),
                ("date", published and int(published), date and int(date)),
            )
            wrong += [(path.name, name, a, b) for name, a, b in pairs if (a or None) != (b or None)]
    assert entries > 1200
    unexplained = [one for one in wrong if not _is_explained(*one)]
    assert unexplained == []


def _is_explained(name: str, field: str, ours: object, theirs: object) -> bool:
    if field == "id":
        return not theirs  # rdf:about, or the id that rss-parser does not read
    if field == "link":
        return str(theirs).startswith(("http://feeds.", "http://feedproxy.", "/"))
    if field == "title":  # broken letters in the expectation; entities and tags left in it
        return "\ufffd" in str(theirs) or "&#x" in str(theirs) or "<" in str(theirs)
    return False


@pytest.mark.parametrize("folder", ["feedparser", "feedvalidator"])
def test_the_suites_of_others_make_nothing_raise(corpus, folder, now):
    count = 0
    for path in sorted((corpus / "feeds" / folder).rglob("*")):
        if path.is_file() and path.stat().st_size < 200_000:
            count += 1
            with contextlib.suppress(ParseError):
                documents.read(path.read_bytes(), {}, "https://a.example/", Reading(), now)
    assert count > 1000


def test_vietnamese_dates_of_real_feeds_to_the_second(corpus, now):
    rows = json.loads((corpus / "vi_text" / "rss-pubdate-forms.json").read_text())["rows"]
    assert rows
    for row in rows:
        body = f"<rss version='2.0'><channel><item><pubDate>{row['raw']}</pubDate></item></channel>"
        reading = Reading(zone="Asia/Ho_Chi_Minh", language="vi")
        document = documents.read(f"{body}</rss>".encode(), {}, "https://a.example/", reading, now)
        assert document.entries[0].published == datetime.fromisoformat(row["utc"]), row
