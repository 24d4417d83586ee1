"""`bantin status`: health and lateness at a glance, answered from rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from service.config.schema import Settings
from service.newsletter import rules
from service.newsletter.rules import PutOff
from service.report import hubs, mailing, recalls
from service.report.lateness import Lateness, lateness
from service.report.mailing import NOTHING, Beside, Mailing
from service.report.recalls import RecallStatus
from service.report.reviews import ReviewStanding, standings
from service.report.sentence import in_english
from service.report.standing import advice, held_until, pace, paused_until, reason, state
from service.report.trouble import Trouble
from service.store import status_counts, work_in_hand
from service.store.content import search_index
from service.store.core import processes
from service.store.core.database import Connection
from service.store.core.processes import GONE_AFTER, ServiceProcess
from service.store.mailing import returned_mail
from service.store.sources import configurations
from service.store.sources.configurations import InForce
from service.store.status_counts import DigestRow, EditionRow, SourceRow, TopicRow

RETURNED = timedelta(days=7)
"""Of how long what came back is counted."""


@dataclass(frozen=True, slots=True)
class Status:
    """What stands in the store at `now`.

    `unindexed`: articles that wait for the search index. `processes`: of a service of many;
    `in_hand`: what each of them has leased (`work_in_hand.by_process`). `in_force`: the
    configuration that was applied last. `returned`: kind -> mails that came back within RETURNED.
    `reviews`: of editions that have not gone yet. `recalled`: what was taken back lately.
    """

    now: datetime
    sources: tuple[SourceRow, ...]
    topics: tuple[tuple[TopicRow, Lateness], ...]
    digests: tuple[DigestRow, ...]
    editions: tuple[EditionRow, ...]
    deliveries: dict[str, int]
    mailing: Mailing
    unindexed: int
    troubles: tuple[Trouble, ...]
    processes: tuple[ServiceProcess, ...] = ()
    in_force: InForce | None = None
    in_hand: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    returned: Mapping[str, int] = field(default_factory=dict)
    recalled: RecallStatus = field(default_factory=RecallStatus)
    reviews: tuple[ReviewStanding, ...] = ()

    def review_of(self, one: EditionRow) -> ReviewStanding | None:
        """How the review of an edition stands; None: it has none, or has settled."""
        key = (one.digest, one.cadence, one.cut_at)
        return next(
            (
                found
                for found in self.reviews
                if (found.review.digest, found.review.cadence, found.review.cut_at) == key
            ),
            None,
        )


def status(
    connection: Connection,
    now: datetime,
    beside: Beside = NOTHING,
    settings: Settings | None = None,
) -> Status:
    """Read it all. `settings`: as in `standings`."""
    mail, troubles = mailing.reported(connection, now, beside)
    known = tuple(processes.seen(connection))
    return Status(
        now=now,
        sources=tuple(status_counts.sources(connection)),
        topics=tuple(
            (row, lateness(status_counts.delays(connection, row.name)))
            for row in status_counts.topics(connection)
        ),
        digests=tuple(status_counts.digests(connection)),
        editions=tuple(status_counts.editions(connection)),
        deliveries=status_counts.deliveries(connection),
        mailing=mail,
        unindexed=search_index.waiting(connection),
        troubles=troubles,
        processes=known,
        in_force=configurations.in_force(connection),
        in_hand=work_in_hand.by_process(connection, now) if known else {},
        returned=returned_mail.counts_since(connection, now - RETURNED),
        reviews=tuple(standings(connection, now, settings)),
        recalled=recalls.status(connection, now),
    )


def put_off(digest: DigestRow) -> PutOff | None:
    """When its next mail would have come, but for days off and quiet times; None: it does then."""
    if digest.rule is None or digest.next_cut_at is None:
        return None
    return rules.read(digest.rule).put_off(digest.next_cut_at)


def is_gone(process: ServiceProcess, now: datetime) -> bool:
    """Whether it has not shown itself for long: it died, or is cut off from the store."""
    return now - process.seen_at > GONE_AFTER


def is_older(process: ServiceProcess, found: Status) -> bool:
    """Whether it works with a configuration that was replaced."""
    has = process.configuration_hash
    return found.in_force is not None and has is not None and has != found.in_force.hash


def as_json(found: Status) -> dict[str, object]:
    """`bantin status --json`, a shape that scripts rely on. Instants are ISO 8601 in UTC.

    Its `troubles` are `trouble.as_json` of each: they need words.
    """
    return {
        "now": found.now.isoformat(),
        "sources": [source_json(source, found.now) for source in found.sources],
        "topics": [
            {
                "id": topic.name,
                "articles": topic.articles,
                "newest": _iso(topic.newest),
                "late_s": late.collected_s,
                "mailed_s": late.mailed_s,
            }
            for topic, late in found.topics
        ],
        "digests": [
            {
                "id": digest.name,
                "next_cut": _iso(digest.next_cut_at),
                "subscribers": digest.subscribers,
                "put_off_from": _iso(None if waits is None else waits.since),
            }
            for digest, waits in ((one, put_off(one)) for one in found.digests)
        ],
        "editions": [
            {
                "digest": edition.digest,
                "cadence": edition.cadence,
                "cut_at": _iso(edition.cut_at),
                "stories": edition.stories,
                "error": edition.error,
                "review": edition.review,
            }
            for edition in found.editions
        ],
        "deliveries": found.deliveries,
        "returned": dict(found.returned),
        "relays": [mailing.as_json(relay, found.mailing.waiting) for relay in found.mailing.relays],
        "search": {"waiting": found.unindexed},
        "recalled": [
            {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in recalls.as_json(one).items()
            }
            for one in found.recalled.recalls
        ],
        "remaking": found.recalled.remaking,
        "processes": [
            {
                "machine": one.machine,
                "name": one.name,
                "role": one.role,
                "pid": one.pid,
                "version": one.version,
                "started_at": one.started_at.isoformat(),
                "seen_at": one.seen_at.isoformat(),
                "gone": is_gone(one, found.now),
                "older_configuration": is_older(one, found),
                "clock_ahead_s": one.clock_ahead_s,
                "doing": {job: since.isoformat() for job, since in one.doing.items()},
                "in_hand": found.in_hand.get(one.id, {}),
            }
            for one in found.processes
        ],
    }


def source_json(source: SourceRow, now: datetime) -> dict[str, object]:
    """One of its sources. `parse_levels`: how often each parse level was enough.

    `websub`: its subscription at a hub, as in `hubs.as_json`.
    """
    english = in_english()
    return {
        "id": source.name,
        "state": state(source, now),
        "last_ok": _iso(source.last_ok_at),
        "last_tried": _iso(source.last_tried_at),
        "next_poll": None if source.gone_at else _iso(source.next_poll_at),
        "entries": source.entries,
        "refused": source.refused,
        "failures": source.failures,
        "error": source.error,
        "reason": english.tell(reason(source, now)) or None,
        "advice": english.tell(advice(source)) or None,
        "paused_until": _iso(paused_until(source, now)),
        "held_until": _iso(held_until(source, now)),
        "moved_to": source.moved_url,
        "suggestions": [asdict(one) for one in source.suggestions],
        "pace": pace(source) or None,
        "parse_levels": source.parse_levels,
        "page_error": source.page_error,
        "repairs": list(source.repairs),
        "websub": hubs.as_json(source.hub, now),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
