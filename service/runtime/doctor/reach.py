"""What others reach and we reach: relays with their encryption, and our own one-click address."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from aiohttp.abc import AbstractResolver

from service.config.schema import Settings
from service.errors import FetchError, HttpError
from service.mail import personal
from service.mail.trial import LoggedIn, log_in
from service.net import guard
from service.net.client import Client
from service.net.limits import FetchLimits
from service.runtime.doctor.diagnosis import Diagnosis, Level
from service.web.subscriber.unsubscribe import ACTS_ON_NOBODY

_RUNS_OUT_WITHIN = timedelta(days=14)
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_LIMITS = FetchLimits(redirects=0, total_s=20.0)

CLOCK_OFF = timedelta(seconds=60)
"""Dates of mails, certificates and `t=` of signatures are judged by receivers' clocks."""


async def judge_relays(settings: Settings, now: datetime) -> list[Diagnosis]:
    """Each relay: does it answer, is what is said to it encrypted, and how long yet."""
    if not settings.mail.relay:
        said = "no relay is configured: mails stay in var/outbox"
        return [Diagnosis("relay", Level.NONE, said)]
    heard: list[LoggedIn] = []
    await log_in(settings, heard.append)
    return [_relay(one, now) for one in heard]


def _relay(one: LoggedIn, now: datetime) -> Diagnosis:
    said = f"{one.name}: {one.said}"
    if not one.ok:
        return Diagnosis(
            "relay", Level.FAULT, said, f"correct [mail] relay.{one.name}, or the relay"
        )
    if one.tls is None and not one.here:
        remedy = f'set security = "starttls" in [mail] relay.{one.name}'
        return Diagnosis("relay", Level.FAULT, f"{said}: others can read the mails", remedy)
    if one.until is not None and one.until - now < _RUNS_OUT_WITHIN:
        said += f"; its certificate ends on {one.until:%Y-%m-%d}"
        return Diagnosis("relay", Level.WARNING, said, "have the relay's certificate renewed")
    return Diagnosis("relay", Level.OK, f"{said}, {one.tls}" if one.tls else said)


def client_for(agent: str, resolver: AbstractResolver | None = None) -> Client:
    """The client for our own address, wherever that leads, which follows no redirect.

    `resolver` replaces the system's (tests).
    """
    return Client(agent, _EVERYWHERE, limits=_LIMITS, resolver=resolver)


async def judge_one_click(settings: Settings, client: Client, now: datetime) -> list[Diagnosis]:
    """POST to our own public address, as a mail program would; and what its clock shows."""
    base = settings.site.base_url
    if base is None or guard.is_loopback(personal.host(settings)):
        said = "base_url is not public: nobody can unsubscribe with one click"
        level = Level.FAULT if settings.mail.relay else Level.NONE
        return [Diagnosis("one-click", level, said, "set [site] base_url to the public address")]
    url = base.rstrip("/") + personal.unsubscribe_path(personal.NOBODYS_TOKEN)
    form = {"List-Unsubscribe": "One-Click"}
    try:
        answer = await client.post(url, form)
    except FetchError as error:
        return [_not_reached(url, error)]
    if answer.status != 200 or answer.body != ACTS_ON_NOBODY.encode():  # noqa: PLR2004 - HTTP
        said = f"POST {url} is answered by something else ({answer.status})"
        remedy = "let the proxy pass POST /unsubscribe/… on to this service, and let it run"
        return [Diagnosis("one-click", Level.FAULT, said, remedy)]
    return [
        Diagnosis("one-click", Level.OK, f"POST {base}/unsubscribe/… works, without a redirect"),
        *_clock(answer.headers.get("date", ""), now),
    ]


def _not_reached(url: str, error: FetchError) -> Diagnosis:
    remedy = "see that the service runs, and that the proxy passes /unsubscribe/… on"
    if "redirect" in str(error):
        remedy = "write the address that it leads to as base_url: RFC 8058 forbids a redirect"
    elif "not known to DNS" in str(error):
        remedy = "publish an A or AAAA record for the name in base_url, or correct base_url"
    elif isinstance(error, HttpError):
        remedy = "let the proxy pass POST /unsubscribe/… on, without a login or a challenge"
    return Diagnosis("one-click", Level.FAULT, f"POST {url}: {error}", remedy)


def _clock(written: str, now: datetime) -> list[Diagnosis]:
    """What the Date of the answer shows, where it is far off: a proxy may be another machine."""
    try:
        off = now - parsedate_to_datetime(written)
    except (TypeError, ValueError):
        return []
    if abs(off) < CLOCK_OFF:
        return []
    said = f"the clock differs by {round(abs(off).total_seconds())} s from that behind base_url"
    return [Diagnosis("clock", Level.FAULT, said, "let both machines take their time from NTP")]
