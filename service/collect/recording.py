"""What a pass writes: results as they come, several in one visit to the database.

"Unchanged" and failures share one transaction. Each document has its own: its entries and the
source's new state are kept together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import structlog

from service.collect import drift, manners, planning, schedule
from service.collect.asking import Failed, Read, Result, Unchanged
from service.collect.mended import TRUNCATED_TAIL
from service.collect.planning import Plan, Terms
from service.collect.schedule import Bounds
from service.config.schema import Settings, Source
from service.curate.admit import AdmitSource, admit_prepared
from service.curate.prepare import Prepared
from service.curate.rules import Matcher
from service.errors import (
    BantinError,
    DriftError,
    HttpError,
    PutAsideError,
    StoreBusyError,
    StoreError,
)
from service.model import Document
from service.store import callbacks, memories, pushing, sources, stale
from service.store.database import Connection, Store
from service.store.holds import put_off
from service.store.lists import Lists
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
        same = [result for result in results if isinstance(result, Unchanged)]
        failed = [result for result in results if isinstance(result, Failed)]
        done: list[Recorded] = []
        if same or failed:
            with self._store.write() as connection:
                done += self._note(connection, same)
                done += [self._fail(connection, result) for result in failed]
        done += [self._keep(result) for result in results if isinstance(result, Read)]
        return done

    def _note(self, connection: Connection, same: Sequence[Unchanged]) -> list[Recorded]:
        now = self._clock()
        told = []
        for one in same:
            plan = self._answered(one, now, whole=one.whole)
            told.append(sources.Same(one.source, one.behind, one.whole, plan.at, plan.manners))
        lost = sources.record_unchanged(connection, now, told)
        return [Recorded(one.source, lost=one.source.id in lost) for one in same]

    def _fail(self, connection: Connection, result: Failed) -> Recorded:
        source, now = result.source, self._clock()
        plan = planning.failed(
            source,
            self._terms(source),
            now,
            result.error,
            for_all=result.for_all,
            dice=self._dice(),
        )
        kept = sources.record_failure(
            connection,
            source,
            error=" ".join(nfc(str(result.error)).split()),
            next_poll_at=plan.at,
            manners=plan.manners,
            behind=result.behind,
            aside_at=now if isinstance(result.error, PutAsideError) else None,
            gone_at=now if plan.gone else None,
            drifting_at=now if isinstance(result.error, DriftError) else None,
            dead_at=now if planning.is_dead(result.error) else None,
            held_until=plan.held_until,
        )
        if planning.is_too_many(result.error):
            self._spare(connection, source, result.error, now)
        return Recorded(source, error=result.error, lost=not kept)

    def _spare(
        self, connection: Connection, source: sources.Claimed, error: BantinError, now: datetime
    ) -> None:
        """Leave the whole site alone: the server counts what it is asked, not by which source."""
        asked = error.retry_after_s if isinstance(error, HttpError) else None
        until = schedule.held_until(now, asked)
        site = self._site(source.name, source.address)
        others = [name for name in self._sites.get(site, ()) if name != source.name]
        gap = self._told(source).per_site or self._settings.collect.per_site
        floor = self._terms(source).bounds.floor
        crowd_s = max(len(others) * gap.delay, floor).total_seconds()
        put_off(
            connection,
            others,
            source.name,
            until,
            lambda due_at: schedule.shifted(now, until, due_at, crowd_s, self._dice()),
        )

    @cached_property
    def _sites(self) -> dict[str, list[str]]:
        """By the addresses of the TOML: few sources have moved, and then mostly within a site."""
        sites: dict[str, list[str]] = {}
        for name, told in self._settings.source.items():
            sites.setdefault(self._site(name, told.url), []).append(name)
        return sites

    def _site(self, name: str, url: str) -> str:
        return manners.site(self._settings.source[name], self._settings.collect, url)

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
        source = result.source
        became = Recorded(source)
        parts = _parts(result)
        for number, (made, old) in enumerate(parts, 1):
            with self._store.write() as connection:
                if not sources.holds(connection, source):
                    return replace(became, lost=True)
                now = self._clock()
                admitted = admit_prepared(
                    connection,
                    self._as_admitted(source, result.brought.document, old=old),
                    made,
                    now,
                    self._matcher,
                )
                became = replace(
                    became,
                    new=became.new + admitted.new,
                    changed=became.changed + admitted.changed,
                    topics=became.topics | admitted.topics,
                )
                if number == len(parts):
                    shown = self._settle(connection, result, now, became.new)
                    became = replace(became, topics=became.topics | shown)
        return became

    def _settle(
        self, connection: Connection, result: Read, now: datetime, new: int
    ) -> frozenset[str]:
        """Keep the source's state. Returns the topics that show the outlet under another name."""
        source, brought = result.source, result.brought
        if result.delivery is not None:
            taught = planning.taught(source.manners, brought, new, now)
            pushing.record_delivered(connection, source, taught)
            callbacks.done(connection, [result.delivery])
            return frozenset()
        document = brought.document
        before = sources.is_called(connection, source)
        if new and source.pushed_until is not None:
            missed = pushing.missed(connection, source.id, now)
            source = replace(source, pushed_until=None) if missed else source
            result = replace(result, source=source)
        plan = self._answered(result, now, whole=True, new=new)
        sources.record_ok(
            connection,
            source,
            now,
            behind=result.behind,
            next_poll_at=plan.at,
            manners=plan.manners,
            title=None if self._told(source).title else document.title,
            home=document.link,
            entries=brought.listed,
            beyond=document.beyond,
            repairs=document.repairs,
            rung=brought.rung,
            lists=Lists(
                entries_usual=drift.usual(source.lists.entries_usual, brought.listed),
                place=document.place,
                children=result.children,
            ),
            whole=_is_whole(result, now),
            topic=result.advertised.topic if result.advertised else None,
            hubs=result.advertised.hubs if result.advertised else (),
        )
        memories.keep(connection, source.id, brought.memory)
        # What a first collection brings is marked by its entries.
        first = source.first_collected_at is None
        if first or sources.is_called(connection, source) == before:
            return frozenset()
        topics = frozenset(self._settings.topic)
        stale.mark(connection, {*topics, stale.EVERYTHING}, now)
        return topics

    def _as_admitted(
        self, source: sources.Claimed, document: Document, *, old: bool
    ) -> AdmitSource:
        """`old`: what it had before it was first collected, and shows only now."""
        told = self._told(source)
        return AdmitSource(
            id=source.id,
            name=source.name,
            title=told.title or document.title or source.name,
            weight=told.weight,
            language=told.language,
            topics=told.topics,
            first_collection=old or source.first_collected_at is None,
            first_fetch_at=source.first_fetch_at,
        )

    def _answered(
        self, result: Unchanged | Read, now: datetime, *, whole: bool, new: int = 0
    ) -> Plan:
        return planning.answered(
            result.source,
            self._terms(result.source),
            now,
            behind=result.behind,
            fresh_s=result.fresh_s,
            hops=result.hops,
            whole=whole,
            dice=self._dice(),
            brought=result.brought if isinstance(result, Read) else None,
            new=new,
            pushed=_is_pushed(result.source, now),
        )

    def _terms(self, source: sources.Claimed) -> Terms:
        told = self._told(source)
        interval = told.interval or self._settings.collect.interval
        return Terms(
            Bounds(interval.min, interval.max),
            said_here=told.interval is not None,
            tied=told.auth is not None or bool(told.headers),
        )

    def _told(self, source: sources.Claimed) -> Source:
        return self._settings.source[source.name]


def _parts(result: Read) -> list[tuple[Sequence[Prepared], bool]]:
    """What to admit part by part, and whether each is old. There is at least one."""
    parts: list[tuple[Sequence[Prepared], bool]] = [
        (some[start : start + PART], old)
        for some, old in ((result.old, True), (result.brought.made, False))
        for start in range(0, len(some), PART)
    ]
    return parts or [((), False)]


def _is_pushed(source: sources.Claimed, now: datetime) -> bool:
    return source.pushed_until is not None and source.pushed_until > now


def _is_whole(result: Read, now: datetime) -> bool:
    """Whether this counts as the first collection.

    What a cut-off document lacks is old when it comes, so the next one is quiet as well; but not
    for ever, since some servers never send the end.
    """
    patient = now - result.source.first_fetch_at < PATIENCE
    return not (patient and TRUNCATED_TAIL in result.brought.document.repairs)
