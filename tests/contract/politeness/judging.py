"""The rules of a feed reader that publishers like, each as a judge of what they noted.

After the public list of the Feed Reader Behavior project (rachelbythebay.com/frb/, whose numbers
stand at the end of a rule, /fs/help.html, /w/feed/), Open RSS's guide for developers, RFC 9110 and
9111, and what readers were blocked for. A judge returns what broke its rule, in words; none: it
holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from tests.contract.politeness.characters import DAY
from tests.contract.politeness.publisher import START, Asked, Publisher

FLOOR = timedelta(minutes=15)
CEILING = timedelta(hours=12)
DELAY_S = 0.01
LATE = timedelta(minutes=30)  # jitter and the steps of the simulated clock
FEW_A_DAY = 4  # tries in trouble
CHANCE = 1.3  # how far it may stretch a wait after a failure
REDIRECTS = {301, 302, 307, 308}


@dataclass(frozen=True)
class Week:
    """What all publishers noted. `found`: name -> item -> when the service had it.

    `told`: name -> the state of the source and what the admin reads of it at the end.
    """

    asked: Sequence[Asked]
    publishers: Sequence[Publisher]
    found: dict[str, dict[int, datetime]]
    end: datetime
    told: dict[str, tuple[str, str]] = field(default_factory=dict)

    def of(self, *names: str) -> list[Asked]:
        """What these were asked, in order."""
        found = [place for name in names for place in self._places.get(f"{name}.test", ())]
        return [self.asked[place] for place in sorted(found)]

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, one in enumerate(self.asked):
            places.setdefault(one.host, []).append(place)
        return places

    def documents(self) -> Iterator[tuple[Publisher, list[Asked]]]:
        """Each document with the requests that were answered for it, redirects left out."""
        for publisher in self.publishers:
            if publisher.listed:
                served = [one.name for one in self.publishers if one.same_as == publisher.name]
                asked = self.of(publisher.name, *served)
                yield publisher, [one for one in asked if one.status not in REDIRECTS]


Judge = Callable[[Week], list[str]]
RULES: list[tuple[str, Judge]] = []


def rule(words: str, *, frb: str = "") -> Callable[[Judge], Judge]:
    """`frb`: the rule's numbers in the public list."""

    def keep(judge: Judge) -> Judge:
        RULES.append((f"{words} (FRB {frb})" if frb else words, judge))
        return judge

    return keep


def told(one: Asked) -> str:
    return f"{one.host} at {(one.at - START) / DAY:.2f} d"


def each(week: Week, broken: Callable[[Asked], object]) -> list[str]:
    return [told(one) for one in week.asked if broken(one)]


def too_soon(asked: Sequence[Asked], least: Callable[[Asked], timedelta]) -> list[str]:
    return [
        f"{told(after)}: {after.at - before.at} after the one before"
        for before, after in pairwise(asked)
        if after.at - before.at < least(before)
    ]
