"""What becomes of a whole site whose server said 429: all that we ask of it rests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from service.collect.politeness.site_rules import rules_of
from service.collect.schedule import next_poll
from service.collect.schedule.next_poll import Bounds
from service.config.schema import Settings
from service.errors import BantinError, HttpError
from service.store.core.database import Connection
from service.store.sources import article_page_queue
from service.store.sources.publisher_holds import put_off


class Sparing:
    """The sources of each site, as the TOML has them. `random` gives numbers in [0, 1)."""

    def __init__(self, settings: Settings, random: Callable[[], float]) -> None:
        self._settings = settings
        self._random = random

    def spare(
        self,
        connection: Connection,
        name: str,
        url: str,
        error: BantinError,
        now: datetime,
        *,
        itself: bool,
    ) -> datetime:
        """Leave the whole site of `url` alone, pages of articles too; returns until when.

        The server counts what it is asked, not for which source. `itself`: the source of this
        `name` as well, which has not been told by its own list.
        """
        asked = error.retry_after_s if isinstance(error, HttpError) else None
        until = next_poll.held_until(now, asked)
        others = [
            one for one in self._sites.get(self._site(name, url), ()) if itself or one != name
        ]
        told, collect = self._settings.source[name], self._settings.collect
        gap, interval = told.per_site or collect.per_site, told.interval or collect.interval
        floor = Bounds(interval.min, interval.max).floor
        crowd_s = max(len(others) * gap.delay, floor).total_seconds()
        put_off(
            connection,
            others,
            name,
            until,
            lambda due_at: next_poll.shifted(now, until, due_at, crowd_s, self._random()),
        )
        article_page_queue.put_off(connection, [name, *others], until)
        return until

    @cached_property
    def _sites(self) -> dict[str, list[str]]:
        """Groups by the addresses of the TOML: few sources move, and mostly within a site."""
        sites: dict[str, list[str]] = {}
        for name, told in self._settings.source.items():
            sites.setdefault(self._site(name, told.url), []).append(name)
        return sites

    def _site(self, name: str, url: str) -> str:
        return rules_of(self._settings, name).site(url)
