"""Topics share the room of a list, and outlets take turns in it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
from typing import Generic, TypeVar

AS_HIGH = 0.8
"""A story stands as high as another if it has this part of the other's score."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class StoryLimits:
    """How many a list takes: in all, of one topic, of one outlet; None: as many as there are."""

    most: int
    per_topic: int | None = None
    per_source: int | None = None


@dataclass(frozen=True, slots=True)
class Ranked(Generic[Item]):
    """A story with what its place follows from. `topic`: the one heading that it stands under."""

    item: Item
    topic: str
    outlet: Hashable
    score: float


def share(
    ranked: Sequence[Ranked[Item]], limits: StoryLimits
) -> tuple[list[Ranked[Item]], list[Ranked[Item]]]:
    """The stories that get the room, in the order in which they got it; and the others.

    `ranked`: the highest first. A story's score counts for less the more of its topic stand before
    it: the second for a half, the third for a third. So each topic's best are shown, a topic with
    more or higher ones shows more of them, and none takes all. Within a topic outlets take turns.
    """
    topics: defaultdict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(ranked):
        topics[one.topic].append(place)
    queues = {
        topic: _turns(places, lambda at: ranked[at].score, lambda at: ranked[at].outlet)
        for topic, places in topics.items()
    }
    taken: Counter[str] = Counter()
    of_outlet: Counter[Hashable] = Counter()
    shown: list[int] = []
    # What the next story of each topic counts for; of equals the one that is ranked higher.
    heads = [(-ranked[place].score, place) for place in map(next, queues.values())]
    heapify(heads)
    while heads and len(shown) < limits.most:
        place = heads[0][1]
        one = ranked[place]
        if limits.per_source is None or of_outlet[one.outlet] < limits.per_source:
            of_outlet[one.outlet] += 1
            taken[one.topic] += 1
            shown.append(place)
        following = next(queues[one.topic], None)
        if following is None or taken[one.topic] == limits.per_topic:
            heappop(heads)
        else:
            counts_for = ranked[following].score / (1 + taken[one.topic])
            heapreplace(heads, (-counts_for, following))
    left = sorted(set(range(len(ranked))).difference(shown))
    return [ranked[place] for place in shown], [ranked[place] for place in left]


def take_turns(
    items: Sequence[Item],
    score: Callable[[Item], float],
    outlet: Callable[[Item], Hashable],
    after: Hashable = None,
) -> list[Item]:
    """The same stories, but none behind another of its outlet where one of another stands as high.

    `items`: the highest first. `after`: the outlet of what stands before them.
    """
    return list(_turns(items, score, outlet, after))


def _turns(
    items: Sequence[Item],
    score: Callable[[Item], float],
    outlet: Callable[[Item], Hashable],
    after: Hashable = None,
) -> Iterator[Item]:
    outlets = [outlet(one) for one in items]
    queues: dict[Hashable, deque[int]] = {}
    for place, name in enumerate(outlets):
        queues.setdefault(name, deque()).append(place)
    heads = [queue[0] for queue in queues.values()]  # rising: a heap
    while heads:
        place = heappop(heads)
        if outlets[place] == after and heads:
            other = heads[0]
            if score(items[other]) >= AS_HIGH * score(items[place]):
                place = heapreplace(heads, place)
        after = outlets[place]
        queue = queues[after]
        queue.popleft()
        if queue:
            heappush(heads, queue[0])
        yield items[place]
