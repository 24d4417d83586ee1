"""Every real feed goes the whole way: collected, in a topic feed, told in a digest of its own.

Each is first served without its entries, so that what it has is news when it comes (promise 10).
By default one feed in sixteen goes the way.
What each gave stands in a table: with `-rA`, or in the file that BANTIN_TEST_REPORT names.
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import unicodedata
from calendar import timegm
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest
from sqlalchemy import select

from service.collect.workers.pool import Parsers
from service.model import Refusal
from service.newsletter.freeze import PER_TOPIC
from service.publish.build import NEWEST
from service.store import tables as t
from service.store.core import facts
from tests.contract.cutting import Real, real_feeds
from tests.contract.way import (
    AFTER_THE_CUT,
    LOOPBACK,
    SITE,
    TODAY,
    Outlets,
    Way,
    one_line,
    outlets,
    text_of,
)
from tests.levels import sample, some

NO_FEED = (
    r"this is an HTML page, not a feed",
    r"this is not a feed \(application/xml\); it begins with '.+'",
    r"""this is not a feed \(application/xml\); it begins with ".+\"""",
)
"""Why a file of these folders may be refused: it is a page, or a piece of one."""

MORE = re.compile(r"còn (\d+) tin", re.IGNORECASE)


@dataclass(frozen=True)
class Listed:
    """What a topic feed must list of a story, from the rows."""

    id: str
    title: str
    link: str
    published: datetime


def _configuration(feeds: list[Real], served: Outlets) -> str:
    tables = [
        f"""
[source.{one.id}]
url = "{served.url(f"/{one.id}")}"
topics = ["{one.id}"]
[topic.{one.id}]
[digest.{one.id}]
topics = ["{one.id}"]
cadence = "daily"
"""
        for one in feeds
    ]
    # Each topic stands for one outlet, whose every entry must be listed, told and counted. Where
    # two of them tell one event, whoever was read first would stand for it in both topics, under
    # its own title, and what is missing of the other looks like what was lost.
    return "".join((SITE, LOOPBACK, "[stories]\nenabled = false\n", *tables))


async def _walk(way: Way, feeds: list[Real], served: Outlets) -> None:
    async with Parsers(2) as parsers:
        first = await way.collect(parsers=parsers)
        assert first.entries_new == 0, "a feed was not empty before its news"
        for one in feeds:  # a head that is broken by itself cannot be read without an entry
            if one.id in first.failed:
                served.pages[f"/{one.id}"] = (one.type, one.bare)
        again = await way.collect(*first.failed, parsers=parsers)
        assert (again.failed, again.entries_new) == ({}, 0)
        for one in feeds:
            way.subscribe(f"{one.id}@example.vn", one.id)
            served.pages[f"/{one.id}"] = (one.type, one.whole)
        way.now = TODAY
        await way.collect(parsers=parsers)
    way.now = AFTER_THE_CUT
    published = await way.publish()
    assert published.failed == {}
    planned, sent = await way.mail()
    assert (planned.editions, planned.failed) == (len(feeds), {})
    assert planned.deliveries == sum(sent.counts.values()) == sent.counts["accepted"]
    assert way.write_site().failed == {}


@pytest.mark.sampled
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of feedparser, when it reads ours back
async def test_every_real_feed_goes_the_whole_way(corpus, tmp_path, record_property):
    feeds = sample(real_feeds(corpus), 16, lambda one: one.id)
    async with outlets() as served:
        served.pages |= {f"/{one.id}": (one.type, one.empty) for one in feeds}
        way = Way(tmp_path, _configuration(feeds, served))
        await _walk(way, feeds, served)
    sources = way.status()["sources"]
    faults: list[str] = []
    columns = ("entries", "refused", "dated", "listed", "told", "shown")
    table = [f"{'feed':<60} " + " ".join(f"{name:>7}" for name in columns)]
    for one in feeds:
        said = sources[one.id]
        if said["error"] is not None:
            known = any(re.fullmatch(reason, said["error"], re.DOTALL) for reason in NO_FEED)
            if not known or one.blocks or said["entries"]:
                faults.append(f"{one.id}: failed with {said['error']}")
            table.append(f"{one.id:<60} {said['error']}")
            continue
        listed = _listed(way, one.id)
        faults += [f"{one.id}: {fault}" for fault in _wrong_entries(way, one, said)]
        faults += [f"{one.id}: {fault}" for fault in _wrong_words(way, one)]
        faults += [f"{one.id}: {fault}" for fault in _wrong_feeds(way, one.id, listed)]
        told, shown, wrong = _told(way, one.id)
        faults += [f"{one.id}: {fault}" for fault in wrong]
        refused = sum(said["refused"].values())
        numbers = (
            said["entries"],
            refused,
            _dated(way, one.id),
            min(len(listed), NEWEST),
            told,
            shown,
        )
        row = " ".join(f"{number:>7}" for number in numbers)
        table.append(f"{one.id:<60} {row}  {', '.join(said['repairs'])}".rstrip())
    way.close()
    _report(table, record_property)
    assert faults == [], "\n".join(faults)
    assert sum(one.blocks for one in feeds) > some(1500, 130), "the corpus is not what it was"


def _wrong_words(way: Way, one: Real) -> list[str]:
    """Every headline, address and date that feedparser finds in the document stands in a row."""
    rows = way.rows(
        select(
            t.entry.c.title,
            t.entry.c.link,
            t.entry.c.published_at,
            t.article.c.title.label("shown"),
        )
        .join(t.source, t.source.c.id == t.entry.c.source_id)
        .outerjoin(t.article, t.article.c.id == t.entry.c.article_id)
        .where(t.source.c.name == one.id)
    )
    titles = {_letters(text) for row in rows for text in (row.title, row.shown) if text}
    links = {_letters(row.link) for row in rows if row.link}
    dates = {row.published_at.replace(microsecond=0) for row in rows if row.published_at}
    read = feedparser.parse(io.BytesIO(one.whole))
    faults = []
    for entry in read.entries:
        title = _letters(entry.get("title", ""))
        # FeedBurner's own address of an entry died with it; the outlet's stands beside it.
        link = entry.get("feedburner_origlink") or entry.get("link", "")
        if title and title not in titles:
            faults.append(f"no headline {entry.title!r}")
        if link.startswith("http") and not any(_letters(link).startswith(one) for one in links):
            faults.append(f"no address {link!r}")
        at = entry.get("published_parsed")
        if at and datetime.fromtimestamp(timegm(at), UTC) not in dates:
            faults.append(f"no date {entry.published!r}")
    return faults[:3]


def _dated(way: Way, source: str) -> int:
    return len(
        way.rows(
            select(t.entry.c.id)
            .join(t.source, t.source.c.id == t.entry.c.source_id)
            .where(t.source.c.name == source, t.entry.c.published_at.is_not(None))
        )
    )


def _letters(text: str) -> str:
    """What is left of a headline or an address when markup, entities and blanks are gone."""
    plain = html.unescape(re.sub(r"<[^>]*>", "", html.unescape(text)))
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", plain)).casefold()


def _wrong_entries(way: Way, one: Real, said: dict) -> list[str]:
    """Promise 1: every entry that the document has is linked to an article, or refused."""
    rows = way.rows(
        select(t.entry.c.article_id, t.entry.c.refused_reason, t.entry.c.quiet)
        .join(t.source, t.source.c.id == t.entry.c.source_id)
        .where(t.source.c.name == one.id)
    )
    linked = sum(row.article_id is not None for row in rows)
    refused = Counter(row.refused_reason for row in rows if row.refused_reason is not None)
    faults = []
    if len(rows) != one.blocks:
        faults.append(f"{one.blocks} entries in the document, {len(rows)} seen")
    if linked + sum(refused.values()) != said["entries"] or dict(refused) != said["refused"]:
        faults.append(f"{linked} linked and {refused} of {said}")
    if set(refused) - set(Refusal):
        faults.append(f"refused for {set(refused)}")
    truncated = "truncated-tail" in said["repairs"]  # then the next collection is quiet as well
    if any(row.quiet for row in rows) and not truncated:
        faults.append("what came after the first collection is quiet")
    return faults


def _listed(way: Way, topic: str) -> list[Listed]:
    """The stories of a topic as its feed must list them, from the rows and nothing else."""
    with way.service.store.read() as connection:
        authority = facts.known_tag_authority(connection)
    rows = way.rows(
        select(
            t.story.c.public_id,
            t.article.c.title,
            t.article.c.link,
            t.article.c.published_at,
            t.article.c.first_seen_at,
            t.article_topic.c.entered_at,
        )
        .select_from(t.article_topic)
        .join(t.topic, t.topic.c.id == t.article_topic.c.topic_id)
        .join(t.story_article, t.story_article.c.article_id == t.article_topic.c.article_id)
        .join(t.story, t.story.c.id == t.story_article.c.story_id)
        .join(t.article, t.article.c.id == t.story.c.article_id)
        .where(t.topic.c.name == topic)
    )
    rows.sort(key=lambda row: row.public_id)
    rows.sort(key=lambda row: min(row.published_at or row.entered_at, row.entered_at), reverse=True)
    return [
        Listed(
            f"tag:{authority}:story/{row.public_id}",
            row.title,
            row.link or f"http://127.0.0.1:8000/stories/{row.public_id}/",
            min(row.published_at or row.first_seen_at, row.first_seen_at),
        )
        for row in rows
    ]


def _wrong_feeds(way: Way, topic: str, listed: list[Listed]) -> list[str]:
    """Our feeds, read back, give the same titles, links, ids and dates."""
    wanted = [
        (one.id, one.title, one.link, one.published.replace(microsecond=0))
        for one in listed[:NEWEST]
    ]
    faults = []
    for format_ in ("atom", "rss"):
        read = feedparser.parse(io.BytesIO(way.feed(topic, format_)))
        found = [
            (one.id, one.title, one.link, datetime.fromtimestamp(timegm(one.published_parsed), UTC))
            for one in read.entries
        ]
        if read.bozo:
            faults.append(f"{format_} is broken: {read.bozo_exception}")
        faults += _differences(format_, wanted, found)
    items = json.loads(way.feed(topic, "json"))["items"]
    found = [
        (
            one["id"],
            one["title"],
            one["url"],
            datetime.fromisoformat(one["date_published"]).replace(microsecond=0),
        )
        for one in items
    ]
    return faults + _differences("json", wanted, found)


def _differences(format_: str, wanted: list, found: list) -> list[str]:
    if len(wanted) != len(found):
        return [f"{format_} lists {len(found)} of {len(wanted)}"]
    return [f"{format_} has {b!r} for {a!r}" for a, b in zip(wanted, found, strict=True) if a != b][
        :3
    ]


def _told(way: Way, digest: str) -> tuple[int, int, list[str]]:
    """What the digest told: articles told, stories shown, and what is wrong with that."""
    news = {
        row.article_id
        for row in way.rows(
            select(t.article_topic.c.article_id)
            .join(t.topic, t.topic.c.id == t.article_topic.c.topic_id)
            .join(t.article, t.article.c.id == t.article_topic.c.article_id)
            .where(
                t.topic.c.name == digest,
                t.article_topic.c.quiet.is_(False),
                t.article.c.merged_into.is_(None),
            )
        )
    }
    told = way.rows(
        select(t.told.c.article_id, t.told.c.shown, t.article.c.title)
        .join(t.subscriber, t.subscriber.c.id == t.told.c.subscriber_id)
        .join(t.article, t.article.c.id == t.told.c.article_id)
        .where(t.subscriber.c.address == f"{digest}@example.vn")
    )
    more = way.rows(
        select(t.edition.c.more)
        .join(t.digest, t.digest.c.id == t.edition.c.digest_id)
        .where(t.digest.c.name == digest)
    )[0].more
    mails = way.mails(f"{digest}@example.vn")
    shown = [row.title for row in told if row.shown]
    faults = []
    if more != max(0, len(news) - PER_TOPIC) or len(told) + more != len(news):
        faults.append(f"{len(news)} news, {len(told)} told, {more} more")
    if not {row.article_id for row in told} <= news:
        faults.append("told what is not news")
    if len(mails) != bool(news):
        faults.append(f"{len(mails)} mails for {len(news)} news")
    for mail in mails:
        faults += _wrong_mail(mail, shown, len(told) - len(shown))
    return len(told), len(shown), faults


def _wrong_mail(mail, shown: list[str], counted: int) -> list[str]:
    """Each headline stands in both parts once more than in none; the rest is counted."""
    text, markup = text_of(mail), text_of(mail, "html")
    closed = _closed(text)
    faults = [
        f"not in the mail: {title[:80]!r}" for title in shown if _closed(title)[:200] not in closed
    ]
    said = MORE.search(one_line(text))
    if (int(said[1]) if said else 0) != counted:
        faults.append(f"{counted} are counted, the mail says {said and said[0]}")
    if markup.count("<h") < len(shown):
        faults.append(f"{len(shown)} stories, {markup.count('<h')} headings in the HTML part")
    return faults


def _closed(text: str) -> str:
    """Without blanks: a line of a mail may also break at a hyphen."""
    return "".join(text.split())


def _report(table: list[str], record_property) -> None:
    text = "\n".join(table)
    print(text)  # noqa: T201 - the table is what `-rA` shows
    record_property("feeds", text)
    path = os.environ.get("BANTIN_TEST_REPORT")
    if path:
        Path(path).write_text(text + "\n", encoding="utf-8")
