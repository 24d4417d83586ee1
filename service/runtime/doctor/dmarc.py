"""What a domain asks of receivers whose checks fail: DMARC (RFC 7489). And what is aligned."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.runtime.doctor import tag_list
from service.runtime.doctor.dns import Resolver
from service.text.web.sites import site_of

POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Dmarc:
    """A record. `name`: where it stands. `policy`: what it asks for mails of the domain.

    `problem`: why receivers do as if there were none; else "". `strict_dkim`, `strict_spf`: only
    the very same domain is aligned.
    """

    name: str
    policy: str = ""
    strict_dkim: bool = False
    strict_spf: bool = False
    reports: bool = False
    problem: str = ""


def organization(domain: str) -> str:
    """The domain that an office registered, by the Public Suffix List: `bao.com.vn`."""
    return site_of(f"https://{domain}/")


def is_aligned(one: str, sender: str, *, strict: bool) -> bool:
    """Whether a domain that was proven speaks for the domain of `From` (RFC 7489 3.1)."""
    if strict:
        return one == sender
    return organization(one) == organization(sender)


async def find(resolver: Resolver, domain: str) -> Dmarc | None:
    """The record of the domain, else that of its organization; None: there is none.

    Raises DnsError.
    """
    own = await _at(resolver, domain, inherited=False)
    if own is not None:
        return own
    above = organization(domain)
    return None if above == domain else await _at(resolver, above, inherited=True)


async def _at(resolver: Resolver, domain: str, *, inherited: bool) -> Dmarc | None:
    name = f"_dmarc.{domain}"
    texts = await resolver.texts(name)
    records = [one for one in texts if re.match(r"v\s*=\s*DMARC1\s*(;|$)", one)]
    if not records:
        return None
    if len(records) > 1:
        return Dmarc(name, problem=f"there are {len(records)} records, of which none counts")
    return _read(name, records[0], inherited=inherited)


def _read(name: str, record: str, *, inherited: bool) -> Dmarc:
    tags = tag_list.read(record)
    if tags is None:
        return Dmarc(name, problem="the record cannot be read")
    written = tags.get("sp", tags.get("p", "")) if inherited else tags.get("p", "")
    policy = written.lower()
    if policy not in POLICIES:
        said = f"p={written}" if written else "no p="
        return Dmarc(name, problem=f"the record has {said}: p= is none, quarantine or reject")
    return Dmarc(
        name,
        policy,
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        strict_spf=tags.get("aspf", "r").lower() == "s",
        reports=bool(tags.get("rua")),
    )
