"""Which stories stand on the front page, and where: the highest of all, then of each topic.

It follows from the rows alone (curate/selection/score.py): the page is made anew when something
has come in, not because it is later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.config.schema import Source
from service.curate.selection import reading
from service.curate.selection.balance import Ranked, StoryLimits, share, take_turns
from service.curate.selection.reading import KnownStories
from service.curate.selection.score import StoryScore, score
from service.store.content import stories
from service.store.core.database import Connection

TOP = 7
"""Stories at the top."""

IN_SECTION = 4
"""Stories under each topic, beside those that stand at the top."""

HALF_LIFE = timedelta(hours=12)
"""What a story of many outlets told in the morning still stands high in the evening by."""

CANDIDATES = 100
CANDIDATES_IN_SECTION = 25
"""The newest, which are compared: an older one would have to be told by dozens of outlets."""


@dataclass(frozen=True, slots=True)
class FrontStory:
    """A story on the front page, with the parts of the score by which it stands where it does."""

    story_id: int
    score: StoryScore


@dataclass(frozen=True, slots=True)
class FrontPage:
    """No story stands twice. `newest`: when the newest story of all came out; None: there is none.

    `sections` have the topics of which there is more than stands at the top.
    """

    newest: datetime | None
    top: tuple[FrontStory, ...]
    sections: tuple[tuple[str, tuple[FrontStory, ...]], ...]

    @property
    def ids(self) -> list[int]:
        """All stories in reading order."""
        of_sections = (one.story_id for _, some in self.sections for one in some)
        return [*(one.story_id for one in self.top), *of_sections]


def arrange(
    connection: Connection, topics: Sequence[str], sources: Mapping[str, Source]
) -> FrontPage:
    """The front page. `topics` in the order of the page, `sources` those of the TOML."""
    newest = stories.latest(connection, None, CANDIDATES)
    of_topic = {name: stories.latest(connection, name, CANDIDATES_IN_SECTION) for name in topics}
    ids = {*newest, *(one for some in of_topic.values() for one in some)}
    known = reading.read(connection, ids, sources)
    if not newest:
        return FrontPage(None, (), ())
    now = max(newest.values())
    top = _top(_ranked(known, newest, topics, now))
    shown = {one.item.story_id for one in top}
    sections = []
    for name, some in of_topic.items():
        fresh = {one: at for one, at in some.items() if one not in shown}
        ranked = _ranked(known, fresh, [name], now)
        turns = take_turns(ranked, lambda one: one.score, lambda one: one.outlet)[:IN_SECTION]
        if turns:
            sections.append((name, tuple(one.item for one in turns)))
            shown |= {one.item.story_id for one in turns}
    return FrontPage(now, tuple(one.item for one in top), tuple(sections))


def _ranked(
    known: KnownStories, some: Mapping[int, datetime], topics: Sequence[str], now: datetime
) -> list[Ranked[FrontStory]]:
    """The highest first; of equal ones the newest, as they came."""
    ranked = []
    for story_id, at in some.items():
        parts = score(known.standing(story_id, topics, now - at, HALF_LIFE), topics)
        facts = known.facts[story_id]
        topic = next((name for name in topics if name in facts.topics), "")
        # PostgreSQL: a judge may have emptied the story since it was listed.
        outlet = known.owners.get(facts.source_id)
        ranked.append(Ranked(FrontStory(story_id, parts), topic, outlet, parts.total))
    return sorted(ranked, key=lambda one: -one.score)


def _top(ranked: Sequence[Ranked[FrontStory]]) -> list[Ranked[FrontStory]]:
    """Topics share the room, then outlets take turns by what each story counted for."""
    taken: Counter[str] = Counter()
    counts_for = {}
    shared, _ = share(ranked, StoryLimits(2 * TOP))
    for one in shared:
        taken[one.topic] += 1
        counts_for[one.item.story_id] = one.score / taken[one.topic]
    turns = take_turns(shared, lambda one: counts_for[one.item.story_id], lambda one: one.outlet)
    return turns[:TOP]
