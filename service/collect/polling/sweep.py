"""One sweep over sources that are wanted: turns, claims, fetches, readings, one writer.

Waiting --turn--> claim --lease--> fetch --body--> read --result--> queue --> writer --> recorded
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import inf

import structlog

from service.collect.politeness import site_rules
from service.collect.politeness.rate_limit import Gap, RequestQueue, Sites
from service.collect.politeness.robots import Permission, Permissions
from service.collect.politeness.site_turns import Turns
from service.collect.polling import continuation, request
from service.collect.polling.backpressure import Bodies
from service.collect.polling.continuation import Visit
from service.collect.polling.counts import PassCounts, Progress
from service.collect.polling.record import Recorded, Recorder
from service.collect.polling.request import Asked, Failed, FetchedBody, PolledDocument, Unchanged
from service.collect.polling.results import Results
from service.collect.schedule import outcome
from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask
from service.config.schema import Settings
from service.curate.rules import packed
from service.errors import BantinError, first_of
from service.model import SourceKind
from service.net.client import Client
from service.store.core.database import Connection, Store
from service.store.core.lease import TERM, Term
from service.store.core.threads import in_thread
from service.store.sources import polling_queue, snapshots
from service.store.sources.polling_queue import ClaimedSource, Due

CLAIMS = 16
"""Free places that are worth a visit to the database: one claim alone costs as much as a fetch."""

PATIENCE_S = 0.5
"""Stall timeout: when nothing ends or is stored for so long, the concurrency limit doubles."""

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class SweepDependencies:
    """What a sweep works with. `sites` remembers the gaps from one sweep to the next."""

    client: Client
    parsers: Parsers
    sites: Sites
    recorder: Recorder
    permissions: Permissions
    turns: Turns


class Sweep:
    """The state of one pass. `counts`: what came out; `elsewhere`: what another process holds."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
        dependencies: SweepDependencies,
        *,
        at_once: bool,
        progress: Progress | None,
        at_most_s: float | None,
        term: Term = TERM,
    ) -> None:
        self._term = term
        self.at_once = at_once
        self.counts = PassCounts()
        self.elsewhere: list[str] = []
        self._at_most_s = at_most_s
        self._store = store
        self._settings = settings
        self._rules = packed(settings.topic)
        self._clock = clock
        self._owner = owner
        self._client = dependencies.client
        self._parsers = dependencies.parsers
        self._recorder = dependencies.recorder
        self._permissions = dependencies.permissions
        self._sites = dependencies.sites
        self._waiting = RequestQueue[Due | ClaimedSource | Visit](dependencies.sites)
        self._progress = progress
        self._results = Results()
        self._bodies = Bodies()
        self._fetching = 0
        self._open = 0  # begun and not yet at their end: they may want another turn
        self._over = False
        self._freed = asyncio.Event()
        self._held: set[int] = set()
        self._turns = dependencies.turns
        self._dropped: list[str] = []
        self._total = 0

    def want(self, wanted: Sequence[Due]) -> None:
        """Line up what is to be asked; each is let go when it is."""
        self._total += len(wanted)
        for source in wanted:
            told, collect = self._settings.source[source.name], self._settings.collect
            site = site_rules.site(told, collect, source.url)
            self._waiting.add(site, site_rules.gap(told, collect, source.url), source)

    async def run(self) -> None:
        """Ask each once. Raises StoreError; what is not settled is given back."""
        self._sites.forget(asyncio.get_running_loop().time())
        try:
            async with asyncio.TaskGroup() as group:
                record = self._recorder.record
                writer = group.create_task(self._results.write(record, self._settled))
                async with asyncio.TaskGroup() as fetches:
                    await self._start_all(fetches)
                await self._results.end()
                await writer
        except ExceptionGroup as errors:
            raise first_of(errors) from errors
        finally:
            if self._held:
                await in_thread(self._give_back)

    def renew(self, connection: Connection, until: datetime) -> None:
        """Keep what is in hand for another lease; called from a thread."""
        polling_queue.LEASE.renew(connection, self._owner, tuple(self._held), until)

    def _give_back(self) -> None:
        with self._store.write() as connection:
            polling_queue.LEASE.release(connection, self._owner, self._held)

    @property
    def left(self) -> int:
        """How many were left for the next pass."""
        return len(self._waiting) + len(self._dropped)

    @property
    def spared(self) -> list[str]:
        """Those of `left` whose site said that it is asked too much."""
        return self._dropped

    async def _start_all(self, fetches: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        end = inf if self._at_most_s is None else loop.time() + self._at_most_s
        while self._waiting or self._open:
            now_s = loop.time()
            if now_s >= end:
                await self._end_visits()
                return  # what waits for its turn is still due, and nobody's
            free = self._bodies.at_once - self._fetching
            turn = self._waiting.take(now_s, free) if free >= CLAIMS else []
            if turn:
                await self._start_turn(fetches, turn)
                continue
            self._freed.clear()
            if free >= CLAIMS:
                await self._wait_freed(min(self._waiting.next_at() or inf, end))
            elif not await self._wait_freed(min(now_s + PATIENCE_S, end)):
                self._bodies.widen(by=self._bodies.at_once)

    async def _wait_freed(self, until: float) -> bool:
        """Wait until something ends or is stored. False: nothing did until then."""
        try:
            async with asyncio.timeout_at(until):
                return await self._freed.wait()
        except TimeoutError:
            return False

    async def _start_turn(
        self, fetches: asyncio.TaskGroup, turn: Sequence[tuple[str, Due | ClaimedSource | Visit]]
    ) -> None:
        for site, item in turn:
            if isinstance(item, Visit):
                self._start(fetches, self._onward(site, item))
            elif isinstance(item, ClaimedSource):
                self._start(fetches, self._one(site, item))
        dues = [(site, item) for site, item in turn if isinstance(item, Due)]
        if dues:
            await self._claim_and_start(fetches, dues)

    async def _claim_and_start(
        self, fetches: asyncio.TaskGroup, turn: list[tuple[str, Due]]
    ) -> None:
        found, foreign = await in_thread(self._claim, turn)
        claimed = {one.id: one for one in found}
        now_s = asyncio.get_running_loop().time()
        for site, source in turn:
            mine = claimed.get(source.id)
            if mine is None:
                self._waiting.done(site, now_s)
                self.elsewhere.append(source.name)
                if site in foreign:
                    self.elsewhere += await self._leave(site)
                self._tell()
                continue
            self._start(fetches, self._one(site, mine))

    def _start(self, fetches: asyncio.TaskGroup, task: Coroutine[None, None, None]) -> None:
        self._fetching += 1
        self._open += 1
        fetches.create_task(task)

    def _end_fetch(self, site: str) -> None:
        self._fetching -= 1
        self._bodies.widen()
        self._waiting.done(site, asyncio.get_running_loop().time())
        self._freed.set()

    def _claim(self, turn: list[tuple[str, Due]]) -> tuple[list[ClaimedSource], set[str]]:
        """What is ours now, and the sites that another process is asking just now."""
        now = self._clock()
        spaced = [] if self.at_once else turn  # a person need not wait
        with self._store.write() as connection:
            foreign = self._turns.take(connection, spaced, now, now + self._term.lasts)
            claimed = polling_queue.claim(
                connection,
                [source for site, source in turn if site not in foreign],
                self._owner,
                now,
                now + self._term.lasts,
                at_once=self.at_once,
            )
        self._held.update(source.id for source in claimed)
        # Renamed since the pass began: its settings are not ours. It is given back at the end.
        return [source for source in claimed if source.name in self._settings.source], foreign

    async def _one(self, site: str, claimed: ClaimedSource) -> None:
        """Fetch one source; read it if there is something to read. The site is free in between."""
        result: Failed | Unchanged | FetchedBody | PolledDocument | None
        asked = request.asked_of(claimed, self._settings, again=self.at_once)
        try:
            result = await self._at_turn(site, asked)
            if isinstance(result, Failed):
                await self._spare_if_too_many(site, result.error)
            if isinstance(result, FetchedBody):
                await self._bodies.take(claimed.id, len(result.response.body))
        except Exception as error:  # noqa: BLE001 - a bug of ours must not cost the other sources
            result = request.unexpected(claimed, error)
        finally:
            self._end_fetch(site)
        if isinstance(result, FetchedBody):
            try:
                result = await self._read(result)
            except Exception as error:  # noqa: BLE001 - as above
                result = request.unexpected(claimed, error)
        if result is None:
            self._waiting.add(site, self._gap(claimed), claimed, first=True)
        elif isinstance(result, PolledDocument) and asked.reading.kind is not SourceKind.FEED:
            self._bodies.leave(claimed.id)  # a visit takes long, and keeps entries alone
            await self._begin_visit(site, asked, result)
        else:
            await self._results.put(result)
        self._close()

    async def _at_turn(self, site: str, asked: Asked) -> Failed | Unchanged | FetchedBody | None:
        """What the source says. None: the turn went to its robots.txt, so it needs another one."""
        url, is_page = asked.claimed.address, asked.reading.kind is SourceKind.PAGE
        if is_page:
            permission, spent = await self._permission(site, url, asked)
            if permission.refusal is not None:
                return Failed(asked.claimed, permission.refusal)
            if spent:
                return None
        room = partial(self._bodies.grow, asked.claimed.id)
        result = await request.ask(self._client, asked, self._clock, room)
        if is_page and isinstance(result, FetchedBody):
            end = result.response.url
            no = await self._permissions.follow(url, end, asked.allow, asked.access)
            return Failed(asked.claimed, no) if no else result
        return result

    async def _permission(self, site: str, url: str, asked: Asked) -> tuple[Permission, bool]:
        """Whether a page may be asked for, and whether the turn went to its robots.txt."""
        known = await self._permissions.known(url)
        permission = known or await self._permissions.ask(url, asked.allow, asked.access)
        self._waiting.slow_down(site, permission.delay_s)
        return permission, known is None

    def _close(self) -> None:
        self._open -= 1
        self._freed.set()

    async def _spare_if_too_many(self, site: str, error: BantinError) -> None:
        if outcome.is_too_many(error):
            self._dropped += await self._leave(site)

    async def _leave(self, site: str) -> list[str]:
        """Ask a site no more in this pass. Returns the sources that waited for it."""
        left: list[str] = []
        for item in self._waiting.drop(site):
            if isinstance(item, Visit):
                await self._results.put(continuation.end(item))
            else:
                left.append(item.name)
        return left

    async def _begin_visit(self, site: str, asked: Asked, read: PolledDocument) -> None:
        claimed, now_s = asked.claimed, asyncio.get_running_loop().time()
        pages = self._settings.source[claimed.name].pages
        known = continuation.known_of(self._store, claimed)
        try:
            visit = await in_thread(continuation.begin, asked, read, pages, known, now_s)
        except Exception as error:  # noqa: BLE001 - as above
            await self._results.put(request.unexpected(claimed, error))
            return
        if isinstance(visit, Failed):
            await self._results.put(visit)
        else:
            await self._wait_or_end(site, visit)

    async def _wait_or_end(self, site: str, visit: Visit) -> None:
        """Wait for another turn, before the site's other sources, or hand over what there is."""
        if self._over or not visit.goes_on(asyncio.get_running_loop().time()):
            await self._results.put(continuation.end(visit))
            return
        self._waiting.add(site, self._gap(visit.asked.claimed), visit, first=True)

    def _gap(self, claimed: ClaimedSource) -> Gap:
        told, collect = self._settings.source[claimed.name], self._settings.collect
        return site_rules.gap(told, collect, claimed.address)

    async def _onward(self, site: str, visit: Visit) -> None:
        """One further document of a source that is held: fetched, read, added to the others."""
        source = visit.asked.claimed
        try:
            job = await self._further(site, visit)
            if job is not None:
                parsed = None
                if not isinstance(job, BantinError):
                    parsed = await continuation.read(self._parsers, visit, job)
                known = continuation.known_of(self._store, source)
                visit = await in_thread(continuation.take, visit, parsed, known)
        except Exception:  # noqa: BLE001 - what was read before must not be lost for it
            _log.exception("unexpected", id=source.name)
            visit = replace(visit, wanted=())
        await self._wait_or_end(site, visit)
        self._close()

    async def _further(self, site: str, visit: Visit) -> ParseTask | BantinError | None:
        """What its server says of what is wanted next. None: the turn went to its robots.txt."""
        try:
            no: BantinError | None = None
            if visit.asked.reading.kind is SourceKind.PAGE:
                permission, spent = await self._permission(site, visit.wanted[0].url, visit.asked)
                if spent:
                    return None
                no = permission.refusal
            dependencies = (self._client, self._permissions, no)
            job = await continuation.ask(*dependencies, visit, self._rules, self._clock)
            if isinstance(job, BantinError):
                await self._spare_if_too_many(site, job)
            return job
        finally:
            self._end_fetch(site)

    async def _end_visits(self) -> None:
        """The pass is over: what visits have read so far is their result."""
        self._over = True
        for item in self._waiting.withdraw(Visit):
            await self._results.put(continuation.end(item))

    async def _read(self, body: FetchedBody) -> Failed | PolledDocument:
        claimed = body.asked.claimed
        before = None
        if claimed.first_collected_at is not None:  # else there is nothing to remember
            before = await in_thread(self._remembered, claimed)
        return await request.read(self._parsers, body, self._rules, before)

    def _remembered(self, claimed: ClaimedSource) -> bytes | None:
        with self._store.read() as connection:
            return snapshots.last(connection, claimed.id)

    def _settled(self, recorded: Recorded) -> None:
        if not recorded.lost:  # else the lease of another, or of the old address, is given back
            self._held.discard(recorded.source.id)
        self.counts.count(recorded)
        self._bodies.leave(recorded.source.id)
        self._freed.set()  # there may be room for more fetches now
        self._tell()
        _log.info(
            "source",
            id=recorded.source.name,
            status="lost" if recorded.lost else "failed" if recorded.error else "ok",
            new=recorded.new,
            changed=recorded.changed,
            error=str(recorded.error) if recorded.error else None,
        )

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.counts.tried + len(self.elsewhere), self._total)
