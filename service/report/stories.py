"""`bantin stories list` and `show`: what was put together, how close it is, and by whose word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from service.curate.lookup import find_story
from service.model import Story, StoryAct
from service.render.addresses import story_page
from service.report import recalls
from service.report.closeness import means
from service.report.recalls import RecallReport
from service.store.content import stories, story_acts, story_overview
from service.store.content.story_overview import RecentStory, StoryMember
from service.store.core.database import Connection

_READ = 200


@dataclass(frozen=True, slots=True)
class ListedStory:
    """A story in the list. `recent` has the numbers."""

    story: Story
    recent: RecentStory

    @property
    def outlets(self) -> tuple[str, ...]:
        """Everybody who told it, by title; whose words stand for it comes first."""
        return (self.story.outlet.title, *(one.title for one in self.story.others))


@dataclass(frozen=True, slots=True)
class ShownStory:
    """A story with its articles. `closeness`: by article, of the first ones, see `closeness.means`.

    `acts`: what was said by hand about its articles, the oldest first, each with `links`: the
    addresses of its articles, a list for each side.
    """

    story: Story
    page: str
    members: tuple[StoryMember, ...]
    closeness: dict[int, float]
    acts: tuple[tuple[StoryAct, tuple[tuple[str, ...], ...]], ...]
    recalls: tuple[RecallReport, ...] = ()


def listed(
    connection: Connection, since: datetime, *, topic: str | None, outlets: int, limit: int
) -> list[ListedStory]:
    """Stories with an article first seen since then, the newest first, told by so many outlets."""
    # Two sources of one title are one outlet: the store counts sources, which are no fewer.
    candidates = story_overview.recent(connection, since, topic_name=topic, sources=outlets)
    found: list[ListedStory] = []
    while len(found) < limit and (some := list(islice(candidates, _READ))):
        loaded = stories.by_ids(connection, [one.story_id for one in some])
        every = [ListedStory(loaded[one.story_id], one) for one in some if one.story_id in loaded]
        found += [one for one in every if len(one.outlets) >= outlets]
    return found[:limit]


def shown(connection: Connection, asked: str) -> ShownStory | None:
    """The story behind an id, its page or the address of one of its articles; None: unknown."""
    story_id = find_story(connection, asked)
    if story_id is None:
        return None
    members = story_overview.members(connection, story_id)
    acts = story_acts.of_stories(connection, [story_id])
    links = story_overview.links(connection, [one for act in acts for one in act.sides])
    story = stories.by_ids(connection, [story_id])[story_id]
    return ShownStory(
        story=story,
        page=story_page(story.public_id),
        members=tuple(members),
        closeness=means(connection, [one.article_id for one in members]),
        acts=tuple((act, _sides(act, links)) for act in acts),
        recalls=recalls.of_story(connection, story_id),
    )


def _sides(act: StoryAct, links: dict[int, str]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(links[one] for one in sorted(act.sides) if act.sides[one] == side)
        for side in sorted(set(act.sides.values()))
    )
