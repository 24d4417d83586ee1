"""Topics share the room of a list, and outlets take turns in it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
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
    more or higher ones shows more of them, and none takes all.
    """
    queues: defaultdict[str, deque[int]] = defaultdict(deque)
    for place, one in enumerate(ranked):
        queues[one.topic].append(place)
    taken: Counter[str] = Counter()
    of_outlet: Counter[Hashable] = Counter()
    shown: list[int] = []
    heads = [(-ranked[queue[0]].score, queue[0]) for queue in queues.values()]
    heapify(heads)
    while heads and len(shown) < limits.most:
        place = heads[0][1]
        one = ranked[place]
        queue = queues[one.topic]
        queue.popleft()
        if limits.per_source is None or of_outlet[one.outlet] < limits.per_source:
            of_outlet[one.outlet] += 1
            taken[one.topic] += 1
            shown.append(place)
        if queue and (limits.per_topic is None or taken[one.topic] < limits.per_topic):
            counts_for = ranked[queue[0]].score / (1 + taken[one.topic])
            heapreplace(heads, (-counts_for, queue[0]))
        else:
            heappop(heads)
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
    left, order = list(items), []
    while left:
        at = 0
        if outlet(left[0]) == after:
            enough = AS_HIGH * score(left[0])
            for place, one in enumerate(left):
                if score(one) < enough:
                    break
                if outlet(one) != after:
                    at = place
                    break
        order.append(left.pop(at))
        after = outlet(order[-1])
    return order
