"""What admins said about stories, as it binds the machine. Pure.

Acts are read from the newest to the oldest: an older one counts as far as no newer one says
otherwise. So an article which was put together with a first and apart from a second is apart from
all that was put together with the second, until an act says otherwise again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from service.model import StoryAct, StoryActKind

Marks = dict[int, set[int]]
"""Act -> sides of it."""


class ByHand:
    """The articles that acts name, those that have left the window too, and where they are now."""

    def __init__(
        self, acts: Iterable[StoryAct] = (), homes: Mapping[int, int] | None = None
    ) -> None:
        """`homes`: article -> its story, as the rows have it; what has none is left out."""
        self._homes: dict[int, int] = {}
        self._residents: defaultdict[int, set[int]] = defaultdict(set)
        self._marks: defaultdict[int, Marks] = defaultdict(dict)
        self._groups: dict[int, set[int]] = {}
        for article, story in (homes or {}).items():
            self._settle(article, story)
        for act in sorted(acts, key=lambda act: -act.id):
            sides = {one: side for one, side in act.sides.items() if one in self._homes}
            if act.kind is StoryActKind.APART:
                for one, side in sides.items():
                    self._marks[one].setdefault(act.id, set()).add(side)
            else:
                self._put_together(sorted(sides))

    def __bool__(self) -> bool:
        return bool(self._homes)

    def home(self, article: int) -> int | None:
        """The story of an article that some act names; None: none does."""
        return self._homes.get(article)

    def with_(self, article: int) -> frozenset[int]:
        """The articles that must be where this one is, itself among them."""
        return frozenset(self._groups.get(article, (article,)))

    def made(self, story: int) -> bool:
        """Whether articles were put together here by hand: the machine takes none of it out."""
        return any(one in self._groups for one in self._residents.get(story, ()))

    def apart(self, one: int, other: int) -> bool:
        """Whether two stories must not become one."""
        return _differ(
            self._sides(self._residents.get(one, ())), self._sides(self._residents.get(other, ()))
        )

    def move(self, article: int, story: int) -> None:
        """The article, if an act names it, is in another story now."""
        if article in self._homes:
            self._residents[self._homes[article]].discard(article)
            self._settle(article, story)

    def _settle(self, article: int, story: int) -> None:
        self._homes[article] = story
        self._residents[story].add(article)

    def _put_together(self, articles: list[int]) -> None:
        groups: list[set[int]] = []
        for one in articles:
            own = self._groups.get(one, {one})
            if own in groups:
                continue
            free = (group for group in groups if not _differ(self._sides(own), self._sides(group)))
            known = next(free, None)
            if known is None:
                groups.append(own)
                continue
            known |= own
            for member in own:
                self._groups[member] = known
        for group in groups:
            if len(group) > 1:
                self._groups.update(dict.fromkeys(group, group))

    def _sides(self, articles: Iterable[int]) -> Marks:
        found: Marks = {}
        for one in articles:
            for act, sides in self._marks.get(one, {}).items():
                found.setdefault(act, set()).update(sides)
        return found


def _differ(one: Marks, other: Marks) -> bool:
    return any(len(one[act] | other[act]) > 1 for act in one.keys() & other.keys())
