"""Stories to look at where there is nothing to tell: the newest of the topics, old ones too."""

from __future__ import annotations

from collections.abc import Sequence

from service.curate.selection.balance import StoryLimits
from service.newsletter import items as frozen_items
from service.newsletter.choose import EVER, StorySelection, choose
from service.render.views import freeze, story_view
from service.store.content import stories as story_rows
from service.store.core.database import Connection
from service.store.mailing.editions import Frozen


def newest(connection: Connection, topics: Sequence[str], most: int) -> list[Frozen]:
    """Stories as an edition would have frozen them, newest first."""
    found = {
        story.id: story
        for topic in topics
        for story in story_rows.in_topic(connection, topic, most)
    }
    ranked = sorted(found.values(), key=story_rows.listed)
    return [
        Frozen(
            story_id=story.id,
            position=position,
            topics=tuple((one.name, one.entered_at) for one in story.topics),
            article_ids=story.article_ids,
            view=freeze(story_view(story)),
        )
        for position, story in enumerate(ranked[:most])
    ]


def choice_of(
    connection: Connection, frozen: Sequence[Frozen], topics: Sequence[str], limits: StoryLimits
) -> StorySelection:
    """All of them, told before or not."""
    return choose(
        frozen_items.resolve(connection, frozen).items,
        topics,
        since=EVER,
        told=frozenset(),
        limits=limits,
    )
