"""Whether a domain lets an address send its mail: SPF (RFC 7208), evaluated as receivers do.

A macro that only the receiver of a mail can expand makes it `UNJUDGED` (doctor.spf_macros).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

from service.errors import DnsError
from service.runtime.doctor import spf_macros as macros
from service.runtime.doctor.dns import Address, Resolver

MOST_LOOKUPS = 10
"""Terms that ask the DNS (RFC 7208 4.6.4); with more of them a record is broken."""

_MOST_VOID = 2
"""Questions whose answer is empty (4.6.4): of addresses those of the sender's kind alone (5.3)."""

_MOST_EXCHANGERS = 10

NOWHERE, NOWHERE_V6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
"""Addresses that nobody has (RFC 5737, RFC 3849): who lets them send lets everybody."""

_TERM = re.compile(
    r"(?P<sign>[-+~?])?(?P<name>all|include|a|mx|ptr|exists)"
    r"(?::(?P<value>(?:%\{[^{}]*\}|[^/])+))?(?P<four>/\d{1,2})?(?P<six>//\d{1,3})?",
    re.IGNORECASE,
)
_NETWORK = re.compile(r"(?P<sign>[-+~?])?(?P<name>ip[46]):(?P<value>\S+)", re.IGNORECASE)
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9._-]*)=(?P<value>.*)", re.IGNORECASE)


class Spf(StrEnum):
    """What comes of it (RFC 7208 2.6)."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    BROKEN = "permerror"
    UNANSWERED = "temperror"
    UNJUDGED = "unjudged"


_BY_SIGN = {"+": Spf.PASS, "-": Spf.FAIL, "~": Spf.SOFTFAIL, "?": Spf.NEUTRAL}


@dataclass(frozen=True, slots=True)
class SpfResult:
    """`why`: what is wrong with the record, or why nobody can tell; else "".

    `void`: it is broken by empty answers alone, which senders by IPv4 and IPv6 do not share.
    """

    result: Spf
    why: str = ""
    lookups: int = 0
    void: bool = False


@dataclass(frozen=True, slots=True)
class _Mechanism:
    result: Spf
    name: str
    value: str
    four: int
    six: int


class _EndedError(Exception):
    def __init__(self, result: Spf, why: str, *, void: bool = False) -> None:
        super().__init__(why)
        self.result, self.void = result, void


async def evaluate(resolver: Resolver, address: Address, sender: str) -> SpfResult:
    """What receivers conclude of a mail from `address` with the return path `sender`.

    `sender` may be a domain alone: then it is its postmaster's (RFC 7208 4.3).
    """
    local, _, domain = sender.rpartition("@")
    run = _Evaluation(resolver, address, f"{local or 'postmaster'}@{domain}")
    try:
        result = await run.of(domain)
    except _EndedError as ended:
        return SpfResult(ended.result, str(ended), run.lookups, ended.void)
    except DnsError as error:
        return SpfResult(Spf.UNANSWERED, str(error), run.lookups)
    return SpfResult(result, "", run.lookups)


class _Evaluation:
    def __init__(self, resolver: Resolver, address: Address, sender: str) -> None:
        self._resolver = resolver
        self._address = address
        self._sender = sender
        self._void = 0
        self.lookups = 0

    async def of(self, domain: str) -> Spf:
        texts = await self._resolver.texts(domain)
        records = [one for one in texts if re.match(r"v=spf1(?: |$)", one, re.IGNORECASE)]
        if not records:
            return Spf.NONE
        if len(records) > 1:
            raise _EndedError(Spf.BROKEN, f"{domain} has {len(records)} records; there may be one")
        mechanisms, redirect = _read(records[0], domain)
        for one in mechanisms:
            if await self._matches(one, domain):
                return one.result
        if redirect is None:
            return Spf.NEUTRAL
        redirect = self._expanded(redirect, domain)
        self._count(f"redirect={redirect}")
        return await self._of_other(redirect)

    async def _of_other(self, domain: str) -> Spf:
        """The record of a domain that another record names: it must have one (RFC 7208 5.2)."""
        result = await self.of(domain)
        if result is Spf.NONE:
            raise _EndedError(Spf.BROKEN, f"it refers to {domain}, which has no SPF record")
        return result

    async def _matches(self, one: _Mechanism, domain: str) -> bool:
        if one.name == "all":
            return True
        if one.name in {"ip4", "ip6"}:
            return self._address in ip_network(one.value, strict=False)
        target = self._expanded(one.value, domain) if one.value else domain
        self._count(f"{one.name}:{target}")
        if one.name == "include":
            return await self._of_other(target) is Spf.PASS
        return await self._asks_hosts(one, target)

    async def _asks_hosts(self, one: _Mechanism, target: str) -> bool:
        match one.name:
            case "exists":
                found = await self._resolver.addresses(target, versions=(4,))  # also for IPv6 (5.7)
                self._note_void(found, target)
                return bool(found)
            case "a":
                return await self._is_of_host(one, target)
            case "mx":
                hosts = await self._resolver.exchangers(target)
                self._note_void(hosts, target)
                if len(hosts) > _MOST_EXCHANGERS:
                    raise _EndedError(Spf.BROKEN, f"{target} has more than 10 MX records")
                return any([await self._is_of_host(one, host) for host in hosts if host])
            case _:
                return await self._has_name_in(target)

    async def _is_of_host(self, one: _Mechanism, host: str) -> bool:
        found = await self._resolver.addresses(host, versions=(self._address.version,))
        self._note_void(found, host)
        bits = one.four if isinstance(self._address, IPv4Address) else one.six
        return any(self._address in ip_network((each, bits), strict=False) for each in found)

    async def _has_name_in(self, domain: str) -> bool:
        """RFC 7208 5.5: a name of the address, under the domain, that leads back to it."""
        names = await self._resolver.names_of(self._address)
        self._note_void(names, str(self._address))
        for name in names[:_MOST_EXCHANGERS]:
            under = name == domain or name.endswith(f".{domain}")
            if under and self._address in await self._resolver.addresses(name):
                return True
        return False

    def _count(self, term: str) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            why = f"it needs more than {MOST_LOOKUPS} lookups in the DNS, at {term}"
            raise _EndedError(Spf.BROKEN, why)

    def _note_void(self, found: list[Address] | list[str], name: str) -> None:
        self._void += not found
        if self._void > _MOST_VOID:
            kind = f"IPv{self._address.version}"
            why = (
                f"for who sends by {kind} it asks the DNS more than {_MOST_VOID} times for what is "
                f"not there, the last time about {name}"
            )
            raise _EndedError(Spf.BROKEN, why, void=True)

    def _expanded(self, value: str, domain: str) -> str:
        """The domain of a term, with its macros expanded."""
        if "%" not in value:
            return value
        name = macros.expand(value, self._sender, domain, self._address)
        if not re.fullmatch(r"[!-~]{1,253}", name):
            raise _EndedError(Spf.BROKEN, f"{value} names no domain")
        return name.lower().rstrip(".")


def _read(record: str, domain: str) -> tuple[list[_Mechanism], str | None]:
    """The mechanisms up to `all`, and the domain of `redirect` that counts without one."""
    mechanisms: list[_Mechanism] = []
    redirects: list[str] = []
    for term in record.split(" ")[1:]:
        if not term:
            continue
        if modifier := _MODIFIER.fullmatch(term):
            if modifier["name"].lower() == "redirect":
                redirects.append(_domain(modifier["value"], term))
            continue
        mechanisms.append(_mechanism(term, domain))
    if len(redirects) > 1:
        raise _EndedError(Spf.BROKEN, f"{domain} has redirect= more than once")
    has_all = any(one.name == "all" for one in mechanisms)
    return mechanisms, redirects[0] if redirects and not has_all else None


def _mechanism(term: str, domain: str) -> _Mechanism:
    found = _NETWORK.fullmatch(term) or _TERM.fullmatch(term)
    if found is None:
        raise _EndedError(Spf.BROKEN, f"{domain} has a term that receivers do not know: {term}")
    parts = found.groupdict()
    name, value = parts["name"].lower(), parts["value"] or ""
    result = _BY_SIGN[parts["sign"] or "+"]
    four, six = (int((parts.get(key) or "").strip("/") or most) for key, most in _BITS)
    if name in {"ip4", "ip6"}:
        _network(name, value, term)
    elif value:
        value = _domain(value, term)
    elif name in {"include", "exists"}:
        raise _EndedError(Spf.BROKEN, f"{term} names no domain")
    if four > 32 or six > 128:  # noqa: PLR2004 - bits of an address
        raise _EndedError(Spf.BROKEN, f"{term} has more bits than an address")
    return _Mechanism(result, name, value, four, six)


_BITS = (("four", 32), ("six", 128))


def _network(name: str, value: str, term: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        network = None
    if network is None or f"ip{network.version}" != name:
        raise _EndedError(Spf.BROKEN, f"{term} is not a network")
    return network


def _domain(value: str, term: str) -> str:
    if "%" in value:
        return _with_macros(value, term)
    if not re.fullmatch(r"[\w.-]{1,253}", value, re.ASCII):
        raise _EndedError(Spf.BROKEN, f"{term} names no domain")
    return value.lower().rstrip(".")


def _with_macros(value: str, term: str) -> str:
    try:
        macros.check(value)
    except ValueError:
        raise _EndedError(Spf.BROKEN, f"{term} has a macro that there is not") from None
    except macros.UnknownMacroError:
        why = f"{term} asks for what only the receiver of a mail knows"
        raise _EndedError(Spf.UNJUDGED, why) from None
    return value
