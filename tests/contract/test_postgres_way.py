"""The same way on PostgreSQL by changing one URL: same totals, same site, same mails."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import feedparser
import pytest
from sqlalchemy import make_url, text

from service.collect.workers.pool import Parsers
from service.demo import folder
from service.demo.content import Content
from service.demo.folder import Place, shipped_feeds
from service.demo.publisher import Publisher
from service.demo.tour import DIGEST, READERS, Tour
from service.runtime.composition import open_service
from tests.contract.way import Way, one_line, parsed, text_of

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TOKEN = re.compile(r"(?<=/)[0-9a-f]{32}\b")
"""What a store decides at random: the links of one person."""

ARTICLE = re.compile(r"http://[^\s\"'<>]*/bai/[^\s\"'<>]*")
"""The address of an article of the demo's outlets."""


TOML = """
[site]
title = "Tin"
[store]
url = "{url}"
[source.a]
url = "https://a.vn/rss"
topics = ["tin"]
[topic.tin]
"""

Walk = Callable[[Place, Mapping[str, str]], Awaitable[Any]]


async def _on_both(walk: Walk, root: Path, postgres: str) -> tuple[Any, Any]:
    """One walk on each database, in two folders with one configuration and one publisher."""
    with folder.settle(root / "lite", NOW) as place:
        port = urlsplit(place.publisher_url).port
        assert port is not None
        lite = await walk(place, {})
    (root / "full").mkdir()
    config = root / "full" / "bantin.toml"
    config.write_text(place.config.read_text())
    with Place(config, place.days, folder.hold(8000, 50), folder.hold(port, 1)) as other:
        full = await walk(other, {"BANTIN_STORE__URL": postgres})
    assert (root / "lite" / "var" / "bantin.db").is_file()
    assert not (root / "full" / "var" / "bantin.db").exists()
    return lite, full


# -- the tour itself --------------------------------------------------------------------------


async def _tour(place: Place, environ: Mapping[str, str]) -> dict[str, Any]:
    """What it says, what its feeds list, what its mails tell. Twice: the second adds nothing."""
    walked = Tour(place, environ, lambda: NOW)
    await walked.publisher.start()
    try:
        totals = await walked.walk(lambda _: None)
        assert await walked.walk(lambda _: None) == totals
    finally:
        await walked.publisher.stop()
        walked.close()
    said = asdict(totals)
    outbox, feeds = said.pop("outbox"), map(Path, said.pop("feeds"))
    listed = {path.name: _listed(path) for path in feeds if path.suffix != ".json"}
    mails = [parsed(path.read_bytes()) for path in (outbox / "new").iterdir()]
    told = {mail["To"]: sorted(set(ARTICLE.findall(text_of(mail, "plain")))) for mail in mails}
    return {"totals": said, "listed": listed, "told": told}


def _listed(path: Path) -> set[frozenset[str]]:
    """The stories, each as the addresses of all articles that tell it."""
    read = feedparser.parse(io.BytesIO(path.read_bytes()))
    return {
        # In markup an address is escaped, and in whose it stands follows from who was read first.
        frozenset(
            ARTICLE.findall(unescape(" ".join((one.link, one.get("summary", ""), *_bodies(one)))))
        )
        for one in read.entries
    }


def _bodies(entry: Any) -> list[str]:
    return [body.value for body in entry.get("content", ())]


@pytest.mark.soak
async def test_the_tour_gives_the_same_on_both(tmp_path, postgres_database):
    """Which outlet stands first where two tell one story is which of them answered first."""
    lite, full = await _on_both(_tour, tmp_path, postgres_database)
    assert full == lite
    assert any(len(story) > 1 for story in lite["listed"]["all.atom"])
    assert len(lite["told"]) == len(READERS)
    assert all(lite["told"].values())
    assert lite["totals"]["entries"] > 20
    assert lite["totals"]["deliveries"] == {"accepted": len(READERS)}


def test_the_url_may_stand_in_the_toml_as_people_write_it(tmp_path, postgres_database):
    """`postgresql://…`, without the name of a driver."""
    assert make_url(postgres_database).drivername == "postgresql"
    config = tmp_path / "bantin.toml"
    config.write_text(TOML.format(url=postgres_database), encoding="utf-8")
    with closing(open_service(config, {})) as service, service.store.read() as connection:
        there = connection.execute(text("SELECT current_database(), name FROM source")).all()
    assert there == [(make_url(postgres_database).database, "a")]


# -- byte for byte ----------------------------------------------------------------------------


async def _step_by_step(place: Place, environ: Mapping[str, str]) -> Way:
    """The way of the tour with the sources one after another, so that nothing is left to chance."""
    toml = place.config.read_text(encoding="utf-8")
    way = Way(place.config.parent, toml, now=place.days.yesterday, environ=environ)
    content = Content(shipped_feeds() / "demo", place.publisher_url, place.days)
    publisher = Publisher(content, place.publisher)
    await publisher.start()
    try:
        await _collect_all(way)
        for address, topics, language in READERS:
            way.subscribe(address, DIGEST, topics=topics, language=language)
        publisher.turn_to_today()
        way.now = place.days.today
        await _collect_all(way)
    finally:
        await publisher.stop()
    way.now = NOW
    await way.publish()
    await way.mail()
    way.write_site()
    return way


async def _collect_all(way: Way) -> None:
    async with Parsers(1) as parsers:
        for name in way.service.settings.source:
            await way.collect(name, parsers=parsers)


def _read(data: bytes) -> tuple[str, ...]:
    mail = parsed(data)
    kept = ("To", "Subject", "Date", "From", "List-Id")
    parts = (text_of(mail), text_of(mail, "html"))
    return (*(str(mail[name]) for name in kept), *(TOKEN.sub("TOKEN", part) for part in parts))


async def test_site_and_mails_are_the_same_byte_for_byte(tmp_path, postgres_database):
    lite, full = await _on_both(_step_by_step, tmp_path, postgres_database)
    site, other = (
        {
            str(path.relative_to(way.site_folder)): path.read_bytes()
            for path in way.site_folder.rglob("*")
            if path.is_file()
        }
        for way in (lite, full)
    )
    assert site.keys() == other.keys()
    assert [name for name in site if site[name] != other[name]] == []
    assert len(site) > 40
    mails, others = (sorted(map(_read, way.outbox_files().values())) for way in (lite, full))
    assert len(mails) == len(READERS)
    assert [one_line(" ".join(mail)) for mail in mails] == [
        one_line(" ".join(mail)) for mail in others
    ]
    status, its = lite.status(), full.status()
    for one in (status, its):
        for source in one["sources"].values():
            del source["next_poll"]  # it is random within its bounds
            source["reason"] = re.sub(r"^due since \S+ \S+", "due", source["reason"] or "")
    assert status == its
    lite.close()
    full.close()
