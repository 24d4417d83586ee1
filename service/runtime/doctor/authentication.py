"""Whether receivers can prove who sends: SPF, names of addresses, DKIM, DMARC and alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address

from service.config.schema import Settings
from service.config.sections import Dkim
from service.errors import DnsError, MailError
from service.mail import personal
from service.mail.returned import return_path as return_paths
from service.mail.signing import keys
from service.mail.signing.keys import record_name
from service.runtime.doctor import dkim_record, dmarc, providers, spf
from service.runtime.doctor.diagnosis import Diagnosis, Level
from service.runtime.doctor.dmarc import Dmarc, is_aligned
from service.runtime.doctor.dns import Address, Resolver
from service.runtime.doctor.spf import Spf, SpfResult
from service.text.web.ip_literal import literal

DAY = timedelta(days=1)

_MOST_ADDRESSES = 8
"""Addresses of relays that are looked at."""

_WHO_SENDS = "name the addresses that mails leave from: `bantin doctor --sends-from ADDRESS`"

_ASK_AGAIN = "ask again, or another server: `bantin doctor --dns 1.1.1.1`"


@dataclass(frozen=True, slots=True)
class MailFlow:
    """Who sends and from where. Domains are in ASCII.

    `sender`: the domain of From; `return_path`: that of the SMTP envelope; `envelope`: an envelope
    sender as a mail has it. `addresses`: where
    mails leave from, as far as is known. `told`: an admin named them; else they are those of the
    relays' names.
    """

    sender: str
    return_path: str
    envelope: str
    dkim: Dkim | None
    addresses: tuple[Address, ...]
    told: bool


@dataclass(frozen=True, slots=True)
class Volume:
    """Domain -> mails taken within a day, and readers there."""

    mailed: dict[str, int]
    readers: dict[str, int]


async def flow_of(settings: Settings, resolver: Resolver, told: Sequence[Address]) -> MailFlow:
    """Who sends by this configuration, which has a `from`. Raises MailError for a bad one."""
    sender = personal.sender(settings)[1]
    bounces = settings.mail.bounces
    return_path = sender if bounces is None else personal.mailbox(bounces.address)[1]
    found = list(told)
    for relay in () if told else settings.mail.relay.values():
        address = literal(relay.host)
        try:
            found += [ip_address(str(address))] if address else await resolver.addresses(relay.host)
        except DnsError:
            continue  # the relay's own check says so
    public = tuple(one for one in dict.fromkeys(found) if told or one.is_global)
    return MailFlow(
        sender=sender.rpartition("@")[2],
        return_path=return_path.rpartition("@")[2],
        envelope=return_path if bounces is None else return_paths.sample(return_path),
        dkim=settings.mail.dkim,
        addresses=public if told else public[:_MOST_ADDRESSES],
        told=bool(told),
    )


async def judge_spf(flow: MailFlow, resolver: Resolver) -> Diagnosis:
    """Whether the domain of the return path lets these addresses send, and nobody else."""
    domain = flow.return_path
    nobody = await spf.evaluate(resolver, spf.NOWHERE, flow.envelope)
    everywhere = await spf.evaluate(resolver, spf.NOWHERE_V6, flow.envelope)
    for version, found in ((4, nobody), (6, everywhere)):
        wrong = _unsound(domain, found)
        if wrong is not None and (not found.void or _sends_by(flow, version)):
            return wrong
    sound = f"the record of {domain} is sound ({nobody.lookups} of {spf.MOST_LOOKUPS} lookups)"
    if not flow.addresses:
        return Diagnosis("spf", Level.UNKNOWN, f"{sound}; who sends is not known", _WHO_SENDS)
    for address in flow.addresses:
        refused = _refused(flow, address, await spf.evaluate(resolver, address, flow.envelope))
        if refused is not None:
            return refused
    allowed = ", ".join(map(str, flow.addresses))
    if nobody.result is Spf.NEUTRAL:
        said = f"{domain} lets {allowed} send, and says nothing of all others"
        return Diagnosis("spf", Level.WARNING, said, "end the record with ~all or -all")
    return Diagnosis("spf", Level.OK, f"{sound} and lets {allowed} send")


def _sends_by(flow: MailFlow, version: int) -> bool:
    """Whether mails leave by this version of IP, as far as is known; if nothing is, by IPv4."""
    return any(one.version == version for one in flow.addresses) or (
        not flow.addresses and version == 4  # noqa: PLR2004 - IPv4
    )


def _refused(flow: MailFlow, address: Address, found: SpfResult) -> Diagnosis | None:
    """What to say where this address may not send; None: it may."""
    if found.result is Spf.PASS:
        return None
    wrong = _unsound(flow.return_path, found)
    if wrong is not None:
        return wrong
    said = f"{flow.return_path} does not let {address} send: {found.result}"
    add = f'add ip{address.version}:{address}, or your provider\'s "include:", to the record'
    if flow.told:
        return Diagnosis("spf", Level.FAULT, said, add)
    said += ", to which a relay's name leads"
    return Diagnosis("spf", Level.WARNING, said, f"{add}; if mails leave elsewhere, {_WHO_SENDS}")


def _unsound(domain: str, found: SpfResult) -> Diagnosis | None:
    """What is wrong with the record, whoever sends."""
    match found.result:
        case Spf.NONE:
            remedy = f'publish a TXT record at {domain}, such as "v=spf1 mx ip4:ADDRESS ~all"'
            return Diagnosis("spf", Level.FAULT, f"{domain} has no SPF record", remedy)
        case Spf.BROKEN:
            said = f"receivers take the record of {domain} as broken: {found.why}"
            return Diagnosis("spf", Level.FAULT, said, f"correct the TXT record at {domain}")
        case Spf.UNANSWERED:
            return unanswered("spf", found.why)
        case Spf.UNJUDGED:
            said = f"the record of {domain} cannot be followed here: {found.why}"
            remedy = "look at the Authentication-Results header of a mail that has arrived"
            return Diagnosis("spf", Level.UNKNOWN, said, remedy)
        case Spf.PASS:
            said = f"the record of {domain} lets everybody send"
            remedy = "name your senders, and end the record with ~all or -all"
            return Diagnosis("spf", Level.FAULT, said, remedy)
        case _:
            return None


async def judge_names(flow: MailFlow, resolver: Resolver) -> Diagnosis:
    """Whether each address has a name that leads back to it: large providers refuse others."""
    if not flow.addresses:
        return Diagnosis("ptr", Level.UNKNOWN, "it is not known where mails leave", _WHO_SENDS)
    found: list[str] = []
    for address in flow.addresses:
        try:
            name, problem = await _name_of(address, resolver)
        except DnsError as error:
            return unanswered("ptr", str(error))
        if problem:
            level = Level.FAULT if flow.told else Level.WARNING
            remedy = "have who owns the address set its PTR record to the relay's name"
            return Diagnosis("ptr", level, problem, remedy)
        found.append(f"{address} is {name}")
    return Diagnosis("ptr", Level.OK, ", ".join(found))


async def _name_of(address: Address, resolver: Resolver) -> tuple[str, str]:
    """A name that leads back, and what is wrong where there is none."""
    names = await resolver.names_of(address)
    if not names:
        return "", f"{address} has no name (PTR)"
    for name in names:
        if address in await resolver.addresses(name):
            return name, ""
    return "", f"{address} has the name {names[0]}, which does not lead back to it"


async def judge_dkim(flow: MailFlow, resolver: Resolver) -> Diagnosis:
    """Whether the record in the DNS fits the key that signs."""
    if flow.dkim is None or flow.dkim.key.secret is None:
        said = "mails are not signed here; whether the relay signs them is not known"
        remedy = "make a key with `bantin mail keys`, or see a mail that has arrived"
        return Diagnosis("dkim", Level.WARNING, said, remedy)
    name = record_name(flow.dkim.selector, flow.dkim.domain)
    try:
        key = keys.read(flow.dkim.key.secret.reveal())
        return dkim_record.judge(name, await resolver.texts(name), key)
    except DnsError as error:
        return unanswered("dkim", str(error))
    except MailError as error:
        return Diagnosis("dkim", Level.FAULT, f"the key {error}", "make one: `bantin mail keys`")


async def judge_dmarc(flow: MailFlow, resolver: Resolver, volume: Volume) -> list[Diagnosis]:
    """The policy of the sender's domain, what is aligned with it, and how much mail needs it."""
    try:
        found = await dmarc.find(resolver, flow.sender)
    except DnsError as error:
        return [unanswered("dmarc", str(error)), judge_volume(volume, has_dmarc=None)]
    valid = found is not None and not found.problem
    return [
        _policy(flow.sender, found),
        _alignment(flow, found if found is not None else Dmarc("")),
        judge_volume(volume, has_dmarc=valid),
    ]


def _policy(domain: str, found: Dmarc | None) -> Diagnosis:
    remedy = (
        f"publish a TXT record at _dmarc.{domain}: "
        f'"v=DMARC1; p=none; rua=mailto:dmarc@{domain}"; later, p=quarantine'
    )
    if found is None:
        return Diagnosis("dmarc", Level.WARNING, f"{domain} has no DMARC record", remedy)
    if found.problem:
        return Diagnosis("dmarc", Level.WARNING, f"{found.name}: {found.problem}", remedy)
    reports = "" if found.reports else ", without an address for reports"
    return Diagnosis("dmarc", Level.OK, f"{found.name} asks for {found.policy}{reports}")


def _alignment(flow: MailFlow, policy: Dmarc) -> Diagnosis:
    by_spf = is_aligned(flow.return_path, flow.sender, strict=policy.strict_spf)
    if flow.dkim is None:
        if by_spf:
            said = "only the return path is aligned with From: forwarded mails fail DMARC"
        else:
            said = f"the return path at {flow.return_path} is not aligned with From"
        level = Level.WARNING if by_spf else Level.FAULT
        remedy = f"sign with a key of {flow.sender}: `bantin mail keys`"
        return Diagnosis("alignment", level, said, remedy)
    if not is_aligned(flow.dkim.domain, flow.sender, strict=policy.strict_dkim):
        strict = " (adkim=s wants the very same)" if policy.strict_dkim else ""
        said = (
            f"{flow.dkim.domain} signs mails from {flow.sender}, for which it cannot speak{strict}"
        )
        remedy = f'set [mail] dkim domain = "{flow.sender}", and publish the record there'
        return Diagnosis("alignment", Level.FAULT, said, remedy)
    also = " and the return path" if by_spf else ""
    return Diagnosis("alignment", Level.OK, f"the signature{also} is aligned with {flow.sender}")


def judge_volume(volume: Volume, *, has_dmarc: bool | None) -> Diagnosis:
    """Whether so much goes to one provider that it wants DMARC. `has_dmarc` None: who knows."""
    mailed, there = providers.largest(volume.mailed), providers.largest(volume.readers)
    if mailed is None and there is None:
        return Diagnosis("volume", Level.NONE, "nothing was mailed within a day; no readers yet")
    told = [] if mailed is None else [f"{mailed[1]} mails to {mailed[0]} within a day"]
    told += [] if there is None else [f"{there[1]} readers at {there[0]}"]
    said = "at most " + ", ".join(told)
    name, number = max(mailed or ("", 0), there or ("", 0), key=lambda one: one[1])
    if number < providers.MANY_A_DAY or has_dmarc:
        return Diagnosis("volume", Level.OK, said)
    said += f": {name} refuses or filters so many ({providers.MANY_A_DAY} a day) without DMARC"
    if has_dmarc is None:
        return Diagnosis("volume", Level.UNKNOWN, f"{said}, and the DNS does not say", _ASK_AGAIN)
    return Diagnosis("volume", Level.FAULT, said, "publish a DMARC record now")


def unanswered(check: str, why: str) -> Diagnosis:
    """The DNS did not help."""
    return Diagnosis(check, Level.UNKNOWN, why, _ASK_AGAIN)
