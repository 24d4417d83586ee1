"""One round over article pages that are still to be read: the thin shell beside the sweep.

claim some of each source -> wait for the site's turn -> robots.txt -> fetch -> read in a worker ->
admit and leave the queue, in one transaction

Nothing is held while the network is waited for but a lease in the row. A page that cannot be had
comes again later (schedule/article_page_retry.py); one that is given up leaves its entry as its
list told it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from service.collect.politeness.site_rules import SiteRules, rules_of
from service.collect.polling.dispatcher import Dispatcher, Rest
from service.collect.polling.record import lateness
from service.collect.polling.sweep import PassDependencies
from service.collect.schedule import article_page_retry, outcome
from service.collect.source_options import reading_of, told_of, visits_of
from service.collect.workers.article_page_task import prepare_page
from service.collect.workers.task import ArticlePageTask, EntryOptions, ParseTask
from service.config.schema import Source
from service.curate.admit import AdmitSource, Admitted, admit_listed
from service.curate.prepare import Prepared
from service.errors import BantinError, FetchError, HttpError, ParseError, StoreError
from service.net.answers import Response
from service.store.core.threads import in_thread
from service.store.sources import article_page_queue
from service.store.sources.article_page_queue import A_SOURCE, ClaimedArticlePage
from service.store.sources.polling_queue import Due
from service.text.fold import nfc

IN_FLIGHT = 16
"""Pages that are fetched or read at once."""

IN_HAND = 256
"""Pages that are claimed at once, most of which wait for their sites."""

CLAIMS = 64
"""Free places that are worth a claim, which goes through all that is due: of fifty thousand pages
that takes a tenth of a second, in which nobody else writes on SQLite."""

FOREIGN = timedelta(seconds=30)
"""After which pages are looked at again whose site another process was asking."""

_NOT_WANTED = "its source does not want its pages read any more"

_log = structlog.get_logger("collect")


class PageRound:
    """The state of one round. `read` and `failed`: how many pages were, or are given up or put off.

    `names`: pages of these sources alone. `topics`: whose feeds look otherwise now. `late`: seconds
    from publication to our first sight -> how many new articles. `random` gives numbers in [0, 1).
    """

    def __init__(
        self,
        dependencies: PassDependencies,
        *,
        names: Iterable[str] | None,
        random: Callable[[], float],
    ) -> None:
        self.read = 0
        self.failed = 0
        self.topics: frozenset[str] = frozenset()
        self.late: Counter[int] = Counter()
        self._dependencies = dependencies
        self._store = dependencies.store
        self._settings = dependencies.settings
        self._clock = dependencies.clock
        self._names = None if names is None else tuple(names)
        self._random = random
        self._rules = dependencies.rules
        self._in_hand: dict[int, ClaimedArticlePage] = {}
        self._is_dry = False
        self._dispatcher = Dispatcher[ClaimedArticlePage](
            dependencies.fetch.sites, self._ask, IN_FLIGHT, more=self._take_more
        )

    async def run(self, at_most_s: float) -> None:
        """Read what is due, until nothing is or the time is over. Raises StoreError."""
        until_s = asyncio.get_running_loop().time() + at_most_s
        async with self._dependencies.in_hand(article_page_queue.LEASE, self._in_hand):
            await self._dispatcher.run(until_s)

    async def _take_more(self) -> bool:
        """Claim what is due, where there is room for it. False: nothing is until a page ends."""
        if self._is_dry or len(self._in_hand) > IN_HAND - CLAIMS:
            return False
        numbers = Counter(page.source_id for page in self._in_hand.values())
        crowded = [one for one, number in numbers.items() if number >= A_SOURCE]
        self._is_dry = True  # what ends meanwhile may make room for more of its source
        claimed = await in_thread(self._claim, IN_HAND - len(self._in_hand), crowded)
        self._is_dry = self._is_dry and not claimed
        for page in claimed:
            told = self._settings.source[page.source]
            overdue = page.held and self._clock() - page.added_at >= article_page_retry.OVERDUE
            if overdue or visits_of(told, first=False) is None:
                error = FetchError(
                    "it has waited too long for its turn" if overdue else _NOT_WANTED
                )
                self._dispatcher.start(self._end(page, error, for_good=True))
            else:
                self._dispatcher.add(page.url, self._rules_of(page), page)
        return not self._is_dry

    def _claim(self, room: int, crowded: list[int]) -> list[ClaimedArticlePage]:
        now = self._clock()
        owner, until = self._dependencies.owner, now + self._dependencies.term.lasts
        with self._store.write() as connection:
            claimed = article_page_queue.claim(
                connection, owner, now, until, room, self._names, besides=crowded
            )
            # Renamed since the pass began: its settings are not ours.
            known = [one for one in claimed if one.source in self._settings.source]
            spaced = [] if self._names else known  # a person need not wait
            sites = {one.entry_id: self._rules_of(one).site(one.url) for one in known}
            wanted = [
                (sites[one.entry_id], Due(one.source_id, one.source, one.url)) for one in spaced
            ]
            foreign = self._dependencies.turns.take(connection, wanted, now, until)
            mine = [one for one in known if sites[one.entry_id] not in foreign]
            left = {one.entry_id for one in claimed} - {one.entry_id for one in mine}
            article_page_queue.rest(connection, owner, left, now + FOREIGN)
        self._in_hand.update((one.entry_id, one) for one in mine)
        return mine

    async def _ask(self, site: str, page: ClaimedArticlePage) -> Rest | None:
        """One turn at a site: its robots.txt, or the page."""
        got: Response | BantinError | None
        try:
            rules = self._rules_of(page)
            got = await self._dependencies.fetch.get(page.url, rules, page=True, named=True)
        except BantinError as error:
            got = error
        except Exception as error:  # noqa: BLE001 - a bug of ours must not cost the other pages
            got = _unexpected(page, error)
        if got is None:
            self._dispatcher.again(site, page)
            return None
        if isinstance(got, HttpError) and outcome.is_too_many(got):
            await self._spare(site, page, got)
        return partial(self._end, page, got)

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
            self._is_dry = False

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
        said = told_of(page.source_id, page.source, told, first=False)
        entry_options = EntryOptions(replace(said, title=said.title or page.title), self._rules)
        body = None
        if answer is not None:
            if not answer.body.strip():
                raise ParseError("its page is empty")
            reading, headers = reading_of(told, self._settings.site), dict(answer.headers)
            body = ParseTask(answer.body, headers, answer.url, reading, self._clock())
        task = ArticlePageTask(body, page.listed_entry, entry_options)
        return await self._dependencies.parsers.call(prepare_page, task)

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
            admitted = Admitted()
            # An article that is there already loses nothing by a page that could not be had.
            if page.held or reason is None:
                admitted = admit_listed(connection, source, made, now, matcher)
                self.topics |= admitted.topics
            article_page_queue.done(
                connection, page, None if reason is None else " ".join(nfc(reason).split())
            )
        self.late.update(lateness(admitted))
        if admitted.news:
            _log.info("page", id=page.source, articles=[one.article for one in admitted.news])

    def _put_off(self, page: ClaimedArticlePage, error: BantinError, at: datetime) -> None:
        with self._store.write() as connection:
            article_page_queue.later(connection, page, " ".join(nfc(str(error)).split()), at)

    async def _spare(self, site: str, page: ClaimedArticlePage, error: HttpError) -> None:
        """Leave the site alone for as long as it wants, with all that waits for it."""
        dropped = self._dispatcher.drop(site)

        def put_off() -> None:
            now = self._clock()
            with self._store.write() as connection:
                until = self._dependencies.recorder.sparing.spare(
                    connection, page.source, page.url, error, now, itself=True
                )
                left = [one.entry_id for one in dropped]
                article_page_queue.rest(connection, self._dependencies.owner, left, until)

        await in_thread(put_off)
        for one in dropped:
            self._in_hand.pop(one.entry_id, None)

    def _rules_of(self, page: ClaimedArticlePage) -> SiteRules:
        return rules_of(self._settings, page.source)


def _unexpected(page: ClaimedArticlePage, error: Exception) -> BantinError:
    _log.exception("unexpected error", id=page.source, url=page.url)
    return BantinError(f"an error of ours ({type(error).__name__}: {error})"[:300])
