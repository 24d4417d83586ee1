"""Stories, judged online: each article as it arrives, among those of the last days."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from service.curate.stories.by_hand import ByHand
from service.curate.stories.grouping import Matrix, average_link, name_groups
from service.curate.stories.postings import LONGEST, Slots
from service.curate.stories.terms import Terms
from service.curate.stories.vectors import Frequencies
from service.curate.stories.window import StoryWindow

NEAR = 32
"""Articles that a new one is compared with at first."""

MOST_STORIES = 8
"""Stories that a new article may bring together."""

LARGE = 24
"""Articles; a larger story is never taken apart, and is known by so many of them."""

FEW = 8
"""Articles that a large story is known by while stories are grouped anew."""

FULL = 500
"""Articles; a story of so many takes no more, and what tells the same begins another. Each article
of a story is a row of the ledger for each reader, so a flood of them must have an end."""

MOST_UNITS = 64
"""Articles and large stories that are grouped anew at once."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StorySettings:
    """How stories are judged.

    `threshold`: how alike an article must be to a story on average. `touching`: the share of it
    from which a story is looked at. `guard`: what is left of a likeness by template only.
    `cohesion`: see `average_link`. `decay`: what each day beyond the first takes off.
    """

    window: timedelta = timedelta(days=5)
    threshold: float = 0.2
    touching: float = 0.6
    guard: float = 0.1
    cohesion: float = 0.55
    decay: float = 0.4


@dataclass(frozen=True, slots=True)
class Placed:
    """What one arrival changed: the article's story, and article -> new story of those that moved.

    The new article is not among `moved`; what has left the window, but belongs by hand to one that
    moved, is.
    """

    story: int
    moved: dict[int, int]


@dataclass(slots=True)
class _Article:
    slot: int
    story: int
    at: datetime


class Stories:
    """The articles of the window and the stories that they make.

    Nothing is remembered that rows do not tell: `restore` each article of the window, in order of
    arrival, with the story that it has. `by_hand`: what admins said, which is set whenever that or
    the rows have changed. Not safe for two threads at once.
    """

    def __init__(self, settings: StorySettings = StorySettings()) -> None:
        self._settings = settings
        self._window = StoryWindow(guard=settings.guard, decay=settings.decay)
        self._frequencies = Frequencies()
        self._articles: OrderedDict[int, _Article] = OrderedDict()
        self._members: dict[int, list[int]] = {}
        self._owner: dict[int, int] = {}
        self.by_hand = ByHand()

    def __len__(self) -> int:
        return len(self._articles)

    def __contains__(self, article: int) -> bool:
        return article in self._articles

    def articles(self) -> list[int]:
        """The articles of the window, in order of arrival."""
        return list(self._articles)

    def story_of(self, article: int) -> int:
        """The story of an article of the window. KeyError: it is not there."""
        return self._articles[article].story

    def add(
        self,
        article: int,
        terms: Terms,
        at: datetime,
        fresh: Iterator[int],
        own: int | None = None,
    ) -> Placed:
        """Judge an article that arrived at `at` (aware; not before the one before it).

        `own` is the id of the story that the article begins if it belongs to none, `fresh` gives
        ids that no story has had, for what is split off (and for `own`, where it is None). What has
        left the window by then is forgotten first. An article that an admin has placed already
        stays there.
        """
        self.forget_before(at - self._settings.window)
        placed = self.by_hand.home(article)
        if placed is not None:
            self.restore(article, placed, terms, at)
            return Placed(placed, {})
        slot = self._take(article, terms, at)
        touched = [] if terms.empty else self._touched(slot)
        if len(touched) > 1:
            return self._regroup(article, [story for story, _mean in touched], fresh, own)
        if touched and touched[0][1] >= self._settings.threshold:
            return self._alone(article, touched[0][0])
        return self._alone(article, next(fresh) if own is None else own)

    def restore(self, article: int, story: int, terms: Terms, at: datetime) -> None:
        """Take in an article that was judged before, as the rows have it."""
        self._take(article, terms, at)
        self._join(article, story)

    def move(self, article: int, story: int) -> None:
        """Put an article of the window into another story: somebody else's word."""
        self._leave(article)
        self._join(article, story)

    def remove(self, article: int) -> None:
        """Forget an article, if it is here."""
        if article in self._articles:
            self._leave(article)
            slot = self._articles.pop(article).slot
            del self._owner[slot]
            self._window.remove(slot)

    def forget_before(self, instant: datetime) -> None:
        """Forget all that arrived before."""
        while self._articles:
            article = next(iter(self._articles))
            if self._articles[article].at >= instant:
                return
            self.remove(article)

    def _take(self, article: int, terms: Terms, at: datetime) -> int:
        self.remove(article)
        self._frequencies.add(terms)
        days = (at - _EPOCH) / timedelta(days=1)
        slot = self._window.add(self._frequencies.row(terms), terms, days)
        self._articles[article] = _Article(slot, 0, at)
        self._owner[slot] = article
        return slot

    def _join(self, article: int, story: int) -> None:
        one = self._articles[article]
        one.story = story
        self._members.setdefault(story, []).append(one.slot)

    def _leave(self, article: int) -> None:
        one = self._articles[article]
        members = self._members[one.story]
        members.remove(one.slot)
        if not members:
            del self._members[one.story]

    def _alone(self, article: int, story: int) -> Placed:
        self._join(article, story)
        return Placed(story, {})

    def _touched(self, slot: int) -> list[tuple[int, float]]:
        """The stories that the article may belong to, and how alike it is to each on average."""
        enough = self._settings.touching * self._settings.threshold
        near = self._near(slot)
        if not len(near):
            return []
        alike = self._window.like(slot, near)
        stories = dict.fromkeys(
            self._articles[self._owner[int(other)]].story
            for other, much in zip(near, alike, strict=True)
            if much >= enough
        )
        if not stories:
            return []
        samples = [self._sample(story) for story in stories]
        sizes = np.array([len(sample) for sample in samples])
        every = self._window.like(slot, np.concatenate(samples))
        begins = np.cumsum(sizes) - sizes
        means = np.add.reduceat(every, begins) / sizes
        if self.by_hand:
            for number, (story, begin) in enumerate(zip(stories, begins, strict=True)):
                if self.by_hand.made(story):
                    strands = self._strands(samples[number])
                    means[number] = max(every[begin + strand].mean() for strand in strands)
        touched = [
            (story, float(mean))
            for story, mean in zip(stories, means, strict=True)
            if mean >= enough
        ]
        touched.sort(key=lambda one: (-one[1], one[0]))
        return self._may_meet(touched)[:MOST_STORIES]

    def _may_meet(self, touched: list[tuple[int, float]]) -> list[tuple[int, float]]:
        """Without stories that an admin put apart from one that is more alike."""
        if not self.by_hand:
            return touched
        kept: list[tuple[int, float]] = []
        for story, mean in touched:
            if not any(self.by_hand.apart(story, other) for other, _mean in kept):
                kept.append((story, mean))
        return kept

    def _strands(self, sample: Slots) -> list[Slots]:
        """What a story made by hand consists of, as places in its sample.

        An admin puts together what is not alike, or the machine would have: on average nothing
        could be like all of it. So it is known by whichever part is most alike.
        """
        if len(sample) == 1:
            return [np.array([0], np.int64)]
        alike = self._window.among(sample)
        groups = average_link(
            alike,
            [1] * len(sample),
            [1.0] * len(sample),
            threshold=self._settings.threshold,
            cohesion=self._settings.cohesion,
        )
        return [np.array(group, np.int64) for group in groups]

    def _near(self, slot: int) -> Slots:
        """Articles to compare with, none of a full story. Behind a flood it looks further."""
        for most in (NEAR, LONGEST):
            near = self._window.near(slot, most)
            stories = [self._articles[self._owner[int(other)]].story for other in near]
            has_room = [len(self._members[story]) < FULL for story in stories]
            if any(has_room) or len(near) < most:
                break
        room: Slots = near[np.array(has_room, np.bool_)]
        return room

    def _sample(self, story: int) -> Slots:
        """The articles that a story is known by: its first ones and its newest."""
        members = self._members[story]
        if len(members) > LARGE:
            members = members[: LARGE // 3] + members[-(LARGE - LARGE // 3) :]
        return np.array(members, np.int64)

    def _regroup(
        self, article: int, stories: list[int], fresh: Iterator[int], new: int | None
    ) -> Placed:
        """Group the new article and the stories that it touches anew."""
        own = self._articles[article].slot
        units: list[tuple[int | None, Slots, int]] = [(None, np.array([own], np.int64), 1)]
        for story in stories:
            members = self._members[story]
            whole = len(members) > LARGE or self.by_hand.made(story)
            if whole or len(units) + len(members) > MOST_UNITS:
                known = self._sample(story)[0 if self.by_hand.made(story) else -FEW :]
                units.append((story, known, len(members)))
            else:
                units.extend((story, np.array([slot], np.int64), 1) for slot in members)
        made = {story for story in stories if self.by_hand.made(story)}
        alike, inner = self._matrix(
            [
                [slots[strand] for strand in self._strands(slots)] if story in made else [slots]
                for story, slots, _size in units
            ]
        )
        groups = average_link(
            alike,
            [size for _story, _slots, size in units],
            inner,
            threshold=self._settings.threshold,
            cohesion=self._settings.cohesion,
        )
        named = [
            story
            if story is not None
            else new
            if new is not None and 0 in group  # it has the new article
            else next(fresh)
            for group, story in zip(
                groups,
                name_groups(
                    groups,
                    [story for story, _slots, _size in units],
                    made,
                    [size for _story, _slots, size in units],
                ),
                strict=True,
            )
        ]
        return self._carry_out(article, units, groups, named)

    def _matrix(self, units: list[list[Slots]]) -> tuple[Matrix, list[float]]:
        """How alike units are, by the strands that are most alike; how alike each is within."""
        strands = [strand for unit in units for strand in unit]
        every = np.concatenate(strands)
        sizes = np.array([len(slots) for slots in strands])
        begins = np.cumsum(sizes) - sizes
        rows = self._window.among(every)
        sums = np.add.reduceat(np.add.reduceat(rows, begins, axis=0), begins, axis=1)
        alike = sums / (sizes[:, None] * sizes[None, :])
        own = np.add.reduceat(np.diagonal(rows), begins)
        counts = np.array([len(unit) for unit in units])
        firsts = np.cumsum(counts) - counts
        within = np.add.reduceat(np.diagonal(sums) - own, firsts)
        pairs = np.add.reduceat(sizes * (sizes - 1), firsts)
        inner = [
            float(much / times) if times else 1.0 for much, times in zip(within, pairs, strict=True)
        ]
        alike = np.maximum.reduceat(np.maximum.reduceat(alike, firsts, axis=0), firsts, axis=1)
        return alike, inner

    def _carry_out(
        self,
        article: int,
        units: list[tuple[int | None, Slots, int]],
        groups: list[list[int]],
        named: list[int],
    ) -> Placed:
        moved: dict[int, int] = {}
        own = 0
        for group, story in zip(groups, named, strict=True):
            for unit in group:
                before, slots, size = units[unit]
                if before is None:
                    own = story
                elif before != story:
                    whole = self._members[before] if size > 1 else slots.tolist()
                    moved |= {self._owner[slot]: story for slot in whole}
        for other, story in list(moved.items()):
            bound = self.by_hand.with_(other)
            moved |= {one: story for one in bound if self.by_hand.home(one) != story}
        for other, story in moved.items():
            self.by_hand.move(other, story)
            if other in self._articles:
                self.move(other, story)
        self._join(article, own)
        return Placed(own, moved)
