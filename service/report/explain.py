"""`bantin explain URL`: where an article was seen, why it is in its topics, who has it by now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from service.curate.lookup import find_article
from service.publish.build import NEWEST
from service.render.addresses import story_page
from service.store.content import admin_queries, references, stories
from service.store.content.admin_queries import Explained
from service.store.content.stale_feeds import EVERYTHING
from service.store.core.database import Connection
from service.store.mailing import history


@dataclass(frozen=True, slots=True)
class Explanation:
    """`feeds`: those that list its story now (topic ids, "all"). `page`: its story's path.

    `told`: state of delivery -> to how many subscribers, its whole story counted. `references`: the
    official documents that the story cites.
    """

    found: Explained
    feeds: tuple[str, ...]
    page: str
    told: dict[str, int]
    references: tuple[str, ...]


def explain(connection: Connection, asked: str, topics: Iterable[str]) -> Explanation | None:
    """What is known of the article at an address, or of a public id; None: unknown.

    `topics` are those of the TOML: the others publish nothing any more.
    """
    article_id = find_article(connection, asked)
    found = None if article_id is None else admin_queries.explained(connection, article_id)
    if found is None:
        return None
    inside = {one.topic for one in found.topics}
    live = [topic for topic in topics if topic in inside]
    feeds = {EVERYTHING: stories.everywhere(connection, NEWEST)}
    feeds |= {topic: stories.in_topic(connection, topic, NEWEST) for topic in live}
    return Explanation(
        found=found,
        feeds=tuple(
            feed
            for feed, newest in feeds.items()
            if any(story.public_id == found.story_public_id for story in newest)
        ),
        page=story_page(found.story_public_id),
        told=history.times_told(connection, found.article_ids),
        references=tuple(references.of_articles(connection, found.article_ids)),
    )


def as_json(explanation: Explanation) -> dict[str, object]:
    """The same for programs. Instants are ISO 8601 in UTC."""
    found = explanation.found
    return {
        "id": found.public_id,
        "title": found.title,
        "link": found.link,
        "source": found.source,
        "published": found.published and found.published.isoformat(),
        "first_seen": found.first_seen_at.isoformat(),
        "entries": [
            {
                "source": one.source,
                "key": one.entry_key,
                "link": one.link,
                "first_seen": one.first_seen_at.isoformat(),
                "quiet": one.quiet,
            }
            for one in found.entries
        ],
        "story": {
            "id": found.story_public_id,
            "page": explanation.page,
            "articles": len(found.article_ids),
        },
        "topics": [
            {
                "id": one.topic,
                "title": one.title,
                "entered_at": one.entered_at.isoformat(),
                "quiet": one.quiet,
                "reason": one.reason,
            }
            for one in found.topics
        ],
        "feeds": list(explanation.feeds),
        "told": explanation.told,
        "references": list(explanation.references),
    }
