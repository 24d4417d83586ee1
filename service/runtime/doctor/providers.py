"""Which provider of mailboxes an address is at, as far as its domain says. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from service.mail.domains import group_of

MANY_A_DAY = 4_000
"""Mails a day to one provider from which on DMARC is needed soon. Gmail counts "close to 5,000"
as bulk for ever (support.google.com/a/answer/14229414), Microsoft begins at 5,000."""

_NAMES = {"gmail.com": "Gmail", "outlook.com": "Microsoft", "yahoo.com": "Yahoo"}


def of_domain(domain: str) -> str:
    """The provider's name, else the domain itself: whoever hosts that is not asked."""
    group = group_of(domain)
    return _NAMES.get(group, group)


def largest(by_domain: Mapping[str, int]) -> tuple[str, int] | None:
    """The provider with the most of them, and how many; None where there are none."""
    counts: Counter[str] = Counter()
    for domain, number in by_domain.items():
        counts[of_domain(domain)] += number
    return max(counts.items(), key=lambda one: (one[1], one[0])) if counts else None
