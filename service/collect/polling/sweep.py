"""One sweep over sources that are wanted: turns, claims, fetches, readings, one writer.

Waiting --turn--> claim --lease--> fetch --body--> read --result--> queue --> writer --> recorded
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import inf

import structlog

from service.collect.politeness.fetch import Fetch
from service.collect.politeness.site_rules import rules_of
from service.collect.politeness.site_turns import Turns
from service.collect.polling import continuation, request
from service.collect.polling.backpressure import Bodies
from service.collect.polling.continuation import Visit
from service.collect.polling.counts import PassCounts, Progress
from service.collect.polling.dispatcher import Dispatcher, Rest, Turn
from service.collect.polling.record import Recorded, Recorder
from service.collect.polling.request import Asked, Failed, FetchedBody, PolledDocument, Unchanged
from service.collect.polling.results import Results
from service.collect.schedule import outcome
from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask
from service.config.schema import Settings
from service.curate.rules.matcher import Matcher
from service.errors import BantinError, first_of
from service.store.core.database import Store
from service.store.core.lease import Lease, Term, in_hand
from service.store.core.threads import in_thread
from service.store.sources import polling_queue
from service.store.sources.polling_queue import ClaimedSource, Due

_log = structlog.get_logger("collect")

_Item = Due | ClaimedSource | Visit


@dataclass(frozen=True, slots=True)
class PassDependencies:
    """What a pass works with. `owner`: one start of one process. `term`: of its leases."""

    store: Store
    settings: Settings
    clock: Callable[[], datetime]
    owner: str
    term: Term
    fetch: Fetch
    parsers: Parsers
    matcher: Matcher
    rules: bytes  # the same, packed for workers
    recorder: Recorder
    turns: Turns

    def in_hand(self, lease: Lease, keys: Collection[int]) -> AbstractAsyncContextManager[None]:
        """Keep these rows, which may change meanwhile; see `lease.in_hand`."""
        return in_hand(self.store, lease, self.owner, keys, self.clock, self.term)


class Sweep:
    """The state of one pass over sources.

    `counts`: what came out; `elsewhere`: what another process holds; `spared`: what was not asked,
    since its site said that it is asked too much.
    """

    def __init__(
        self, dependencies: PassDependencies, *, at_once: bool, progress: Progress | None
    ) -> None:
        self.at_once = at_once
        self.counts = PassCounts()
        self.elsewhere: list[str] = []
        self.spared: list[str] = []
        self._dependencies = dependencies
        self._store = dependencies.store
        self._settings = dependencies.settings
        self._clock = dependencies.clock
        self._parsers = dependencies.parsers
        self._rules = dependencies.rules
        self._progress = progress
        self._results = Results()
        self._bodies = Bodies()
        self._held: set[int] = set()
        self._total = 0
        sites = dependencies.fetch.sites
        self._dispatcher = Dispatcher[_Item](sites, self._ask, self._bodies, claim=self._claim)

    def want(self, wanted: Sequence[Due]) -> None:
        """Line up what is to be asked; each is let go when it is."""
        self._total += len(wanted)
        for source in wanted:
            self._dispatcher.add(source.url, rules_of(self._settings, source.name), source)

    async def run(self, at_most_s: float | None) -> None:
        """Ask each once. Raises StoreError; what is not settled is given back."""
        now_s = asyncio.get_running_loop().time()
        until_s = inf if at_most_s is None else now_s + at_most_s
        self._dependencies.fetch.sites.forget(now_s)
        record = self._dependencies.recorder.record
        async with self._dependencies.in_hand(polling_queue.LEASE, self._held):
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._results.write(record, self._settled))
                    await self._dispatcher.run(until_s)
                    # What waits for its turn is still due, and nobody's; what was read is kept.
                    for visit in self._dispatcher.withdraw(Visit):
                        await self._results.put(continuation.end(visit))
                    await self._results.end()
            except ExceptionGroup as errors:
                raise first_of(errors) from errors

    @property
    def left(self) -> int:
        """How many were left for the next pass."""
        return len(self._dispatcher) + len(self.spared)

    async def _claim(self, turn: Sequence[Turn[_Item]]) -> Sequence[_Item | None]:
        dues = [(site, item) for site, item in turn if isinstance(item, Due)]
        found, foreign = await in_thread(self._claim_due, dues) if dues else ([], set[str]())
        mine = {one.id: one for one in found}
        items = [mine.get(item.id) if isinstance(item, Due) else item for _, item in turn]
        for site, source in dues:
            if source.id not in mine:
                self.elsewhere.append(source.name)
                if site in foreign:
                    self.elsewhere += await self._leave(site)
                self._tell()
        return items

    def _claim_due(self, turn: list[tuple[str, Due]]) -> tuple[list[ClaimedSource], set[str]]:
        """What is ours now, and the sites that another process is asking just now."""
        now = self._clock()
        until = now + self._dependencies.term.lasts
        spaced = [] if self.at_once else turn  # a person need not wait
        with self._store.write() as connection:
            foreign = self._dependencies.turns.take(connection, spaced, now, until)
            wanted = [source for site, source in turn if site not in foreign]
            claimed = polling_queue.claim(
                connection, wanted, self._dependencies.owner, now, until, at_once=self.at_once
            )
        self._held.update(source.id for source in claimed)
        # Renamed since the pass began: its settings are not ours. It is given back at the end.
        return [source for source in claimed if source.name in self._settings.source], foreign

    async def _ask(self, site: str, item: _Item) -> Rest | None:
        if isinstance(item, Visit):
            return await self._ask_further(site, item)
        assert isinstance(item, ClaimedSource)  # what was due has been claimed
        return await self._ask_source(site, item)

    async def _ask_source(self, site: str, claimed: ClaimedSource) -> Rest | None:
        """Fetch one source; it is read, if there is something to read, once the site is free."""
        result: Failed | Unchanged | FetchedBody | None
        asked = request.asked_of(claimed, self._settings, site=site, again=self.at_once)
        room = partial(self._bodies.grow, claimed.id)
        try:
            result = await request.ask(self._dependencies.fetch, asked, self._clock, room)
            if isinstance(result, FetchedBody):
                await self._bodies.take(claimed.id, len(result.response.body))
            elif isinstance(result, Failed):
                await self._spare_if_too_many(site, result.error)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not cost the other sources
            result = request.unexpected(claimed, error)
        if result is None:
            self._dispatcher.again(site, claimed)
            return None
        return partial(self._finish, asked, result)

    async def _finish(self, asked: Asked, result: Failed | Unchanged | FetchedBody) -> None:
        """Read what came, and hand it over, or go on beyond a source's first document."""
        ended: Failed | Unchanged | PolledDocument
        try:
            if isinstance(result, FetchedBody):
                before = await request.remembered(self._store, asked.claimed)
                ended = await request.read(self._parsers, result, self._rules, before)
            else:
                ended = result
            if isinstance(ended, PolledDocument) and asked.kind.further is not None:
                self._bodies.leave(asked.claimed.id)  # a visit takes long, and keeps entries alone
                visit = await self._visit(asked, ended)
                if isinstance(visit, Visit):
                    await self._go_on(visit)
                    return
                ended = visit
        except Exception as error:  # noqa: BLE001 - as above
            ended = request.unexpected(asked.claimed, error)
        await self._results.put(ended)

    async def _visit(self, asked: Asked, read: PolledDocument) -> Visit | Failed:
        pages = self._settings.source[asked.claimed.name].pages
        known = continuation.known_of(self._store, asked.claimed)
        now_s = asyncio.get_running_loop().time()
        return await in_thread(continuation.begin, asked, read, pages, known, now_s)

    async def _go_on(self, visit: Visit) -> None:
        """Wait for another turn, before the site's other sources, or hand over what there is."""
        if visit.goes_on(asyncio.get_running_loop().time()):
            asked = visit.asked
            self._dispatcher.add(asked.claimed.address, asked.rules, visit, first=True)
        else:
            await self._results.put(continuation.end(visit))

    async def _ask_further(self, site: str, visit: Visit) -> Rest | None:
        """One further document of a source that is held."""
        came: ParseTask | BantinError | None
        try:
            came = await continuation.ask(self._dependencies.fetch, visit, self._rules, self._clock)
            if isinstance(came, BantinError):
                await self._spare_if_too_many(site, came)
        except Exception as error:  # noqa: BLE001 - what was read before must not be lost for it
            came = request.unexpected(visit.asked.claimed, error).error
        if came is None:
            self._dispatcher.again(site, visit)
            return None
        return partial(self._take_further, visit, came)

    async def _take_further(self, visit: Visit, came: ParseTask | BantinError) -> None:
        """Read it, and add it to what came before."""
        known = continuation.known_of(self._store, visit.asked.claimed)
        try:
            parsed = None
            if isinstance(came, ParseTask):
                parsed = await continuation.read(self._parsers, visit, came)
            visit = await in_thread(continuation.take, visit, parsed, known)
        except Exception as error:  # noqa: BLE001 - as above
            request.unexpected(visit.asked.claimed, error)
            visit = replace(visit, wanted=())
        await self._go_on(visit)

    async def _spare_if_too_many(self, site: str, error: BantinError) -> None:
        if outcome.is_too_many(error):
            self.spared += await self._leave(site)

    async def _leave(self, site: str) -> list[str]:
        """Ask a site no more in this pass. Returns the sources that waited for it."""
        left: list[str] = []
        for item in self._dispatcher.drop(site):
            if isinstance(item, Visit):
                await self._results.put(continuation.end(item))
            else:
                left.append(item.name)
        return left

    def _settled(self, recorded: Recorded) -> None:
        if not recorded.lost:  # else the lease of another, or of the old address, is given back
            self._held.discard(recorded.source.id)
        self.counts.count(recorded)
        self._bodies.leave(recorded.source.id)
        self._dispatcher.wake()  # there may be room for more fetches now
        self._tell()
        _log.info("source", **recorded.told())

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.counts.tried + len(self.elsewhere), self._total)
