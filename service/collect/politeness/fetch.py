"""The one polite fetch: what robots.txt says, the site's pace, the bytes, where redirects lead.

page? -> robots.txt unknown: this turn is spent on it ; forbidden: RobotsError ; else get
-> led to another host? its robots.txt is asked too

The caller has the site's turn (`rate_limit`). Feeds and sitemaps are there to be asked for, so
robots.txt is about pages alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from service.collect.politeness.rate_limit import Sites
from service.collect.politeness.robots import Permission, Permissions
from service.collect.politeness.site_rules import SiteRules
from service.net import robots
from service.net.answers import Response
from service.net.client import Client, Room
from service.store.core.database import Store


class Fetch:
    """A client that keeps the rules of the sites it asks. Tasks may share it."""

    def __init__(
        self,
        client: Client,
        clock: Callable[[], datetime],
        sites: Sites | None = None,
        store: Store | None = None,
    ) -> None:
        """`sites`: what others have asked lately. `store`: where what robots.txt says is kept."""
        self.client = client
        self.permissions = Permissions(client, clock, store)
        self.sites = sites or Sites()

    async def get(
        self,
        url: str,
        rules: SiteRules,
        *,
        page: bool,
        site: str | None = None,
        named: bool = False,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - of the client, for the whole fetch
        room: Room | None = None,
    ) -> Response | None:
        """The answer; None: the turn went to robots.txt, so that `url` needs another one.

        `page`: robots.txt must let us. `site`: whose turn it is, None = that of `url`. `named`: a
        document named `url`, to whom the source's networks may not be open (`SiteRules.enters`).
        The rest is `Client.get`'s. Raises FetchError and its kinds, RobotsError among them.
        """
        if page and not await self.is_permitted(url, rules, site):
            await self.ask_robots(url, rules, site, named=named)
            return None
        response = await self.client.get(
            url,
            headers=headers,
            timeout=timeout,
            allow=rules.allowed,
            access=rules.access,
            room=room,
            enters=not named or rules.enters(url),
        )
        is_elsewhere = robots.address(response.url) != robots.address(url)
        if page and is_elsewhere and not await self.is_permitted(response.url, rules):
            # Another host has rules of its own, inside where it stands inside itself.
            await self._ask_robots(response.url, rules, None, enters=response.inside)
        return response

    async def is_permitted(self, url: str, rules: SiteRules, site: str | None = None) -> bool:
        """Judge without asking anybody. False: robots.txt must be asked first.

        Raises RobotsError where the page may not be asked for.
        """
        known = await self.permissions.known(url)
        if known is not None:
            self._heed(known, site or rules.site(url))
        return known is not None

    async def ask_robots(
        self, url: str, rules: SiteRules, site: str | None = None, *, named: bool = False
    ) -> None:
        """Ask the robots.txt of this address. Raises RobotsError where it does not let us."""
        await self._ask_robots(url, rules, site, enters=not named or rules.enters(url))

    async def _ask_robots(
        self, url: str, rules: SiteRules, site: str | None, *, enters: bool
    ) -> None:
        permission = await self.permissions.ask(url, rules.allowed, rules.access, enters=enters)
        self._heed(permission, site or rules.site(url))

    def _heed(self, permission: Permission, site: str) -> None:
        self.sites.slow_down(site, permission.delay_s)
        if permission.refusal is not None:
            raise permission.refusal
