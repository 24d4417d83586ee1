"""What a pass writes: results as they come, several in one visit to the database.

"Unchanged" and failures share one transaction. Each document has its own: its entries and the
source's new state are kept together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from service.collect import schedule
from service.collect.asking import Failed, Read, Result, Unchanged
from service.collect.mended import TRUNCATED_TAIL
from service.collect.schedule import Next, Rhythm
from service.config.schema import Settings, Source
from service.curate.admit import AdmitSource, admit
from service.curate.rules import Matcher
from service.errors import BantinError, PutAsideError, StoreBusyError, StoreError
from service.model import Document
from service.store import sources, stale
from service.store.database import Connection, Store
from service.text.fold import nfc

PATIENCE = timedelta(days=1)
"""For how long a document that breaks off does not count as the first whole one."""

PART = 500
"""Entries in one transaction: nobody else can write meanwhile."""

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one source. `error` None: fine. `lost`: it was not ours any more."""

    source: sources.Claimed
    error: BantinError | None = None
    new: int = 0
    changed: int = 0
    topics: frozenset[str] = frozenset()
    lost: bool = False


class Recorder:
    """Writes results; runs in a thread. `dice` gives numbers in [0, 1)."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        matcher: Matcher,
        clock: Callable[[], datetime],
        dice: Callable[[], float],
    ) -> None:
        self._store = store
        self._settings = settings
        self._matcher = matcher
        self._clock = clock
        self._dice = dice

    def record(self, results: Sequence[Result]) -> list[Recorded]:
        """In the order given, except that documents come last. Raises StoreError."""
        quick = [result for result in results if not isinstance(result, Read)]
        done: list[Recorded] = []
        if quick:
            with self._store.write() as connection:
                done += [self._note(connection, result) for result in quick]
        done += [self._keep(result) for result in results if isinstance(result, Read)]
        return done

    def _note(self, connection: Connection, result: Failed | Unchanged) -> Recorded:
        if isinstance(result, Failed):
            return self._fail(connection, result)
        then = self._next(result.source, news=False, fresh_s=result.fresh_s)
        kept = sources.record_unchanged(
            connection,
            result.source,
            self._clock(),
            next_poll_at=then.at,
            interval_s=then.interval_s,
            behind=result.behind,
        )
        return Recorded(result.source, lost=not kept)

    def _fail(self, connection: Connection, result: Failed) -> Recorded:
        source = result.source
        at = schedule.after_failure(
            self._clock(),
            self._rhythm(source),
            failures=source.failures + 1,
            retry_after_s=result.retry_after_s,
            dice=self._dice(),
        )
        kept = sources.record_failure(
            connection,
            source,
            error=" ".join(nfc(str(result.error)).split()),
            next_poll_at=at,
            behind=result.behind,
            aside_at=self._clock() if isinstance(result.error, PutAsideError) else None,
        )
        return Recorded(source, error=result.error, lost=not kept)

    def _keep(self, result: Read) -> Recorded:
        """Store a document; if that fails, the source has failed and its document is not known."""
        try:
            return self._admit(result)
        except StoreBusyError:
            raise
        except Exception as error:  # noqa: BLE001 - one document must not cost the others
            _log.exception("not stored", id=result.source.name)
            reason = StoreError(f"its entries could not be stored ({type(error).__name__})")
            with self._store.write() as connection:
                return self._fail(connection, Failed(result.source, reason))

    def _admit(self, result: Read) -> Recorded:
        """One transaction, but for huge documents: these come in parts, the last settles it."""
        source, entries = result.source, result.document.entries
        became = Recorded(source)
        for start in range(0, max(len(entries), 1), PART):
            part = replace(result.document, entries=entries[start : start + PART])
            with self._store.write() as connection:
                if not sources.holds(connection, source):
                    return replace(became, lost=True)
                now = self._clock()
                admitted = admit(
                    connection, self._as_admitted(source, part), part, now, self._matcher
                )
                became = replace(
                    became,
                    new=became.new + admitted.new,
                    changed=became.changed + admitted.changed,
                    topics=became.topics | admitted.topics,
                )
                if start + PART >= len(entries):
                    shown = self._settle(connection, result, now, news=became.new > 0)
                    became = replace(became, topics=became.topics | shown)
        return became

    def _settle(
        self, connection: Connection, result: Read, now: datetime, *, news: bool
    ) -> frozenset[str]:
        """Keep the source's state. Returns the topics that show the outlet under another name."""
        source, document = result.source, result.document
        before = sources.is_called(connection, source)
        then = self._next(source, news=news, fresh_s=result.fresh_s)
        sources.record_ok(
            connection,
            source,
            now,
            behind=result.behind,
            next_poll_at=then.at,
            interval_s=then.interval_s,
            title=None if self._told(source).title else document.title,
            home=document.link,
            entries=len(document.entries),
            repairs=document.repairs,
            whole=_is_whole(result, now),
        )
        # What a first collection brings is marked by its entries.
        first = source.first_collected_at is None
        if first or sources.is_called(connection, source) == before:
            return frozenset()
        topics = frozenset(self._settings.topic)
        stale.mark(connection, {*topics, stale.EVERYTHING}, now)
        return topics

    def _as_admitted(self, source: sources.Claimed, document: Document) -> AdmitSource:
        told = self._told(source)
        return AdmitSource(
            id=source.id,
            name=source.name,
            title=told.title or document.title or source.name,
            weight=told.weight,
            language=told.language,
            topics=told.topics,
            first_collection=source.first_collected_at is None,
            first_fetch_at=source.first_fetch_at,
        )

    def _next(self, source: sources.Claimed, *, news: bool, fresh_s: float | None) -> Next:
        return schedule.after_answer(
            self._clock(),
            self._rhythm(source),
            interval_s=source.interval_s,
            news=news,
            fresh_s=fresh_s,
            dice=self._dice(),
        )

    def _rhythm(self, source: sources.Claimed) -> Rhythm:
        interval = self._told(source).interval or self._settings.collect.interval
        return Rhythm(interval.min, interval.max)

    def _told(self, source: sources.Claimed) -> Source:
        return self._settings.source[source.name]


def _is_whole(result: Read, now: datetime) -> bool:
    """Whether this counts as the first collection.

    What a cut-off document lacks is old when it comes, so the next one is quiet as well; but not
    for ever, since some servers never send the end.
    """
    patient = now - result.source.first_fetch_at < PATIENCE
    return not (patient and TRUNCATED_TAIL in result.document.repairs)
