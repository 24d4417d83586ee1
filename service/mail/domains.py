"""Destinations whose addresses are put off one after the other, in one run of sending.

A destination is a domain, or all domains of one large provider. Several of its addresses that are
put off, or refused for our sake, hold up that destination and nobody else (docs/decisions/001,
081): in this run, and for a while in all others (store.mailing.relays.slow_domains). Strangers (who
never had news from us: anybody may sign up with any address) hold up transactional mails to
strangers alone, readers hold up everybody: sixty invented mailboxes at a large provider must not
keep its readers waiting, nor those whom an admin has just brought along.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from service.mail.addresses import AddressError, ascii_domain
from service.mail.retry_policy import Conclusion, Effect
from service.store.mailing.relays.slow_domains import HELD_FOR, LONGEST, SlowDomain

_SEVERAL = 3

_PROVIDERS = (
    ("gmail.com", re.compile(r"(gmail|googlemail)\.com")),
    ("outlook.com", re.compile(r"(outlook|hotmail|live|msn)\.(com|[a-z]{2}|com?\.[a-z]{2})")),
    (
        "yahoo.com",
        re.compile(r"(yahoo\.(com|[a-z]{2}|com?\.[a-z]{2})|(ymail|rocketmail|aol)\.com)"),
    ),
)


class Domains:
    """What the destinations' addresses were answered since one of them was last taken."""

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

        Returns what other machines should know: a destination that is held from now on, or the name
        of one that was, and takes mail; None: nothing new.
        """
        name = destination_of(address)
        met = self._met.setdefault(name, Counter())
        if conclusion.effect is Effect.PROVEN:
            known = self._elsewhere.get(name)
            met[True] = 0
            if not reader:  # that a reader is known there says nothing of who signs up
                met[False] = 0
            if known is not None and (known.for_readers or not reader):
                del self._elsewhere[name]
                return name
        elif _is_put_off(conclusion) and conclusion.outcome is not None:
            met[reader] += 1
            self._said[name] = conclusion.outcome.answer
            return self._held_from_now(name, conclusion, met, reader=reader)
        return None

    def _held_from_now(
        self, name: str, conclusion: Conclusion, met: Counter[bool], *, reader: bool
    ) -> SlowDomain | None:
        for_readers = met[True] >= _SEVERAL
        # It was held before, and has taken nothing since: the one that asked again was enough.
        again = self._knows(name, reader=reader)
        if again is not None and not again.held:
            for_readers = for_readers or (again.for_readers and reader)
        elif met.total() != _SEVERAL and not (reader and met[True] == _SEVERAL):
            return None
        lasts = LONGEST if conclusion.ours else HELD_FOR
        slow = SlowDomain(name, for_readers, self._said[name], lasts=lasts)
        self._elsewhere[name] = slow
        return slow

    def hold(self, address: str | None, *, reader: bool) -> str | None:
        """What the last of several was answered; None: this address may be tried."""
        name = destination_of(address)
        if self._several(name, reader=reader):
            return self._said[name]
        known = self._knows(name, reader=reader)
        return known.answer if known is not None and known.held else None

    def refuses(self, address: str | None, *, reader: bool) -> bool:
        """Whether several of its addresses were put off, and none was taken since.

        Then a refusal of one more is not about that address alone.
        """
        name = destination_of(address)
        return self._several(name, reader=reader) or self._knows(name, reader=reader) is not None

    def held(self) -> dict[str, str]:
        """Destination -> its last answer, of those where readers wait."""
        met = {name: self._said[name] for name in self._met if self._several(name, reader=True)}
        known = self._elsewhere.values()
        return {one.domain: one.answer for one in known if one.held and one.for_readers} | met

    def _several(self, name: str, *, reader: bool) -> bool:
        met = self._met.get(name, Counter())
        return (met[True] if reader else met.total()) >= _SEVERAL

    def _knows(self, name: str, *, reader: bool) -> SlowDomain | None:
        known = self._elsewhere.get(name)
        return known if known is not None and (known.for_readers or not reader) else None


def _is_put_off(conclusion: Conclusion) -> bool:
    return conclusion.effect is Effect.PUT_OFF or conclusion.of_destination


def domain_of(address: str | None) -> str:
    """The domain in ASCII and lower case; "" where there is none."""
    domain = (address or "").rpartition("@")[2]
    try:
        return ascii_domain(domain)
    except AddressError:
        return ""


def destination_of(address: str | None) -> str:
    """The domain, or the first one of the provider that it belongs to; "" where there is none."""
    return group_of(domain_of(address))


@lru_cache(maxsize=1024)
def group_of(domain: str) -> str:
    """The same of a domain in ASCII and lower case. Who hosts other domains is not asked."""
    return next((name for name, domains in _PROVIDERS if domains.fullmatch(domain)), domain)
