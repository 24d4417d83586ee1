"""The guided tour: the whole way on the demo's publisher, offline, in a folder of its own.

    yesterday: collect ─> people sign up ─> today: collect ─> publish ─> plan ─> mail

Yesterday and today are instants before the digest's last cut, so that today's news are news to
anybody who signed up yesterday. A second run finds everything told: it adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from service.audience import people
from service.demo.content import Content
from service.demo.folder import Place, shipped_feeds
from service.demo.publisher import Publisher
from service.publish.static import write_site
from service.runtime import pipeline
from service.runtime.composition import Clock, Service, open_service
from service.store import status_counts
from service.store.core.database import Store
from service.web.subscriber.rhythms import previous_cut

DIGEST = "diem-tin"

READERS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    # address, topics (none: all), language
    ("lan@trung-du.example", (), "vi"),
    ("minh@trung-du.example", ("giao-duc", "y-te"), "vi"),
    ("nam@river.example", ("in-english",), "en"),
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Totals:
    """What stands in the store after the tour, and where things are."""

    sources: int
    failed: int
    entries: int
    articles: int
    topics: dict[str, int]
    feeds: tuple[str, ...]
    deliveries: dict[str, int]
    outbox: Path


class Tour:
    """One demo folder, opened. `close()` it at the end."""

    def __init__(self, place: Place, environ: Mapping[str, str], clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._pretended: datetime | None = None
        self.service: Service = open_service(place.config, environ, self._now, retire=True)
        content = Content(shipped_feeds() / "demo", place.publisher_url, place.days)
        self.publisher = Publisher(content, place.publisher)

    def _now(self) -> datetime:
        return self._pretended or self._clock()

    async def walk(self, say: Say) -> Totals:
        """The whole way once. The publisher must have been started."""
        if self._is_new():
            say("Yesterday: what the sources already have is stored and shown, it is not news.")
            self._pretended = self._place.days.yesterday
            await self._collect(say)
            self._sign_up(say)
            self._pretended = self._place.days.today
        say("Today:")
        self.publisher.turn_to_today()
        await self._collect(say)
        await pipeline.judge_stories(self.service)
        await pipeline.mark_hot(self.service)  # while today is now
        self._pretended = None
        await pipeline.publish_stale(self.service)
        await pipeline.plan(self.service)
        await pipeline.send(self.service)
        written = write_site(
            self.service.store,
            self.service.settings,
            self.service.renderer,
            self.site_folder,
        )
        say(f"  wrote {written.new + written.changed} files of the site, for any web server")
        return self.totals()

    @property
    def site_folder(self) -> Path:
        return self.service.settings.root / "site"

    def close(self) -> None:
        self.service.close()

    def _is_new(self) -> bool:
        with self.service.store.read() as connection:
            return all(row.entries == 0 for row in status_counts.sources(connection))

    async def _collect(self, say: Say) -> None:
        done = await pipeline.collect(self.service, list(self.service.settings.source))
        say(f"  collected {done.ok} of {done.tried} sources: {done.entries_new} new entries")
        for name, error in sorted(done.failed.items()):
            say(f"  {name}: {error} (it is tried again; the others go on)")

    def _sign_up(self, say: Say) -> None:
        for address, topics, language in READERS:
            people.add(
                self.service.store,
                self.service.settings,
                self._now(),
                address=address,
                digest=DIGEST,
                topics=topics,
                language=language,
                evidence="the demo",
                previous_cut=previous_cut(self.service.settings),
            )
        say(f"  {len(READERS)} readers subscribe")

    def totals(self) -> Totals:
        """Counted in the store, whatever this run added."""
        store: Store = self.service.store
        with store.read() as connection:
            sources = status_counts.sources(connection)
            return Totals(
                sources=len(sources),
                failed=sum(1 for row in sources if row.failures),
                entries=sum(row.entries for row in sources),
                articles=status_counts.articles(connection),
                topics={row.name: row.articles for row in status_counts.topics(connection)},
                feeds=tuple(str(path) for path in sorted((self.site_folder / "feeds").iterdir())),
                deliveries=status_counts.deliveries(connection),
                outbox=self.service.settings.var / "outbox",
            )
