"""One round over article pages that are still to be read: the thin shell beside the sweep.

claim some of each source -> wait for the site's turn -> robots.txt -> fetch -> read in a worker ->
admit and leave the queue, in one transaction

Nothing is held while the network is waited for but a lease in the row. A page that cannot be had
comes again later (page_tries.py); one that is given up leaves its entry as its list told it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from service.collect.politeness import site_rules
from service.collect.politeness.access import access_of
from service.collect.politeness.rate_limit import Gap, RequestQueue, Sites
from service.collect.politeness.robots import Permissions
from service.collect.politeness.site_turns import Turns
from service.collect.polling.record import Recorder
from service.collect.schedule import article_page_retry, outcome
from service.collect.source_options import reading_of, told_of, visits_of
from service.collect.workers.pool import Parsers
from service.collect.workers.task import EntryOptions, ParseTask
from service.config.schema import Settings, Source
from service.curate.admit import AdmitSource, admit_listed
from service.curate.prepare import Prepared
from service.curate.rules import Matcher, packed
from service.errors import BantinError, FetchError, HttpError, ParseError, StoreError, first_of
from service.net.answers import Response
from service.net.client import Client
from service.store.core.database import Connection, Store
from service.store.core.lease import TERM, Term
from service.store.core.threads import in_thread
from service.store.sources import article_page_queue
from service.store.sources.article_page_queue import A_SOURCE, ClaimedArticlePage
from service.store.sources.polling_queue import Due

IN_FLIGHT = 16
"""Pages that are fetched or read at once."""

IN_HAND = 256
"""Pages that are claimed at once, most of which wait for their sites."""

FOREIGN = timedelta(seconds=30)
"""After which pages are looked at again whose site another process was asking."""

_NOT_WANTED = "its source does not want its pages read any more"

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class PageDependencies:
    """What a round works with, shared with the sweep beside it."""

    client: Client
    parsers: Parsers
    sites: Sites
    permissions: Permissions
    matcher: Matcher
    turns: Turns
    recorder: Recorder


class PageRound:
    """The state of one round. `read` and `failed`: how many pages were, or are given up or put off.

    `names`: pages of these sources alone. `topics`: whose feeds look otherwise now.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
        dependencies: PageDependencies,
        *,
        names: Iterable[str] | None,
        at_most_s: float | None,
        random: Callable[[], float],
        term: Term = TERM,
    ) -> None:
        self.read = 0
        self.failed = 0
        self.topics: frozenset[str] = frozenset()
        self._store = store
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._dependencies = dependencies
        self._names = None if names is None else tuple(names)
        self._at_most_s = at_most_s
        self._random = random
        self._term = term
        self._rules = packed(settings.topic)
        self._waiting = RequestQueue[ClaimedArticlePage](dependencies.sites)
        self._in_hand: dict[int, ClaimedArticlePage] = {}
        self._running = 0
        self._freed = asyncio.Event()

    async def run(self) -> None:
        """Read what is due, until nothing is or the time is over. Raises StoreError."""
        loop = asyncio.get_running_loop()
        end = None if self._at_most_s is None else loop.time() + self._at_most_s
        dry = False
        try:
            async with asyncio.TaskGroup() as tasks:
                while end is None or loop.time() < end:
                    self._freed.clear()
                    if not dry and len(self._in_hand) < IN_HAND:
                        # What ended meanwhile may have made room for more of its source.
                        dry = not await self._take_more(tasks) and not self._freed.is_set()
                    turn = self._waiting.take(loop.time(), IN_FLIGHT - self._running)
                    for site, page in turn:
                        self._start(tasks, self._one(site, page))
                    if dry and not self._in_hand:
                        return
                    if turn or not self._in_hand:
                        continue
                    free = self._running < IN_FLIGHT
                    instants = (self._waiting.next_at() if free else None, end)
                    until = min((at for at in instants if at is not None), default=None)
                    try:
                        async with asyncio.timeout_at(until):
                            await self._freed.wait()
                        dry = False
                    except TimeoutError:
                        continue
        except ExceptionGroup as errors:
            raise first_of(errors) from errors
        finally:
            if self._in_hand:
                await in_thread(self._give_back)

    def renew(self, connection: Connection, until: datetime) -> None:
        """Keep what is in hand for another lease; called from a thread."""
        article_page_queue.LEASE.renew(connection, self._owner, tuple(self._in_hand), until)

    def _give_back(self) -> None:
        with self._store.write() as connection:
            article_page_queue.LEASE.release(connection, self._owner, self._in_hand)

    async def _take_more(self, tasks: asyncio.TaskGroup) -> bool:
        """Claim what is due. False: there was nothing."""
        crowded = [
            one
            for one, number in Counter(page.source_id for page in self._in_hand.values()).items()
            if number >= A_SOURCE
        ]
        room = IN_HAND - len(self._in_hand)
        claimed = await in_thread(self._claim, room, crowded)
        for page in claimed:
            told = self._settings.source[page.source]
            overdue = page.held and self._clock() - page.added_at >= article_page_retry.OVERDUE
            if overdue or visits_of(told, first=False) is None:
                error = FetchError(
                    "it has waited too long for its turn" if overdue else _NOT_WANTED
                )
                self._start(tasks, self._end(page, error, for_good=True))
            else:
                self._waiting.add(self._site(page), self._gap(page), page)
        return bool(claimed)

    def _claim(self, room: int, crowded: list[int]) -> list[ClaimedArticlePage]:
        now = self._clock()
        until = now + self._term.lasts
        with self._store.write() as connection:
            claimed = article_page_queue.claim(
                connection, self._owner, now, until, room, self._names, besides=crowded
            )
            # Renamed since the pass began: its settings are not ours.
            known = [one for one in claimed if one.source in self._settings.source]
            spaced = [] if self._names else known  # a person need not wait
            wanted = [(self._site(one), Due(one.source_id, one.source, one.url)) for one in spaced]
            foreign = self._dependencies.turns.take(connection, wanted, now, until)
            mine = [one for one in known if self._site(one) not in foreign]
            left = {one.entry_id for one in claimed} - {one.entry_id for one in mine}
            article_page_queue.rest(connection, self._owner, left, now + FOREIGN)
        self._in_hand.update((one.entry_id, one) for one in mine)
        return mine

    def _start(self, tasks: asyncio.TaskGroup, task: Coroutine[None, None, None]) -> None:
        self._running += 1
        tasks.create_task(task)

    async def _one(self, site: str, page: ClaimedArticlePage) -> None:
        """One turn at a site: its robots.txt, or the page."""
        got: Response | BantinError | None
        try:
            got = await self._at_turn(site, page)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not cost the other pages
            got = _unexpected(page, error)
        finally:
            self._waiting.done(site, asyncio.get_running_loop().time())
        if isinstance(got, HttpError) and outcome.is_too_many(got):
            await self._spare(site, page, got)
        if got is not None:
            await self._end(page, got)
            return
        self._waiting.add(site, self._gap(page), page, first=True)
        self._running -= 1
        self._freed.set()

    async def _at_turn(self, site: str, page: ClaimedArticlePage) -> Response | BantinError | None:
        """What the server says. None: the turn went to its robots.txt."""
        told, collect = self._settings.source[page.source], self._settings.collect
        allow, access = site_rules.allowed(told, collect), access_of(told, collect)
        known = await self._dependencies.permissions.known(page.url)
        permission = known or await self._dependencies.permissions.ask(page.url, allow, access)
        self._waiting.slow_down(site, permission.delay_s)
        if permission.refusal is not None:
            return permission.refusal
        if known is None:
            return None
        try:
            answer = await self._dependencies.client.get(page.url, allow=allow, access=access)
        except BantinError as error:
            return error
        no = await self._dependencies.permissions.follow(page.url, answer.url, allow, access)
        return no or answer

    async def _end(
        self, page: ClaimedArticlePage, got: Response | BantinError, *, for_good: bool = False
    ) -> None:
        """Admit it, or put it off. Whatever fails, the page leaves our hands."""
        try:
            await self._settle(page, got, for_good=for_good)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            at = self._clock() + article_page_retry.WAITS[-1]
            await in_thread(self._put_off, page, _unexpected(page, error), at)
        finally:
            self._in_hand.pop(page.entry_id, None)
            self._running -= 1
            self._freed.set()

    async def _settle(
        self, page: ClaimedArticlePage, got: Response | BantinError, *, for_good: bool
    ) -> None:
        told = self._settings.source[page.source]
        made: Prepared | None = None
        error = got if isinstance(got, BantinError) else None
        if isinstance(got, Response):
            try:
                made = await self._prepared(page, told, got)
            except BantinError as failure:
                error = failure
        if error is not None:
            at = article_page_retry.again_at(error, page.tries, self._clock(), self._random())
            _log.info("page", id=page.source, url=page.url, error=str(error), again=at)
            self.failed += 1
            if at is not None and not for_good:
                await in_thread(self._put_off, page, error, at)
                return
            made = await self._prepared(page, told, None)
        assert made is not None
        self.read += error is None
        reason = None if error is None else f"{page.url}: {error}"
        await in_thread(self._admit, page, told, made, reason)

    async def _prepared(
        self, page: ClaimedArticlePage, told: Source, answer: Response | None
    ) -> Prepared:
        """Its entry, ready to be admitted. None: as its list told it."""
        said = told_of(page.source, told, first=False)
        entry_options = EntryOptions(replace(said, title=said.title or page.title), self._rules)
        job = ParseTask(
            answer.body if answer else b"",
            dict(answer.headers) if answer else {},
            answer.url if answer else page.url,
            reading_of(told, self._settings.site),
            self._clock(),
            entry_options,
            listed=page.listed,
        )
        if answer and not answer.body.strip():
            raise ParseError("its page is empty")
        (made,) = (await self._dependencies.parsers.read(job)).made
        return made

    def _admit(
        self, page: ClaimedArticlePage, told: Source, made: Prepared, reason: str | None
    ) -> None:
        source = AdmitSource(
            id=page.source_id,
            name=page.source,
            title=told.title or page.title,
            weight=told.weight,
            language=told.language,
            topics=told.topics,
            first_collection=False,
            first_fetch_at=page.first_fetch_at,
        )
        with self._store.write() as connection:
            if not article_page_queue.holds(connection, page):
                return
            now, matcher = self._clock(), self._dependencies.matcher
            # An article that is there already loses nothing by a page that could not be had.
            if page.held or reason is None:
                self.topics |= admit_listed(connection, source, made, now, matcher).topics
            article_page_queue.done(
                connection, page, None if reason is None else " ".join(reason.split())
            )

    def _put_off(self, page: ClaimedArticlePage, error: BantinError, at: datetime) -> None:
        with self._store.write() as connection:
            article_page_queue.later(connection, page, " ".join(str(error).split()), at)

    async def _spare(self, site: str, page: ClaimedArticlePage, error: HttpError) -> None:
        """Leave the site alone for as long as it wants, with all that waits for it."""
        dropped = self._waiting.drop(site)

        def put_off() -> None:
            now = self._clock()
            with self._store.write() as connection:
                until = self._dependencies.recorder.sparing.spare(
                    connection, page.source, page.url, error, now, itself=True
                )
                left = [one.entry_id for one in dropped]
                article_page_queue.rest(connection, self._owner, left, until)

        await in_thread(put_off)
        for one in dropped:
            self._in_hand.pop(one.entry_id, None)

    def _site(self, page: ClaimedArticlePage) -> str:
        told = self._settings.source[page.source]
        return site_rules.site(told, self._settings.collect, page.url)

    def _gap(self, page: ClaimedArticlePage) -> Gap:
        told, collect = self._settings.source[page.source], self._settings.collect
        return site_rules.gap(told, collect, page.url)


def _unexpected(page: ClaimedArticlePage, error: Exception) -> BantinError:
    _log.exception("unexpected", id=page.source, url=page.url)
    return BantinError(f"an error of ours ({type(error).__name__}: {error})"[:300])
