"""Questions to the DNS, each with a deadline. What a name does not have is an empty list.

Names and texts come from strangers: nobody here believes that they are names, short, or text.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

from service.errors import DnsError

Address = IPv4Address | IPv6Address

SECONDS = 5.0
"""How long a question may take, with its repetitions."""

_MOST_RECORDS = 50
"""Records of one answer that are looked at."""


_ADDRESSES = {4: dns.rdatatype.A, 6: dns.rdatatype.AAAA}


class Resolver:
    """Asks the system's DNS servers, or those named."""

    def __init__(
        self, servers: Sequence[tuple[str, int]] | None = None, seconds: float = SECONDS
    ) -> None:
        """`servers`: (IP address, port) of each; None: the system's. Raises DnsError."""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=servers is None)
        except (dns.exception.DNSException, OSError) as error:
            raise DnsError(f"this machine names no DNS server: {error}") from error
        if servers is not None:
            self._resolver.nameservers = [
                dns.nameserver.Do53Nameserver(host, port) for host, port in servers
            ]
        self._seconds = seconds

    async def texts(self, name: str) -> list[str]:
        """TXT records, the strings of each joined without a blank (RFC 7208 3.3, RFC 6376)."""
        found = await self._ask(name, dns.rdatatype.TXT)
        records = [one for one in found if isinstance(one, TXT)]
        return [b"".join(one.strings).decode("utf-8", "replace") for one in records]

    async def addresses(self, name: str, versions: Sequence[int] = (4, 6)) -> list[Address]:
        """A and AAAA records, or those of one version of IP alone."""
        kinds = [_ADDRESSES[version] for version in versions]
        return [ip_address(str(one)) for kind in kinds for one in await self._ask(name, kind)]

    async def exchangers(self, name: str) -> list[str]:
        """MX hosts, the most preferred first; "" is that of a domain without mail (RFC 7505)."""
        found = await self._ask(name, dns.rdatatype.MX)
        records = sorted((one for one in found if isinstance(one, MX)), key=_preference)
        return [_plain(one.exchange) for one in records]

    async def names_of(self, address: Address) -> list[str]:
        """PTR records."""
        reverse = dns.reversename.from_address(str(address)).to_text()
        found = await self._ask(reverse, dns.rdatatype.PTR)
        return [_plain(one.target) for one in found if isinstance(one, PTR)]

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> list[object]:
        """Raises DnsError where there is no answer, or none that can be understood."""
        try:
            wanted = dns.name.from_text(name)
            answer = await self._resolver.resolve(
                wanted, kind, raise_on_no_answer=False, lifetime=self._seconds, search=False
            )
        except dns.resolver.NXDOMAIN:
            return []
        except dns.resolver.LifetimeTimeout:
            raise DnsError(f"the DNS gave no answer about {name} in {self._seconds:g} s") from None
        except dns.resolver.NoNameservers:
            raise DnsError(f"no DNS server could answer about {name}") from None
        except (dns.exception.DNSException, OSError, ValueError, EOFError) as error:
            raise DnsError(f"the DNS cannot be asked about {name!r}: {error}") from error
        return list(answer.rrset or ())[:_MOST_RECORDS]


def _preference(record: MX) -> int:
    return int(record.preference)


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower().rstrip(".")
