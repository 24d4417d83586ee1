"""What a pass writes: results as they come, several in one visit to the database.

"Unchanged" and failures share one transaction. Documents share one as long as others need not wait
for it; if that fails, each is tried in one of its own. A document's entries and its source's new
state are kept together or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from service.collect.politeness.backoff import Sparing
from service.collect.polling.request import Failed, PolledDocument, Result, Unchanged
from service.collect.schedule import empty_source, outcome
from service.collect.schedule.next_poll import Bounds
from service.collect.schedule.outcome import NextPoll, PollTerms
from service.config.schema import Settings, Source
from service.curate.admit import AdmitSource, Admitted, Submission, admit_prepared
from service.curate.prepare import Prepared
from service.curate.rules.matcher import Matcher
from service.errors import (
    BantinError,
    DriftError,
    QuarantinedError,
    StoreBusyError,
    StoreError,
)
from service.parse.repair.repair_names import TRUNCATED_TAIL
from service.store.content import entries, stale_feeds, versions
from service.store.core.database import Connection, Store
from service.store.sources import poll_results, polling_queue, push_state, snapshots
from service.store.sources.list_state import Lists
from service.store.sources.poll_results import Fine, SourceTitle
from service.store.websub import callbacks
from service.text.fold import nfc

PATIENCE = timedelta(days=1)
"""For how long a document that breaks off does not count as the first whole one."""

PART = 500
"""Entries in one transaction: nobody else can write meanwhile."""

SHARED = 600
"""Entries of several documents in one transaction: some 40 ms, in which nobody else writes."""

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one source. `error` None: fine. `lost`: it was not ours any more.

    `articles`: public ids of the news that its new entries tell. `late`: seconds from publication
    to our first sight -> how many new articles.
    """

    source: polling_queue.ClaimedSource
    error: BantinError | None = None
    new: int = 0
    changed: int = 0
    topics: frozenset[str] = frozenset()
    lost: bool = False
    articles: tuple[str, ...] = ()
    late: Mapping[int, int] = field(default_factory=dict)

    def told(self) -> dict[str, object]:
        """What the log says of it."""
        return {
            "id": self.source.name,
            "status": "lost" if self.lost else "failed" if self.error else "ok",
            "new": self.new,
            "changed": self.changed,
            "error": str(self.error) if self.error else None,
            **({"articles": self.articles} if self.articles else {}),
        }


class Recorder:
    """Writes results; runs in a thread. `random` gives numbers in [0, 1)."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        matcher: Matcher,
        clock: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._store = store
        self._settings = settings
        self._matcher = matcher
        self._clock = clock
        self._random = random
        self.sparing = Sparing(settings, random)

    def record(self, results: Sequence[Result]) -> list[Recorded]:
        """Records all in the order given, except that documents come last. Raises StoreError."""
        same = [result for result in results if isinstance(result, Unchanged)]
        failed = [result for result in results if isinstance(result, Failed)]
        done: list[Recorded] = []
        if same or failed:
            with self._store.write() as connection:
                done += self._note(connection, same)
                done += [self._fail(connection, result) for result in failed]
        for some in _together([result for result in results if isinstance(result, PolledDocument)]):
            done += self._keep(some)
        return done

    def _note(self, connection: Connection, same: Sequence[Unchanged]) -> list[Recorded]:
        now = self._clock()
        told = []
        for one in same:
            plan = self._answered(one, now, whole=one.whole)
            told.append(
                poll_results.Same(one.source, one.fingerprint, one.whole, plan.at, plan.poll_state)
            )
        lost = poll_results.record_unchanged(connection, now, told)
        return [Recorded(one.source, lost=one.source.id in lost) for one in same]

    def _fail(self, connection: Connection, result: Failed) -> Recorded:
        source, now = result.source, self._clock()
        plan = outcome.failed(
            source,
            self._terms(source),
            now,
            result.error,
            for_all=result.for_all,
            random=self._random(),
        )
        kept = poll_results.record_failure(
            connection,
            source,
            error=" ".join(nfc(str(result.error)).split()),
            next_poll_at=plan.at,
            poll_state=plan.poll_state,
            fingerprint=result.fingerprint,
            quarantined_at=now if isinstance(result.error, QuarantinedError) else None,
            gone_at=now if plan.gone else None,
            drifting_at=now if isinstance(result.error, DriftError) else None,
            dead_at=now if outcome.is_dead(result.error) else None,
            held_until=plan.held_until,
        )
        if outcome.is_too_many(result.error):
            self.sparing.spare(
                connection, source.name, source.address, result.error, now, itself=False
            )
        return Recorded(source, error=result.error, lost=not kept)

    def _keep(self, results: Sequence[PolledDocument]) -> list[Recorded]:
        """Store documents; a source whose own cannot be stored has failed, and it is not known."""
        try:
            return self._admit(results)
        except StoreBusyError:
            raise
        except Exception as error:  # noqa: BLE001 - one document must not cost the others
            if len(results) > 1:
                return [recorded for one in results for recorded in self._keep([one])]
            (result,) = results
            _log.exception("document not stored", id=result.source.name)
            reason = StoreError(f"its entries could not be stored ({type(error).__name__})")
            with self._store.write() as connection:
                return [self._fail(connection, Failed(result.source, reason))]

    def _admit(self, results: Sequence[PolledDocument]) -> list[Recorded]:
        """One transaction, but for a huge document: it comes in parts, the last settles it."""
        became = [Recorded(result.source) for result in results]
        for shares in _rounds(results):
            became = self._admit_shares(shares, became)
            if all(one.lost for one in became):
                break
        return became

    def _admit_shares(self, shares: Sequence[Share], before: Sequence[Recorded]) -> list[Recorded]:
        """What became of each until now. `before`: of the shares that went before."""
        with self._store.write() as connection:
            called = poll_results.held(connection, (share.result.source for share in shares))
            now = self._clock()
            ours = [at for at, share in enumerate(shares) if share.result.source.id in called]
            submissions = [
                Submission(self._as_admitted(shares[at]), shares[at].made) for at in ours
            ]
            admitted = admit_prepared(connection, submissions, now, self._matcher)
            became = [replace(one, lost=True) for one in before]
            for at, one in zip(ours, admitted, strict=True):
                became[at] = replace(
                    before[at],
                    new=before[at].new + one.new,
                    changed=before[at].changed + one.changed,
                    topics=before[at].topics | one.topics,
                    articles=before[at].articles + tuple(new.article for new in one.news),
                    late=Counter(before[at].late) + lateness(one),
                )
            ended = [(shares[at].result, became[at].new) for at in ours if shares[at].ends]
            shown = self._settle(connection, ended, called, now)
        return [
            replace(one, topics=one.topics | shown.get(one.source.id, frozenset()))
            for one in became
        ]

    def _settle(
        self,
        connection: Connection,
        settled: Sequence[tuple[PolledDocument, int]],
        called: Mapping[int, SourceTitle],
        now: datetime,
    ) -> dict[int, frozenset[str]]:
        """Keep the sources' state: (document, how many of its entries were new).

        Returns the topics that show the outlet under another name from now on, by its source.
        """
        fine = [
            self._fine(self._as_pushed(connection, result, new, now), now, new)
            for result, new in settled
            if not self._deliver(connection, result, new, now)
        ]
        poll_results.record_fine(connection, now, fine)
        snapshots.keep(
            connection,
            {
                result.source.id: result.parsed.memory
                for result, _ in settled
                if result.delivery is None
            },
        )
        # What a first collection brings is marked by its entries.
        renamed = [
            one.source.id
            for one in fine
            if one.source.first_collected_at is not None and one.renames(called[one.source.id])
        ]
        shown = frozenset(self._settings.topic)
        if renamed:
            # Marks are raised in one order within one call; the second call of a transaction needs
            # the queue, or PostgreSQL could see two of them wait for one another.
            entries.queue(connection)
            stale_feeds.mark(connection, {*shown, stale_feeds.EVERYTHING}, now)
            versions.raise_(connection, [versions.STORIES])
        return dict.fromkeys(renamed, shown)

    def _deliver(
        self, connection: Connection, result: PolledDocument, new: int, now: datetime
    ) -> bool:
        """Whether a hub brought it; then it says nothing of the source's own document."""
        if result.delivery is None:
            return False
        taught = outcome.taught(result.source.poll_state, result.parsed, new, now)
        push_state.record_delivered(connection, result.source, taught)
        callbacks.done(connection, [result.delivery])
        return True

    def _as_pushed(
        self, connection: Connection, result: PolledDocument, new: int, now: datetime
    ) -> PolledDocument:
        """A hub that missed this news is not relied on."""
        source = result.source
        if not new or source.pushed_until is None:
            return result
        if not push_state.missed(connection, source.id, now):
            return result
        return replace(result, source=replace(source, pushed_until=None))

    def _fine(self, result: PolledDocument, now: datetime, new: int) -> Fine:
        source, parsed = result.source, result.parsed
        document = parsed.document
        plan = self._answered(result, now, whole=True, new=new)
        return Fine(
            source=source,
            fingerprint=result.fingerprint,
            next_poll_at=plan.at,
            poll_state=plan.poll_state,
            title=None if self._told(source).title else document.title,
            home=document.link,
            entries=parsed.listed,
            beyond=document.beyond,
            repairs=document.repairs,
            level=parsed.level,
            lists=Lists(
                entries_usual=empty_source.usual(source.lists.entries_usual, parsed.listed),
                list_path=document.place,
                sitemaps=result.children,
            ),
            whole=_is_whole(result, now),
            topic=result.advertised.topic if result.advertised else None,
            hubs=result.advertised.hubs if result.advertised else (),
        )

    def _as_admitted(self, share: Share) -> AdmitSource:
        source = share.result.source
        told, document = self._told(source), share.result.parsed.document
        return AdmitSource(
            id=source.id,
            name=source.name,
            title=told.title or document.title or source.name,
            weight=told.weight,
            language=told.language,
            topics=told.topics,
            first_collection=share.old or source.first_collected_at is None,
            first_fetch_at=source.first_fetch_at,
            home=document.link,
        )

    def _answered(
        self, result: Unchanged | PolledDocument, now: datetime, *, whole: bool, new: int = 0
    ) -> NextPoll:
        return outcome.answered(
            result.source,
            self._terms(result.source),
            now,
            fingerprint=result.fingerprint,
            fresh_s=result.fresh_s,
            hops=result.hops,
            whole=whole,
            random=self._random(),
            parsed=result.parsed if isinstance(result, PolledDocument) else None,
            new=new,
            pushed=_is_pushed(result.source, now),
        )

    def _terms(self, source: polling_queue.ClaimedSource) -> PollTerms:
        told = self._told(source)
        interval = told.interval or self._settings.collect.interval
        return PollTerms(
            Bounds(interval.min, interval.max),
            said_here=told.interval is not None,
            tied=told.auth is not None or bool(told.headers),
        )

    def _told(self, source: polling_queue.ClaimedSource) -> Source:
        return self._settings.source[source.name]


def lateness(admitted: Admitted) -> Counter[int]:
    """Seconds from publication to our first sight -> how many new articles."""
    return Counter(one.late_s for one in admitted.news if one.late_s is not None)


@dataclass(frozen=True, slots=True)
class Share:
    """What is admitted of a document in one transaction.

    `old`: what the source had before it was first collected, and shows only now. `ends`: the last
    of this document.
    """

    result: PolledDocument
    made: Sequence[Prepared]
    old: bool = False
    ends: bool = True


def _rounds(results: Sequence[PolledDocument]) -> list[list[Share]]:
    """Several documents at once, or a single one part by part. There is at least one round."""
    if len(results) > 1:
        return [[Share(result, result.parsed.made) for result in results]]
    (result,) = results
    parts = [
        Share(result, some[start : start + PART], old=old, ends=False)
        for some, old in ((result.old, True), (result.parsed.made, False))
        for start in range(0, len(some), PART)
    ]
    last = replace(parts[-1], ends=True) if parts else Share(result, ())
    return [[share] for share in (*parts[:-1], last)]


def _together(results: Sequence[PolledDocument]) -> Iterator[list[PolledDocument]]:
    """Documents that share a transaction; one with old entries or very many has its own."""
    some: list[PolledDocument] = []
    room = SHARED
    for result in results:
        size = len(result.parsed.made)
        alone = bool(result.old) or size > PART
        if some and (alone or size > room or not room):
            yield some
            some, room = [], SHARED
        some.append(result)
        room = 0 if alone else room - size
    if some:
        yield some


def _is_pushed(source: polling_queue.ClaimedSource, now: datetime) -> bool:
    return source.pushed_until is not None and source.pushed_until > now


def _is_whole(result: PolledDocument, now: datetime) -> bool:
    """Whether this counts as the first collection.

    What a cut-off document lacks is old when it comes, so the next one is quiet as well; but not
    for ever, since some servers never send the end.
    """
    patient = now - result.source.first_fetch_at < PATIENCE
    return not (patient and TRUNCATED_TAIL in result.parsed.document.repairs)
