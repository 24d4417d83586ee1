"""`bantin explain URL`: where an article was seen, why it is in its topics, who has it by now.

All is answered from rows. What an address that made no article brought is told as well.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from service.collect.source_options import visits_of
from service.config.schema import Settings
from service.curate.articles import has_own_lead
from service.curate.lookup import find_article, spellings
from service.curate.selection.score import StoryScore, score
from service.curate.selection.standing import from_json
from service.model import DeliveryState, StoryAct
from service.parse.kinds import KINDS
from service.publish import editions, front
from service.publish.build import NEWEST
from service.render.addresses import story_page
from service.report import recalls
from service.report.closeness import Closeness, closeness
from service.report.lateness import Lateness
from service.report.recalls import RecallReport
from service.store.content import (
    admin_queries,
    hot_stories,
    page_queries,
    references,
    sightings,
    stories,
    story_acts,
    story_rows,
    topic_labels,
)
from service.store.content.admin_queries import Explained
from service.store.content.page_queries import EditionPlace
from service.store.content.sightings import OtherArticle, RefusedEntry
from service.store.content.stale_feeds import EVERYTHING, HOT
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
class ExplainedEdition:
    """An edition that lists the story, at which place of how many, the first being 1.

    `page`: its path. `score`: the parts from which the place follows, for all topics of the digest;
    None: the edition was frozen before they were kept.
    """

    digest: str
    cut_at: datetime
    page: str
    place: int
    of: int
    score: StoryScore | None


@dataclass(frozen=True, slots=True)
class FrontPlace:
    """A place on the front page, the first being 1. `topic`: in its section; "": at the top."""

    topic: str
    place: int
    score: StoryScore


@dataclass(frozen=True, slots=True)
class Explanation:
    """`feeds`: those that list its story now (topic ids, "all", "hot"). `page`: its story's path.

    `told`: state of delivery -> to how many subscribers, its whole story counted; `mailed`: the
    same by digest, `uncertain`: the Message-IDs of the first uncertain mails. `editions` that list
    it; `front`: its place on the front page, None = it has none. `references`: the official
    documents that the story cites. `others` of its story, and its `closeness` to them; `waits`: it
    has not been compared with others yet; `acts`: by hand, that name it. `refused`: entries with
    its address that made no article. `lead_is_own`: chosen from its own sentences. `label`: as an
    admin labelled it (topic_labels.of_article). `late`: its own, in seconds. `recalls` of its
    story, the oldest first, also those that were undone.
    """

    found: Explained
    text_from: TextFrom
    lead_is_own: bool
    refused: tuple[RefusedEntry, ...]
    others: tuple[OtherArticle, ...]
    closeness: Closeness | None
    waits: bool
    acts: tuple[StoryAct, ...]
    label: tuple[str | None] | None
    feeds: tuple[str, ...]
    page: str
    editions: tuple[ExplainedEdition, ...]
    front: FrontPlace | None
    told: dict[str, int]
    mailed: tuple[DigestMailed, ...]
    uncertain: tuple[str, ...]
    late: Lateness
    references: tuple[str, ...]
    recalls: tuple[RecallReport, ...]


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
    others = sightings.others(connection, found.article_id)
    listed_to = story_rows.listed_to(connection)
    return Explanation(
        found=found,
        text_from=_text_from(settings, found.source),
        lead_is_own=has_own_lead(found.lead, found.content),
        refused=tuple(sightings.refused(connection, spellings(found.link)) if found.link else ()),
        others=tuple(others),
        closeness=closeness(connection, found.article_id, others),
        waits=listed_to is not None and found.article_id > listed_to,
        acts=tuple(
            act
            for act in story_acts.of_stories(connection, [found.story_id])
            if found.article_id in act.sides
        ),
        label=topic_labels.of_article(connection, found.article_id),
        feeds=tuple(_feeds(connection, found, settings)),
        page=story_page(found.story_public_id),
        editions=tuple(map(_edition, page_queries.places(connection, found.story_id))),
        front=_front(connection, found.story_id, settings),
        told=history.times_told(connection, found.article_ids),
        mailed=tuple(mailed),
        uncertain=tuple(
            history.message_ids(connection, found.article_ids, DeliveryState.UNCERTAIN, MOST_NAMED)
        ),
        late=_late(found, mailed),
        references=tuple(references.of_articles(connection, found.article_ids)),
        recalls=recalls.of_story(connection, found.story_id),
    )


def _edition(one: EditionPlace) -> ExplainedEdition:
    standing = from_json(one.standing, one.topics)
    return ExplainedEdition(
        digest=one.edition.digest_title,
        cut_at=one.edition.cut_at,
        page=editions.path(one.edition),
        place=one.place,
        of=one.of,
        score=None if standing is None else score(standing, standing.topics),
    )


def _front(connection: Connection, story_id: int, settings: Settings) -> FrontPlace | None:
    page = front.arrange(connection, list(settings.topic), settings.source)
    for topic, some in (("", page.top), *page.sections):
        for place, one in enumerate(some, 1):
            if one.story_id == story_id:
                return FrontPlace(topic, place, one.score)
    return None


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
    newest: dict[str, Container[int]] = {
        EVERYTHING: stories.latest(connection, None, NEWEST),
        HOT: hot_stories.newest(connection, NEWEST),
    }
    newest |= {topic: stories.latest(connection, topic, NEWEST) for topic in live}
    return [feed for feed, ids in newest.items() if found.story_id in ids]
