"""Counts and instants for `bantin status` and `/readyz`: a few statements, whatever the size."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, case, exists, func, or_, select

from service.store import tables as t
from service.store.sources import poll_counts
from service.store.sources.dead_sources import Suggestion, suggestions_in
from service.store.sources.pauses import awake, is_resting
from service.store.websub import hub_overview
from service.store.websub.hub_overview import HubRow

BEYOND = "beyond_limit"
"""Why entries were refused that no row is kept of: their document has more than we take."""

COUNTED_AT_ONCE = 200_000
"""Articles that are counted one by one."""

NEWEST = 50
"""Articles of a topic by which its delays are told."""

FEW = 100
"""Mails of an article by which it is told when a relay first took one."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A live source's polling state with what came of it.

    `paused` by the TOML; from the command line since `paused_since`, until `paused_until` (None:
    until it is resumed). `held_until`: until when its publisher wants it left alone; `held_by`: the
    source of its site that was told so, None: itself. `drifting_since`: since when it gives no
    entries though it used to. `redirect_url`: a permanent move that is being watched since
    `redirect_since`. `parse_levels`: how often each parse level was enough. `hub`: its subscription
    there, None = there is none. The rest as in the columns of `source` and `source_poll`.
    """

    name: str
    title: str
    paused: bool
    first_collected_at: datetime | None
    last_ok_at: datetime | None
    next_poll_at: datetime
    failures: int
    error: str | None
    document_error: str | None
    quarantined_since: datetime | None
    gone_at: datetime | None
    moved_url: str | None
    last_tried_at: datetime | None
    repairs: tuple[str, ...]
    entries: int
    refused: dict[str, int] = field(default_factory=dict)
    paused_since: datetime | None = None
    paused_until: datetime | None = None
    held_until: datetime | None = None
    held_by: str | None = None
    drifting_since: datetime | None = None
    suggestions: tuple[Suggestion, ...] = ()
    interval_s: int | None = None
    fresh_s: int | None = None
    every_s: int | None = None
    skips: int = 0
    redirect_url: str | None = None
    redirect_since: datetime | None = None
    parse_levels: dict[str, int] = field(default_factory=dict)
    hub: HubRow | None = None
    page_error: str | None = None

    def is_paused(self, now: datetime) -> bool:
        return self.paused or is_resting(self.paused_since, self.paused_until, now)


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A live topic: how many articles, when the newest entered it (None: none yet)."""

    name: str
    title: str
    articles: int
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A live digest: its active subscribers and the earliest cut among them (None: nobody).

    `rule`: what that cut was computed from (newsletter/rules.py), None = nobody waits.
    """

    name: str
    title: str
    subscribers: int
    next_cut_at: datetime | None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class EditionRow:
    """An edition with the number of its stories. `error`: why mails of it could not be rendered.

    `listed`: it stands in the archive. `review`: how its review stands, None = it has none.
    `mailed`: some mails of it were planned all the same.
    """

    digest: str
    cadence: str
    cut_at: datetime
    stories: int
    planned: bool
    error: str | None
    listed: bool
    review: str | None = None
    mailed: bool = False


def sources(connection: Connection) -> list[SourceRow]:
    """Every source that is not retired, by name, with what came of it."""
    by_source = select(t.entry.c.source_id, func.count()).group_by(t.entry.c.source_id)
    counts: dict[int, int] = {row[0]: row[1] for row in connection.execute(by_source)}
    refused: dict[int, dict[str, int]] = defaultdict(dict)
    by_reason = (  # few are; an index holds them alone
        select(t.entry.c.source_id, t.entry.c.refused_reason, func.count())
        .where(t.entry.c.refused_reason.is_not(None))
        .group_by(t.entry.c.source_id, t.entry.c.refused_reason)
    )
    for source_id, reason, number in connection.execute(by_reason):
        refused[source_id][reason] = number
    hubs = hub_overview.by_source(connection)
    rows = connection.execute(_live_sources().order_by(t.source.c.name))
    return [
        _source_row(row, counts.get(row.id, 0), refused.get(row.id, {}), hubs.get(row.id))
        for row in rows
    ]


def troubled(connection: Connection, now: datetime, due_before: datetime) -> list[SourceRow]:
    """Those that are not paused and fail, are quarantined or held, or were due before; by name.

    What came of them is not counted, so that a probe may ask often.
    """
    source, poll = t.source.c, t.source_poll.c
    not_well = or_(
        poll.failures > 0,
        poll.quarantined_since.is_not(None),
        poll.held_until > now,
        poll.next_poll_at < due_before,
    )
    rows = connection.execute(_live_sources().where(awake(now), not_well).order_by(source.name))
    return [_source_row(row, 0, {}) for row in rows]


def polled(connection: Connection, now: datetime) -> int:
    """How many sources are collected: neither retired nor paused."""
    live = and_(t.source.c.retired_at.is_(None), awake(now))
    return connection.scalar(select(func.count()).select_from(t.source).where(live)) or 0


def _live_sources() -> Select[Any]:
    told = t.source.alias("told")
    return (
        select(t.source, t.source_poll, t.source_counts, told.c.name.label("held_by"))
        .join(t.source_poll, t.source_poll.c.source_id == t.source.c.id)
        .join(t.source_counts, t.source_counts.c.source_id == t.source.c.id)
        .outerjoin(told, told.c.id == t.source_poll.c.held_by_id)
        .where(t.source.c.retired_at.is_(None))
    )


def _source_row(
    row: Any, entries: int, refused: dict[str, int], hub: HubRow | None = None
) -> SourceRow:
    beyond = row.entries_beyond or 0
    return SourceRow(
        name=row.name,
        title=row.title,
        paused=row.paused,
        first_collected_at=row.first_collected_at,
        last_ok_at=row.last_ok_at,
        next_poll_at=row.next_poll_at,
        failures=row.failures,
        error=row.error,
        document_error=row.document_error,
        quarantined_since=row.quarantined_since,
        gone_at=row.gone_at,
        moved_url=row.moved_url,
        last_tried_at=row.last_tried_at,
        repairs=tuple(row.repairs or ()),
        entries=entries + beyond,
        refused=refused | ({BEYOND: beyond} if beyond else {}),
        paused_since=row.paused_since,
        paused_until=row.paused_until,
        held_until=row.held_until,
        held_by=row.held_by,
        drifting_since=row.drifting_since,
        suggestions=suggestions_in(row.suggestions),
        interval_s=row.interval_s,
        fresh_s=row.fresh_s,
        every_s=row.every_s,
        skips=row.skips or 0,
        redirect_url=row.redirect_url,
        redirect_since=row.redirect_since,
        parse_levels=poll_counts.by_level(row),
        hub=hub,
        page_error=row.page_error,
    )


def topics(connection: Connection) -> list[TopicRow]:
    """Every topic that is not retired, by name. An article that was merged is in none."""
    row = t.article_topic.c
    newest = select(func.max(row.entered_at)).where(row.topic_id == t.topic.c.id).scalar_subquery()
    number = select(row.topic_id, func.count().label("n")).group_by(row.topic_id).subquery()
    counted = (
        select(t.topic.c.name, t.topic.c.title, func.coalesce(number.c.n, 0), newest)
        .outerjoin(number, number.c.topic_id == t.topic.c.id)
        .where(t.topic.c.retired_at.is_(None))
        .order_by(t.topic.c.name)
    )
    return [TopicRow(*one) for one in connection.execute(counted)]


def digests(connection: Connection) -> list[DigestRow]:
    """Every digest that is not retired, in the order of the TOML."""
    live = and_(
        t.subscription.c.digest_id == t.digest.c.id,
        t.subscription.c.ended_at.is_(None),
        t.subscription.c.starts_at.is_not(None),
    )
    rows = connection.execute(
        select(
            t.digest.c.id,
            t.digest.c.name,
            t.digest.c.title,
            func.count(t.subscription.c.id),
            func.min(t.subscription.c.next_cut_at),
        )
        .outerjoin(t.subscription, live)
        .where(t.digest.c.retired_at.is_(None))
        .group_by(t.digest.c.id, t.digest.c.name, t.digest.c.title, t.digest.c.position)
        .order_by(t.digest.c.position)
    )
    return [
        DigestRow(name, title, number, cut, _rule_of(connection, id_, cut))
        for id_, name, title, number, cut in rows.all()
    ]


def _rule_of(connection: Connection, digest_id: int, cut: datetime | None) -> str | None:
    """Of one of those who wait for this cut."""
    row = t.subscription.c
    if cut is None:
        return None
    rule: str | None = connection.scalar(
        select(row.rule)
        .where(row.digest_id == digest_id, row.next_cut_at == cut, row.ended_at.is_(None))
        .limit(1)
    )
    return rule


def editions(connection: Connection, limit: int = 20) -> list[EditionRow]:
    """The newest editions first."""
    stories = (
        select(func.count())
        .where(t.edition_story.c.edition_id == t.edition.c.id)
        .correlate(t.edition)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            t.digest.c.name,
            t.edition.c.cadence,
            t.edition.c.cut_at,
            stories,
            t.edition.c.planned_at,
            t.edition.c.error,
            t.edition.c.listed,
            t.review.c.state,
            exists().where(t.delivery.c.edition_id == t.edition.c.id),
        )
        .join(t.digest, t.digest.c.id == t.edition.c.digest_id)
        .outerjoin(t.review, t.review.c.edition_id == t.edition.c.id)
        .order_by(t.edition.c.cut_at.desc(), t.edition.c.id.desc())
        .limit(limit)
    )
    return [
        EditionRow(
            digest, cadence, cut_at, number, planned_at is not None, error, listed, review,
            bool(mailed),
        )
        for digest, cadence, cut_at, number, planned_at, error, listed, review, mailed in rows
    ]  # fmt: skip


def articles(connection: Connection, at_once: int = COUNTED_AT_ONCE) -> int:
    """How many articles there are; one that was merged is not counted beside its other half.

    Of more than `at_once` as many as if none were missing between their ids: to count ten million
    takes seconds.
    """
    own = t.article.c
    newest = select(func.max(own.id)).scalar_subquery()
    number = select(func.count()).select_from(t.article)
    single = number.where(own.merged_into.is_(None)).scalar_subquery()
    merged = number.where(own.merged_into.is_not(None)).scalar_subquery()
    # Of a CASE neither database works out what it does not give.
    return connection.scalar(select(case((newest > at_once, newest - merged), else_=single))) or 0


def deliveries(connection: Connection) -> dict[str, int]:
    """State -> how many deliveries stand in it."""
    rows = connection.execute(select(t.delivery.c.state, func.count()).group_by(t.delivery.c.state))
    return {row[0]: row[1] for row in rows}


def oldest_waiting(connection: Connection) -> datetime | None:
    """When the oldest delivery that should have gone out was due; None: nothing waits."""
    waiting = t.delivery.c.state.in_(("planned", "deferred"))
    oldest: datetime | None = connection.scalar(
        select(func.min(t.delivery.c.next_try_at)).where(waiting)
    )
    return oldest


def delays(
    connection: Connection, topic: str
) -> list[tuple[datetime | None, datetime, datetime | None]]:
    """The times of a topic's newest news: (published, first seen, first accepted by a relay).

    Quiet articles are left out: they were never news here. Of those who were told an article
    FEW are looked at: there may be a million of them.
    """
    tellings = (
        select(t.told.c.delivery_id)
        .where(t.told.c.article_id == t.article.c.id)
        .limit(FEW)
        .correlate(t.article)
        .subquery()
    )
    accepted = (
        select(func.min(t.delivery.c.settled_at))
        .join(tellings, tellings.c.delivery_id == t.delivery.c.id)
        .where(t.delivery.c.state == "accepted")
        .correlate(t.article)
        .scalar_subquery()
    )
    # By the topic's row, not its name: only so the newest are read from the index.
    row = connection.scalar(select(t.topic.c.id).where(t.topic.c.name == topic))
    rows = connection.execute(
        select(t.article.c.published_at, t.article.c.first_seen_at, accepted)
        .join(t.article_topic, t.article_topic.c.article_id == t.article.c.id)
        .where(t.article_topic.c.topic_id == row, t.article_topic.c.quiet.is_(False))
        .order_by(t.article_topic.c.entered_at.desc())
        .limit(NEWEST)
    )
    return [(published, seen, told) for published, seen, told in rows]
