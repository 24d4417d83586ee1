"""Domains whose addresses are put off one after the other, in one run of sending.

Several addresses of one domain defer that domain (docs/decisions/001): in this run, and for less
than a minute in those of other machines (store.mailing.slow_domains). Strangers (who never had
news from us: anybody may sign up with any address) hold up transactional mails to strangers alone,
readers hold up everybody: sixty invented mailboxes at a large provider must not keep its readers
waiting, nor those whom an admin has just brought along.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from service.mail.addresses import AddressError, ascii_domain
from service.mail.retry_policy import Conclusion, Effect
from service.store.mailing.slow_domains import SlowDomain

_SEVERAL = 3


class Domains:
    """What the domains' addresses were answered since one of them was last taken."""

    def __init__(self) -> None:
        self._met: dict[str, Counter[bool]] = {}
        self._said: dict[str, str] = {}
        self._elsewhere: dict[str, SlowDomain] = {}

    def heard(self, slow: Iterable[SlowDomain]) -> None:
        """What all machines have met, as it stands now; it replaces what was heard before."""
        self._elsewhere = {one.domain: one for one in slow}

    def note(
        self, address: str | None, conclusion: Conclusion, *, reader: bool
    ) -> SlowDomain | str | None:
        """Learn from a handover. `reader`: the address had news before.

        Returns what other machines should know: a domain that is held from now on, or the name of
        one that was, and takes mail; None: nothing new.
        """
        domain = domain_of(address)
        met = self._met.setdefault(domain, Counter())
        if conclusion.effect is Effect.PROVEN:
            held = self._elsewhere.get(domain)
            met[True] = 0
            if not reader:  # that a reader is known there says nothing of who signs up
                met[False] = 0
            if held is not None and (held.for_readers or not reader):
                del self._elsewhere[domain]
                return domain
        elif _is_put_off(conclusion) and conclusion.outcome is not None:
            met[reader] += 1
            self._said[domain] = said = conclusion.outcome.answer
            if met.total() == _SEVERAL or (reader and met[True] == _SEVERAL):
                return SlowDomain(domain, met[True] >= _SEVERAL, said)
        return None

    def hold(self, address: str | None, *, reader: bool) -> str | None:
        """What the last of several was answered; None: this address may be tried."""
        domain = domain_of(address)
        met = self._met.get(domain, Counter())
        held = met[True] if reader else met.total()
        if held >= _SEVERAL:
            return self._said[domain]
        known = self._elsewhere.get(domain)
        return known.answer if known and (known.for_readers or not reader) else None


def _is_put_off(conclusion: Conclusion) -> bool:
    return conclusion.effect is Effect.PUT_OFF or conclusion.sender


def domain_of(address: str | None) -> str:
    """The domain in ASCII and lower case; "" where there is none."""
    domain = (address or "").rpartition("@")[2]
    try:
        return ascii_domain(domain)
    except AddressError:
        return ""
