"""What is wrong with the review of a digest: nobody to ask, no time to answer, no hour to go at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from service.config.schema import Digest
from service.config.values import write_duration
from service.errors import Finding
from service.mail.addresses import AddressError, envelope
from service.model import Cadence, CadenceRule
from service.newsletter import cadence
from service.newsletter.review.states import LONGEST, SHORTEST

_MANY = 60
"""Cuts of a cron line that are looked at."""

_MOST_EDITORS = 50


def faults(digest: Digest) -> list[Finding]:
    """Every fault of `review`, `review_required` and `editors`; keys below the digest's own."""
    if digest.review is None:
        return _without(digest)
    found = _editors(digest)
    if digest.review < SHORTEST:
        found.append(
            (
                ("review",),
                "nobody can review an edition in so short a time",
                f'write at least "{write_duration(SHORTEST)}"',
            )
        )
    for rhythm in dict.fromkeys((digest.cadence, *digest.cadences)):
        found += _too_long(digest.review, rhythm)
    return found


def _without(digest: Digest) -> list[Finding]:
    right = 'write review = "2h" as well, or take it out'
    found: list[Finding] = []
    if digest.editors:
        found.append((("editors",), "there is nothing to review without review", right))
    if digest.review_required:
        found.append((("review_required",), "nothing is reviewed without review", right))
    return found


def _editors(digest: Digest) -> list[Finding]:
    if not digest.editors:
        right = 'write who reviews, such as editors = ["lan@example.vn"]'
        return [(("review",), "there are no editors to ask", right)]
    found: list[Finding] = []
    seen: set[str] = set()
    for place, one in enumerate(digest.editors):
        path = ("editors", place)
        try:
            address = envelope(one).address.casefold()
        except AddressError:
            right = 'write one such as "lan@example.vn", without a name'
            found.append((path, f'"{one}" is not an address', right))
            continue
        if address in seen:
            found.append((path, f'"{one}" stands twice in this list', "keep one of them"))
        seen.add(address)
    if len(digest.editors) > _MOST_EDITORS:
        right = f"write {_MOST_EDITORS} at most"
        found.append((("editors",), "each of so many would get a link that lets mail go", right))
    return found


def _too_long(review: timedelta, rhythm: str) -> list[Finding]:
    if rhythm == Cadence.IMMEDIATE:
        right = "take out review, or write another cadence"
        return [(("review",), "what is mailed at once cannot be reviewed", right)]
    if rhythm == Cadence.HOURLY:
        right = "take out review, or write a cadence that is daily or longer"
        return [(("review",), "nobody reviews a mail each hour", right)]
    most = LONGEST.get(rhythm) or _shortest_gap(rhythm)
    if most is None or review < most:
        return []
    problem = f"the edition before would not have gone yet: {rhythm} is cut too soon after it"
    return [(("review",), problem, f'write less than "{write_duration(most)}"')]


def _shortest_gap(rhythm: str) -> timedelta | None:
    """Between two cuts of a cron line; None for one that is no cadence at all."""
    rule = CadenceRule(rhythm)
    try:
        cuts = [cadence.next_cut(rule, "UTC", datetime(2027, 1, 1, tzinfo=UTC))]
        while len(cuts) < _MANY:
            cuts.append(cadence.next_cut(rule, "UTC", cuts[-1]))
    except ValueError:
        return None
    return min(after - before for before, after in pairwise(cuts))
