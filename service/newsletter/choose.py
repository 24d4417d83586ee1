"""What one subscription is told of a frozen edition. Pure.

It gets the frozen stories of its topics that entered since its window began, none of whose articles
it has been told, in the order that they have for these topics (curate/selection). Topics share the
room of the mail; the rest is counted.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import exp2
from threading import Lock
from typing import TYPE_CHECKING

from service.curate.selection.balance import Ranked, StoryLimits, share
from service.curate.selection.score import score
from service.curate.selection.standing import Standing

if TYPE_CHECKING:  # processes that only print have no configuration
    from service.config.schema import StoriesSection

_APART = 8
"""Where nothing is known of how high stories stand, each counts for a 256th (2 to the -8) of the
one before it: neither topics' shares of the room nor outlets' turns change their order."""

EVER = datetime.min.replace(tzinfo=UTC)
"""Since the beginning of time: all stories."""


@dataclass(frozen=True, slots=True)
class StoryItem:
    """A frozen story as it stands now. Several that have become one since are one item.

    `story_id` is the first of them, whose view is shown. `roots` are its articles, each as the one
    that it has become; `articles` are the ids to write into the ledger. `outlet` names the source
    that tells it. `first_entered` is when it entered any topic at all. `standing` is what its place
    follows from; None: not known, and it stands where the edition has it.
    """

    story_id: int
    topics: tuple[tuple[str, datetime], ...]
    roots: frozenset[int]
    articles: frozenset[int]
    outlet: str
    first_entered: datetime
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class PlacedStory:
    """A story in the section where it is shown, and since when it waits to be told.

    `score`: how high it stands for the topics of the subscription.
    """

    topic: str
    item: StoryItem
    entered_at: datetime
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class StorySelection:
    """What is told. `shown` has first what would be left out last.

    `counted` stories are "N more online", and told by that.
    """

    shown: tuple[PlacedStory, ...] = ()
    counted: tuple[PlacedStory, ...] = ()

    def __len__(self) -> int:
        return len(self.shown) + len(self.counted)

    @property
    def all(self) -> tuple[PlacedStory, ...]:
        return self.shown + self.counted

    def cut_to(self, most: int) -> StorySelection:
        """Show at most so many; the others are counted."""
        return replace(self, shown=self.shown[:most], counted=self.shown[most:] + self.counted)

    def articles(self) -> dict[int, bool]:
        """Article id -> shown, for the ledger."""
        told = dict.fromkeys((a for one in self.counted for a in one.item.articles), False)
        return told | dict.fromkeys((a for one in self.shown for a in one.item.articles), True)

    def first_entered(self) -> datetime | None:
        """When the oldest story told entered any topic. None: nothing is told."""
        return min((one.item.first_entered for one in self.all), default=None)

    def waiting_since(self) -> datetime | None:
        """When the oldest story entered a topic that the subscription follows. None: nothing."""
        return min((one.entered_at for one in self.all), default=None)


def choose(
    items: Sequence[StoryItem],
    topics: Sequence[str],
    *,
    since: datetime,
    told: AbstractSet[int],
    limits: StoryLimits,
) -> StorySelection:
    """The choice for one subscription.

    `items` in the edition's order, `topics` those that the subscription follows, in the order of
    the digest's sections; `since` inclusive; `told` are roots of the articles that it was told.
    Stories with equal scores keep the edition's order, and so do those with unknown standing.
    """
    order = {topic: place for place, topic in enumerate(topics)}
    seen: set[int] = set()
    placed: list[PlacedStory] = []
    for item in items:
        new = [(order[name], at) for name, at in item.topics if at >= since and name in order]
        if not new or not told.isdisjoint(item.roots) or not seen.isdisjoint(item.roots):
            continue
        seen |= item.roots
        topic, waits_since = topics[min(new)[0]], min(at for _, at in new)
        known = item.standing
        total = score(known, order).total if known is not None else exp2(-_APART * len(placed))
        placed.append(PlacedStory(topic, item, waits_since, total))
    return _within(placed, limits)


class Chooser:
    """The same for many subscriptions of one edition: equal questions are answered once."""

    REMEMBERED = 20_000
    """Answers: who chose five of twenty topics asks one of 15,504 questions. Each is a tuple of
    stories as they are placed, which answers share: less than a kilobyte. What a reader was told
    counts by a hash: it may be hundreds of articles."""

    def __init__(self, items: Sequence[StoryItem], limits: StoryLimits) -> None:
        self._items, self._limits = items, limits
        self._answers: dict[object, StorySelection] = {}
        self._placed: dict[object, PlacedStory] = {}
        self._lock = Lock()

    def choose(
        self, topics: tuple[str, ...], since: datetime, told: AbstractSet[int]
    ) -> StorySelection:
        """The choice for one subscription, as by `choose`."""
        question = (topics, since, _hash(told))
        with self._lock:  # who asks is told the very same, whatever thread it asks from
            answer = self._answers.get(question)
            if answer is None:
                if len(self._answers) >= self.REMEMBERED:
                    self._answers.clear()
                    self._placed.clear()
                answer = choose(self._items, topics, since=since, told=told, limits=self._limits)
                answer = StorySelection(self._shared(answer.shown), self._shared(answer.counted))
                self._answers[question] = answer
            return answer

    def _shared(self, stories: Sequence[PlacedStory]) -> tuple[PlacedStory, ...]:
        known = self._placed
        return tuple(
            known.setdefault((one.item.story_id, one.topic, one.entered_at, one.score), one)
            for one in stories
        )


def _hash(told: AbstractSet[int]) -> bytes:
    """The same of equal sets."""
    return hashlib.sha256(array("q", sorted(told)).tobytes()).digest() if told else b""


def limits_of(stories: StoriesSection) -> StoryLimits:
    """How much one mail of a digest shows."""
    return StoryLimits(stories.max, stories.per_topic, stories.per_source)


def outlet_of(one: PlacedStory) -> str:
    """What tells that two stories are told by the same outlet: its name as readers see it."""
    return one.item.outlet.casefold()


def _within(placed: Sequence[PlacedStory], limits: StoryLimits) -> StorySelection:
    ranked = [Ranked(one, one.topic, outlet_of(one), one.score) for one in placed]
    ranked.sort(key=lambda one: -one.score)
    shown, counted = share(ranked, limits)
    return StorySelection(tuple(one.item for one in shown), tuple(one.item for one in counted))
