"""The stories of new articles, written into the rows: after admission, before anything is shown.

    articles that nobody judged yet ──> the engine, in order of arrival
                                    ──> those that belong elsewhere are moved, feeds are marked

The engine of a process is only a copy of the rows. Each batch is one transaction which holds
admission and other judges off; it begins with what the rows say, and keeps how far it came. A
process that dies loses its copy, and the next one makes another from the articles of the window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Event, Lock
from typing import TYPE_CHECKING

from service.curate import identity
from service.curate.articles import matched_text
from service.curate.stories.by_hand import ByHand
from service.errors import StoreError
from service.store.content import entries, stale_feeds, story_acts, story_rows, versions
from service.store.content.story_rows import Judgeable
from service.store.core.database import Connection, Store

if TYPE_CHECKING:
    from service.curate.stories.engine import Stories
    from service.curate.stories.terms import Terms

    Reader = Callable[[str, str, str | None], Terms]

BATCH = 20
"""Articles judged in one transaction: some 30 ms, in which nobody else writes."""

SLIP = timedelta(hours=1)
"""A clock that is set back by less changes nothing."""

FEW, REST, LONGEST_REST_S = 5, 9.0, 2.0
"""While a pass needs the processor: articles in a transaction, which is followed by a rest of so
many times the time that it took, so that judging takes a tenth; and no rest is longer."""

READ = 200
"""Articles read at a time when the window is read again."""


@dataclass(slots=True)
class Judged:
    """How many articles were judged, how many of all moved; whose feeds look otherwise now.

    `unread`: article -> why its words could not be read; it is a story of its own. `ids`: of the
    articles that were judged.
    """

    articles: int = 0
    moved: int = 0
    topics: set[str] = field(default_factory=set)
    unread: dict[int, str] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)


class Judge:
    """One process's copy of the window. A thread that comes while another judges waits for it."""

    def __init__(
        self,
        read: Reader | None = None,
        clock: Callable[[], float] = time.monotonic,
        longest_rest_s: float = LONGEST_REST_S,
    ) -> None:
        """`read`: the terms of a title, a text and a language; None: as stories are compared.

        `clock`, in seconds, says how long a batch took.
        """
        self._read = read
        self._clock, self._longest_rest_s = clock, longest_rest_s
        self._yielding = 0  # to so many passes
        self._window = timedelta()
        self._copy: Stories | None = None
        self._to = 0  # the last article that it has
        self._homes: int | None = None  # the version of what it says; None: ask the rows
        self._singly = 0  # so many come alone, since a batch of theirs failed
        self._until: datetime | None = None
        self._lock = Lock()
        self._closed = False
        self._go = Event()  # no pass runs, or it is closed

    @property
    def closed(self) -> bool:
        """Whether articles may wait that will not be judged here any more."""
        return self._closed

    def close(self) -> None:
        """Begin no batch any more: the process ends. What is left is found by the next one."""
        self._closed = True
        self._go.set()

    @contextmanager
    def yielding(self) -> Iterator[None]:
        """Rest between batches while the block runs: it needs the processor and the store more.

        Blocks of one thread alone.
        """
        self._yielding += 1
        self._go.clear()
        try:
            yield
        finally:
            self._yielding -= 1
            if not self._yielding:
                self._go.set()

    def run(self, store: Store, window: timedelta, now: datetime) -> Judged:
        """Judge all articles that nobody has judged, among those of the window. Raises StoreError.

        Where none is new this is two questions to the store.
        """
        with self._lock:
            return self._run(store, window, now)

    def _run(self, store: Store, window: timedelta, now: datetime) -> Judged:
        done = Judged()
        set_back = self._until is not None and now < self._until - SLIP
        if set_back or window != self._window:
            # What came while the clock was ahead would never leave the window.
            self._copy = None
        self._until, self._window, rest = now, window, 0.0
        with store.read() as connection:
            last = story_rows.newest(connection)  # what comes meanwhile waits for the next run
        while self._has_more(store, rest, last):
            try:
                stories = self._catch_up(store, now)
                if stories is None:
                    break
                began = self._clock()
                terms = self._read_ahead(store, done)
                with store.write() as connection:
                    self._batch(connection, stories, terms, now, done)
                self._singly = max(0, self._singly - 1)
                rest = min(REST * (self._clock() - began), self._longest_rest_s)
            except StoreError:
                self._copy = None  # the rows are as they were, the copy may not be
                raise
            except Exception as error:  # noqa: BLE001 - one article stops no other; it is told
                self._copy = None
                if not self._singly:
                    self._singly = BATCH  # whichever it is, it comes alone now
                else:
                    self._singly -= 1
                    self._leave_alone(store, f"{type(error).__name__}: {error}", now, done)
            except BaseException:
                self._copy = None
                raise
        return done

    def _has_more(self, store: Store, rest: float, last: int) -> bool:
        """Whether a batch may begin, after a rest of so many seconds where a pass runs."""
        with store.read() as connection:
            if self._closed or not story_rows.has_unjudged(connection):
                return False
            to = story_rows.judged_to(connection)
            if to is not None and to >= last:
                return False
        if self._yielding:
            self._go.wait(rest)
        return not self._closed

    def _leave_alone(self, store: Store, why: str, now: datetime, done: Judged) -> None:
        """The next article stays a story of its own."""
        with store.write() as connection:
            entries.queue(connection)
            to = story_rows.judged_to(connection)
            if to is None:
                to = self._begin(connection, now)
            rows = story_rows.after(connection, to, 1)
            ids = [row.id for row in rows]
            topics = story_rows.topics_of(connection, ids)
            stale_feeds.mark_listed(connection, topics, now)
            story_rows.keep_judged_to(connection, *(ids or [story_rows.newest(connection)]))
        done.topics |= topics
        done.unread |= dict.fromkeys(ids, why)

    def _catch_up(self, store: Store, now: datetime) -> Stories | None:
        """Take in what others have judged, outside of any transaction that writes.

        None: it was closed meanwhile.
        """
        if self._copy is None:
            # It brings numpy, without which the service starts sooner and smaller.
            from service.curate.stories.engine import Stories, StorySettings  # noqa: PLC0415

            self._copy = Stories(StorySettings(window=self._window))
            self._to, self._homes = 0, None
        while True:
            with store.read() as connection:
                to = story_rows.judged_to(connection)
                if to is None:
                    return self._copy
                rows = story_rows.within(connection, now - self._window, self._to, to, READ)
            for row in rows:
                at = min(row.first_seen_at, now)
                try:
                    self._copy.restore(row.id, row.story_id, self._terms(row, {}), at)
                except Exception:  # noqa: BLE001 - what could not be judged is there, without words
                    self._copy.restore(row.id, row.story_id, _no_terms(), at)
            self._to = rows[-1].id if len(rows) == READ else to
            if len(rows) < READ:
                return self._copy
            if self._closed:
                return None

    def _read_ahead(self, store: Store, done: Judged) -> dict[Judgeable, Terms]:
        """The words of what is next, while others may write. What changes until then counts not."""
        with store.read() as connection:
            to = story_rows.judged_to(connection)
            rows = [] if to is None else story_rows.after(connection, to, self._size)
        return {row: self._terms(row, done.unread) for row in rows}

    @property
    def _size(self) -> int:
        return 1 if self._singly else FEW if self._yielding else BATCH

    def _batch(
        self,
        connection: Connection,
        stories: Stories,
        known: Mapping[Judgeable, Terms],
        now: datetime,
        done: Judged,
    ) -> None:
        entries.queue(connection)
        to = story_rows.judged_to(connection)
        if to is None:
            to = self._to = self._begin(connection, now)
        elif to != self._to:
            return  # another process was quicker: catch up first
        if versions.one(connection, versions.HOMES) != self._homes:
            since = now - self._window
            stories.forget_before(since)
            _agree(stories, story_rows.homes(connection, since, to))
            stories.by_hand = self._by_hand(connection, since)
        size = self._size
        rows = story_rows.after(connection, to, size)
        # Until now they were left out of all lists, which may have been made meanwhile.
        topics = story_rows.topics_of(connection, [row.id for row in rows])
        moves: dict[int, int] = {}
        new: list[int] = []
        for row in rows:
            placed = stories.add(
                row.id,
                known.get(row) or self._terms(row, done.unread),
                min(row.first_seen_at, now),
                begun(connection, row.id, now, new),
                row.story_id,
            )
            moves |= {**placed.moved, row.id: placed.story}
        before = versions.one(connection, versions.HOMES)
        topics |= story_rows.place(connection, moves)
        story_rows.drop_empty(connection, new)
        stale_feeds.mark_listed(connection, topics, now)
        homes = versions.one(connection, versions.HOMES)
        if homes != before:
            versions.raise_(connection, [versions.STORIES])
        last = rows[-1].id if len(rows) == size else story_rows.newest(connection)
        story_rows.keep_judged_to(connection, last)
        self._to, self._homes = last, homes
        done.articles += len(rows)
        done.ids += [row.id for row in rows]
        done.moved += sum(moves[row.id] != row.story_id for row in rows)
        done.moved += len(moves.keys() - {row.id for row in rows})
        done.topics |= topics

    def _begin(self, connection: Connection, now: datetime) -> int:
        """The last article that is too old to be judged."""
        to = story_rows.last_before(connection, now - self._window)
        story_rows.begin_judging(connection, to)
        return to

    def _by_hand(self, connection: Connection, since: datetime) -> ByHand:
        """What admins said about stories that have an article of the window."""
        acts = story_acts.living(connection, since)
        return ByHand(acts, story_acts.homes(connection, acts))

    def _terms(self, row: Judgeable, unread: dict[int, str]) -> Terms:
        from service.curate.stories import terms  # noqa: PLC0415 - brings numpy

        try:
            text = matched_text(row.lead, row.content)
            return (self._read or terms.read)(row.title, text, row.language)
        except Exception as error:  # noqa: BLE001 - one bad article stops no other; it is told
            unread[row.id] = f"{type(error).__name__}: {error}"
            return _no_terms()


def _no_terms() -> Terms:
    from service.curate.stories import terms  # noqa: PLC0415 - brings numpy

    return terms.read("", "")


def _agree(stories: Stories, homes: Mapping[int, int]) -> None:
    """What was merged or moved meanwhile is so here too."""
    for article in stories.articles():
        if article not in homes:
            stories.remove(article)
        elif stories.story_of(article) != homes[article]:
            stories.move(article, homes[article])


def stop(store: Store, now: datetime) -> None:
    """Judge no longer: articles that wait for it are listed as they are. Raises StoreError."""
    with store.read() as connection:
        to = story_rows.judged_to(connection)
    if to is None:
        return
    with store.write() as connection:
        topics = story_rows.topics_of(connection, story_rows.ids_after(connection, to))
        stale_feeds.mark_listed(connection, topics, now)
        story_rows.stop_judging(connection)


def begun(connection: Connection, article: int, now: datetime, new: list[int]) -> Iterator[int]:
    """Ids of new stories, for what is split off because of an article; they are kept in `new`."""
    for number in count(1):
        public_id = identity.public_id(f"story split by {article}", number)
        if not story_rows.has_begun(connection, public_id):
            new.append(story_rows.begin(connection, public_id, article, now))
            yield new[-1]
