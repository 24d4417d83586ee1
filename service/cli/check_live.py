"""`bantin check --live`: each source is asked once, each relay logged in to, topics counted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from service.cli.output import printable, say
from service.collect.polling import dry_run
from service.collect.polling.dry_run import Tried
from service.collect.polling.poll import client_of
from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.curate.stored import LATEST, Fitting
from service.mail.trial import LoggedIn, log_in
from service.runtime.composition import fitting, readers, remembered, system_clock

_MARKS = {True: "ok", False: "FAIL", None: "-"}


@dataclass
class Tries:
    """What came of asking. `fits` None: there is no store yet, or no rule."""

    sources: list[Tried] = field(default_factory=list)
    relays: list[LoggedIn] = field(default_factory=list)
    fits: Fitting | None = None

    def run(self, settings: Settings, *, aloud: bool) -> None:
        """Ask, with a line for each answer where `aloud`."""
        asyncio.run(self._ask_sources(settings, aloud=aloud))
        asyncio.run(self._log_in(settings, aloud=aloud))
        self.fits = fitting(settings)
        if self.fits is not None and aloud:
            _tell_topics(self.fits)

    @property
    def fine(self) -> bool:
        """Whether no source and no relay failed."""
        sources = all(one.ok is not False for one in self.sources)
        return sources and all(one.ok for one in self.relays)

    def as_json(self) -> dict[str, object]:
        """What `--json` prints."""
        topics = self.fits.topics if self.fits is not None else {}
        return {
            "sources": [dry_run.as_json(one) for one in self.sources],
            "relays": [{"id": one.name, "ok": one.ok, "said": one.said} for one in self.relays],
            "topics": [{"id": name, "match": number} for name, number in topics.items()],
            "stored": None if self.fits is None else self.fits.stored,
        }

    async def _ask_sources(self, settings: Settings, *, aloud: bool) -> None:
        def tell(one: Tried) -> None:
            self.sources.append(one)
            if aloud:
                say(f"{_MARKS[one.ok]:4}  {one.name}: {printable(one.said)}")

        known = await asyncio.to_thread(remembered, settings)
        people = await asyncio.to_thread(readers, settings)
        async with client_of(settings, system_clock, people) as client, Parsers() as parsers:
            await dry_run.try_all(settings, client, parsers, system_clock, tell, known)
        order = {name: place for place, name in enumerate(settings.source)}
        self.sources.sort(key=lambda one: order[one.name])

    async def _log_in(self, settings: Settings, *, aloud: bool) -> None:
        def tell(one: LoggedIn) -> None:
            self.relays.append(one)
            if aloud:
                say(f"{_MARKS[one.ok]:4}  relay {one.name}: {printable(one.said)}")

        await log_in(settings, tell)


def _tell_topics(fits: Fitting) -> None:
    for name, number in fits.topics.items() if fits.stored else ():
        say(f"{_MARKS[True if number else None]:4}  {name}: {_matches(number, fits.stored)}")


def _matches(number: int, stored: int) -> str:
    if stored < LATEST:
        return f"{number} of {stored} stored articles match"
    return f"{number} of the latest {stored} stored articles match"
