"""Everything that `bantin doctor` looks at, at once; each part may fail without the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from service.collect.polling.poll import client_of
from service.errors import BantinError, MailError
from service.newsletter.previews.preview import preview
from service.runtime import disk, machine_clock
from service.runtime.composition import Service
from service.runtime.doctor import authentication, machine, mail_size, reach
from service.runtime.doctor.authentication import DAY, Volume
from service.runtime.doctor.diagnosis import Diagnosis, Level
from service.runtime.doctor.dns import Address, Resolver
from service.store.mailing import volumes

_LONGEST_S = 90.0
"""For one part, whatever answers a little at a time."""


async def examine(
    service: Service, resolver: Resolver, sends_from: Sequence[Address] = ()
) -> list[Diagnosis]:
    """What there is to say of the mail of this service. Reads the store and writes nothing.

    `sends_from`: the addresses that mails leave from, where an admin names them.
    """
    settings = service.settings
    agent = client_of(settings, service.clock).user_agent
    async with reach.client_for(agent) as client:
        parts = await asyncio.gather(
            _part("spf", _authentication(service, resolver, sends_from)),
            _part("relay", reach.judge_relays(settings, service.clock())),
            _part("one-click", reach.judge_one_click(settings, client, service.clock())),
        )
    found = [one for part in parts for one in part]
    return [*found, *await asyncio.to_thread(_here, service)]


async def _part(check: str, work: Awaitable[list[Diagnosis]]) -> list[Diagnosis]:
    try:
        async with asyncio.timeout(_LONGEST_S):
            return await work
    except TimeoutError:
        said = f"there was no end of it within {_LONGEST_S:.0f} s"
    except BantinError as error:
        said = f"it could not be found out: {error}"
    return [Diagnosis(check, Level.UNKNOWN, said, "ask again later")]


async def _authentication(
    service: Service, resolver: Resolver, sends_from: Sequence[Address]
) -> list[Diagnosis]:
    settings = service.settings
    volume = await asyncio.to_thread(_volume, service)
    if settings.mail.from_ is None:
        said = "[mail] from is not written: no domain sends"
        return [Diagnosis("sender", Level.NONE, said)]
    try:
        flow = await authentication.flow_of(settings, resolver, sends_from)
    except MailError as error:
        return [Diagnosis("sender", Level.FAULT, str(error), "correct [mail] from")]
    parts = await asyncio.gather(
        _part("spf", _alone(authentication.judge_spf(flow, resolver))),
        _part("ptr", _alone(authentication.judge_names(flow, resolver))),
        _part("dkim", _alone(authentication.judge_dkim(flow, resolver))),
        _part("dmarc", authentication.judge_dmarc(flow, resolver, volume)),
    )
    return [one for part in parts for one in part]


async def _alone(work: Awaitable[Diagnosis]) -> list[Diagnosis]:
    return [await work]


def _volume(service: Service) -> Volume:
    with service.store.read() as connection:
        mailed = volumes.accepted_since(connection, service.clock() - DAY)
        return Volume(dict(mailed), dict(volumes.readers(connection)))


def _here(service: Service) -> list[Diagnosis]:
    folders = disk.folders(service.settings)
    return [
        machine.judge_clock(follows=machine.synchronized(), ahead_s=machine_clock.ahead_s(service)),
        *machine.judge_disk(folders, [disk.free(one) for one in folders]),
        *(_size(service, digest) for digest in service.settings.digest),
    ]


def _size(service: Service, digest: str) -> Diagnosis:
    try:
        found = preview(
            service.store, service.settings, service.renderer, service.clock(), digest, sample=True
        )
    except BantinError as error:
        said = f"{digest} cannot be made: {error}"
        return Diagnosis("size", Level.FAULT, said, f"see `bantin digest preview {digest}`")
    return mail_size.judge(digest, found.message)
