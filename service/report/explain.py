"""`bantin explain URL`: where an article was seen, why it is in its topics, who has it by now.

All is answered from rows. What an address that made no article brought is told as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from service.collect.source_options import visits_of
from service.config.schema import Settings
from service.curate.articles import has_own_lead
from service.curate.lookup import find_article, spellings
from service.curate.model_in_use import NOT
from service.model import DeliveryState
from service.parse.kinds import KINDS
from service.publish import editions
from service.publish.build import NEWEST
from service.render.addresses import story_page
from service.report.lateness import Lateness
from service.store.content import (
    admin_queries,
    page_queries,
    references,
    sightings,
    stories,
    topic_labels,
)
from service.store.content.admin_queries import Explained
from service.store.content.sightings import OtherArticle, RefusedEntry
from service.store.content.stale_feeds import EVERYTHING
from service.store.core.database import Connection
from service.store.mailing import history
from service.store.mailing.history import DigestMailed

MOST_NAMED = 20
"""Uncertain mails that are named; all are counted."""


class TextFrom(StrEnum):
    """What an article's words were taken from."""

    FEED = "feed"
    LIST = "list"  # of a page or sitemap
    PAGE = "page"  # the article's own
    LIST_AND_PAGE = "list_and_page"  # its own page where the list or feed lacks something
    UNKNOWN = "unknown"  # its source has left the configuration


@dataclass(frozen=True, slots=True)
class Explanation:
    """`feeds`: those that list its story now (topic ids, "all"). `page`: its story's path.

    `told`: state of delivery -> to how many subscribers, its whole story counted; `mailed`: the
    same by digest, `uncertain`: the Message-IDs of the first uncertain mails, `editions`: paths of
    the archive's pages that list it. `references`: the official documents that the story cites.
    `others` of its story; `refused`: entries with its address that made no article. `lead_is_own`:
    chosen from its own sentences. `label`: as an admin labelled it (topic_labels.of_article).
    `late`: its own, in seconds.
    """

    found: Explained
    text_from: TextFrom
    lead_is_own: bool
    refused: tuple[RefusedEntry, ...]
    others: tuple[OtherArticle, ...]
    label: tuple[str | None] | None
    feeds: tuple[str, ...]
    page: str
    editions: tuple[str, ...]
    told: dict[str, int]
    mailed: tuple[DigestMailed, ...]
    uncertain: tuple[str, ...]
    late: Lateness
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An address that leads to no article. `refused`: what came with it and made none.

    `sources`: ids of those that are collected from its host.
    """

    asked: str
    refused: tuple[RefusedEntry, ...]
    sources: tuple[str, ...]


def explain(connection: Connection, asked: str, settings: Settings) -> Explanation | Unknown:
    """What is known of the article at an address, or of a public id."""
    article_id = find_article(connection, asked)
    found = None if article_id is None else admin_queries.explained(connection, article_id)
    if found is None:
        return _unknown(connection, asked, settings)
    mailed = history.mailed(connection, found.article_ids)
    listed = page_queries.editions(connection, with_story=found.story_id)
    return Explanation(
        found=found,
        text_from=_text_from(settings, found.source),
        lead_is_own=has_own_lead(found.lead, found.content),
        refused=tuple(sightings.refused(connection, spellings(found.link)) if found.link else ()),
        others=tuple(sightings.others(connection, found.article_id)),
        label=topic_labels.of_article(connection, found.article_id),
        feeds=tuple(_feeds(connection, found, settings)),
        page=story_page(found.story_public_id),
        editions=tuple(editions.path(one) for one in listed),
        told=history.times_told(connection, found.article_ids),
        mailed=tuple(mailed),
        uncertain=tuple(
            history.message_ids(connection, found.article_ids, DeliveryState.UNCERTAIN, MOST_NAMED)
        ),
        late=_late(found, mailed),
        references=tuple(references.of_articles(connection, found.article_ids)),
    )


def as_json(one: Explanation | Unknown) -> dict[str, object] | None:
    """The same for programs, None for what was never seen. Instants are aware, in UTC."""
    if isinstance(one, Unknown):
        refused = [asdict(entry) for entry in one.refused]
        return {"id": None, "refused": refused, "sources": one.sources} if refused else None
    found = one.found
    return {
        "id": found.public_id,
        "title": found.title,
        "link": found.link,
        "source": found.source,
        "published": found.published,
        "updated": found.updated,
        "first_seen": found.first_seen_at,
        "language": found.language,
        "entries": [
            {
                "source": entry.source,
                "key": entry.entry_key,
                "link": entry.link,
                "first_seen": entry.first_seen_at,
                "published": entry.published_at,
                "quiet": entry.quiet,
            }
            for entry in found.entries
        ],
        "refused": [asdict(entry) for entry in one.refused],
        "text": {
            "from": one.text_from,
            "lead": ("own" if one.lead_is_own else "summary") if found.lead else None,
        },
        "story": {
            "id": found.story_public_id,
            "page": one.page,
            "articles": len(found.article_ids),
            "others": [asdict(other) for other in one.others],
        },
        "topics": [
            {
                "id": topic.topic,
                "title": topic.title,
                "entered_at": topic.entered_at,
                "quiet": topic.quiet,
                "reason": topic.reason,
            }
            for topic in found.topics
        ],
        "label": None if one.label is None else one.label[0] or NOT,
        "feeds": one.feeds,
        "editions": one.editions,
        "told": one.told,
        "mailed": [asdict(digest) for digest in one.mailed],
        "uncertain": one.uncertain,
        "late": {"collected_s": one.late.collected_s, "mailed_s": one.late.mailed_s},
        "references": one.references,
    }


def _late(found: Explained, mailed: Iterable[DigestMailed]) -> Lateness:
    """Its own times. A date that the outlet sets ahead tells nothing."""
    seen, published = found.first_seen_at, found.published
    accepted = [one.settled_at for one in mailed if one.state == DeliveryState.ACCEPTED]
    first = min((at for at in accepted if at is not None), default=None)
    return Lateness(
        None
        if published is None or published > seen
        else round((seen - published).total_seconds()),
        None if first is None else round((first - seen).total_seconds()),
    )


def _unknown(connection: Connection, asked: str, settings: Settings) -> Unknown:
    host = _host(asked)
    near = (name for name, one in settings.source.items() if host and _host(one.url) == host)
    return Unknown(asked, tuple(sightings.refused(connection, spellings(asked))), tuple(near))


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _text_from(settings: Settings, name: str) -> TextFrom:
    source = settings.source.get(name)
    if source is None:
        return TextFrom.UNKNOWN
    visits = visits_of(source, first=False)
    if visits is None:
        return TextFrom.FEED if KINDS[source.kind].is_feed else TextFrom.LIST
    return TextFrom.PAGE if visits.all else TextFrom.LIST_AND_PAGE


def _feeds(connection: Connection, found: Explained, settings: Settings) -> list[str]:
    """Topics that left the TOML publish nothing any more."""
    inside = {one.topic for one in found.topics}
    live = [topic for topic in settings.topic if topic in inside]
    feeds = {EVERYTHING: stories.everywhere(connection, NEWEST)}
    feeds |= {topic: stories.in_topic(connection, topic, NEWEST) for topic in live}
    return [
        feed
        for feed, newest in feeds.items()
        if any(story.public_id == found.story_public_id for story in newest)
    ]
