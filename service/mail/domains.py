"""Domains whose addresses are put off one after the other, in one run of sending.

Several addresses of one domain defer that domain (docs/decisions/001). Strangers (who never had
news from us: anybody may sign up with any address) hold up transactional mails to strangers alone,
readers hold up everybody: sixty invented mailboxes at a large provider must not keep its readers
waiting, nor those whom an admin has just brought along.
"""

from __future__ import annotations

from collections import Counter

from service.mail.addresses import AddressError, ascii_domain
from service.mail.retry_policy import Conclusion, Effect

_SEVERAL = 3


class Domains:
    """What the domains' addresses were answered since one of them was last taken."""

    def __init__(self) -> None:
        self._met: dict[str, Counter[bool]] = {}
        self._said: dict[str, str] = {}

    def note(self, address: str | None, conclusion: Conclusion, *, reader: bool) -> None:
        """Learn from a handover. `reader`: the address had news before."""
        domain = _domain(address)
        met = self._met.setdefault(domain, Counter())
        if conclusion.effect is Effect.PROVEN:
            met[True] = 0
            if not reader:  # that a reader is known there says nothing of who signs up
                met[False] = 0
        elif conclusion.effect is Effect.PUT_OFF and conclusion.outcome is not None:
            met[reader] += 1
            self._said[domain] = conclusion.outcome.answer

    def hold(self, address: str | None, *, reader: bool) -> str | None:
        """What the last of several was answered; None: this address may be tried."""
        domain = _domain(address)
        met = self._met.get(domain, Counter())
        held = met[True] if reader else met.total()
        return self._said[domain] if held >= _SEVERAL else None


def _domain(address: str | None) -> str:
    """The domain in ASCII and lower case; "" where there is none."""
    domain = (address or "").rpartition("@")[2]
    try:
        return ascii_domain(domain)
    except AddressError:
        return ""
