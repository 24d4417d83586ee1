"""Whether a page may be asked for, by its host's robots.txt (RFC 9309); feeds are never asked so.

known for a day -> judged at once ; else robots.txt is fetched first, in a turn of its own
2xx: its rules ; 4xx: all is allowed ; else nothing is for now, unless older rules are known
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from service.errors import FetchError, ForbiddenAddressError, HttpError, RobotsError
from service.net import robots
from service.net.access import Access
from service.net.client import Client
from service.store.core.database import Store
from service.store.core.threads import in_thread
from service.store.sources import robots_cache
from service.store.sources.robots_cache import CachedRobots

FRESH = timedelta(days=1)
"""For how long rules are believed, as RFC 9309 says at most."""

AGAIN = timedelta(minutes=30)
"""After which a robots.txt that could not be had is asked for again."""

GIVEN_UP = timedelta(days=30)
"""A robots.txt that could not be had for so long counts as none: RFC 9309, 2.3.1.4."""

_LARGEST = 4 * 1024 * 1024  # more is not robots.txt; of what comes only the beginning counts


@dataclass(frozen=True, slots=True)
class Permission:
    """`refusal`: why it may not be asked for, None: it may. `delay_s`: between two requests."""

    refusal: RobotsError | None = None
    delay_s: float = 0.0


class Permissions:
    """What the robots.txt of all hosts said, remembered in the store where there is one."""

    def __init__(
        self, client: Client, clock: Callable[[], datetime], store: Store | None = None
    ) -> None:
        self._client = client
        self._clock = clock
        self._store = store
        self._known: dict[str, CachedRobots] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def known(self, url: str) -> Permission | None:
        """Judge without asking anybody. None: its robots.txt must be fetched first."""
        try:
            place = robots.address(url)
        except ValueError:
            return Permission()  # no address of the Web: the client will say so
        said = await self._last(place)
        if said is None or self._clock() - said.asked_at >= (AGAIN if said.error else FRESH):
            return None
        return _judge(said, url, place, self._clock())

    async def rules(self, url: str) -> str:
        """The robots.txt of this address's host as it was last had; "" where there is none."""
        said = await self._last(robots.address(url))
        return (said.rules if said else None) or ""

    async def ask(
        self, url: str, allow: Sequence[str], access: Access | None, *, enters: bool = True
    ) -> Permission:
        """Fetch the robots.txt for this address, then judge.

        `allow`, `access`, `enters`: as for the page (`Client.get`). Raises ForbiddenAddressError.
        """
        place = robots.address(url)
        async with self._asking[place]:
            judged = await self.known(url)  # another page of that host may have been quicker
            if judged is not None:
                return judged
            said = await self._fetch(place, allow, access, enters=enters)
            if self._store is None:
                self._known[place] = said
            else:
                await in_thread(self._keep, self._store, place, said)
        return _judge(said, url, place, self._clock())

    async def _fetch(
        self, place: str, allow: Sequence[str], access: Access | None, *, enters: bool
    ) -> CachedRobots:
        now = self._clock()
        try:
            response = await self._client.get(
                place, limit=_LARGEST, allow=allow, access=access, enters=enters
            )
        except ForbiddenAddressError as error:
            # It says who asks, and nothing of the host: another source may stand there.
            raise ForbiddenAddressError(f"{place}: {error}") from error
        except FetchError as error:
            if isinstance(error, HttpError) and _is_absent(error.status):
                return CachedRobots(None, None, now)
            before = await self._last(place)
            since = before.failing_since if before else None
            return CachedRobots(before.rules if before else None, str(error), now, since or now)
        return CachedRobots(robots.text(response.body), None, now)

    async def _last(self, place: str) -> CachedRobots | None:
        if self._store is None:
            return self._known.get(place)
        return await in_thread(self._stored, self._store, place)

    @staticmethod
    def _stored(store: Store, place: str) -> CachedRobots | None:
        with store.read() as connection:
            return robots_cache.known(connection, place)

    @staticmethod
    def _keep(store: Store, place: str, said: CachedRobots) -> None:
        with store.write() as connection:
            robots_cache.keep(connection, place, said)


def _is_absent(status: int) -> bool:
    """4xx, except 429: a site that is asked too often does not mean that all is allowed."""
    is_about_us = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_about_us and status != HTTPStatus.TOO_MANY_REQUESTS


def _judge(said: CachedRobots, url: str, place: str, now: datetime) -> Permission:
    if said.rules is None:
        if said.error is None or (said.failing_since and now - said.failing_since >= GIVEN_UP):
            return Permission()
        reason = f"{place} cannot be had ({said.error}), so that no page is asked for until it can"
        return Permission(RobotsError(reason, for_now=True))
    delay_s = robots.delay_s(said.rules)
    if robots.allows(said.rules, url):
        return Permission(delay_s=delay_s)
    reason = f'{place} does not let "{robots.TOKEN}" ask for {url}'
    return Permission(RobotsError(reason, for_now=False), delay_s)


def forget_hosts(store: Store, now: datetime) -> None:
    """Drop the rules of hosts that have not been asked in a long time."""
    with store.write() as connection:
        robots_cache.forget(connection, now)
