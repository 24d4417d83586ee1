"""Freezing an edition: what a digest has to tell at one instant, as a list that stands for ever.

    draft: key and span ──> stories: candidates of the span ──> the best, as mail and page show them

Both steps only read; `run` writes what they give, a preview throws it away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from service.config.schema import Settings
from service.newsletter.late import DueEdition
from service.newsletter.rules import Schedule
from service.render.views import freeze, story_view
from service.store.audience import windows
from service.store.content import stories as story_rows
from service.store.core.database import Connection
from service.store.mailing import edition_candidates
from service.store.mailing.edition_candidates import DigestCandidate
from service.store.mailing.editions import Edition, Frozen, LiveDigest

OVERLAP = timedelta(hours=1)
"""On PostgreSQL a commit may become visible this much later than its own time says."""

PER_TOPIC = 100
"""Stories that a topic brings into an edition from its own period, and again from before it."""


def freeze_now(
    connection: Connection,
    settings: Settings,
    cut: DueEdition,
    at: datetime,
    now: datetime,
    also: datetime | None = None,
) -> tuple[Edition, list[Frozen]]:
    """The edition of a cut as it would be frozen now. Writes nothing.

    `at`: up to when cuts are due. `also`: an instant that it must reach back to besides.
    """
    due = [schedule.text for schedule in cut.schedules]
    reach = windows.reach(connection, cut.digest.id, due, at, cut.cut_at) if due else None
    drafted = draft(
        cut.digest,
        cut.own,
        cut.schedules or (cut.own,),
        cut.cut_at,
        reach=min((one for one in (reach, also) if one is not None), default=None),
        now=now,
    )
    return snapshot(connection, drafted, topics_of(settings, cut.digest.name))


def draft(
    digest: LiveDigest,
    own: Schedule,
    schedules: Sequence[Schedule],
    cut_at: datetime,
    *,
    reach: datetime | None,
    now: datetime,
) -> Edition:
    """The span of an edition. `schedules`: of those due at this cut, all of one cadence.

    `reach` is how far back those due must be told (None: nobody is due), `now` the real clock. The
    edition is listed if the digest itself is cut here; without stories that does not last.
    """
    period_from = min(one.previous_cut(cut_at) for one in schedules)
    cadence = schedules[0].rule.rhythm
    return Edition(
        id=0,
        digest_id=digest.id,
        cadence=cadence,
        cut_at=cut_at,
        covers_from=period_from if reach is None else min(period_from, reach),
        covers_to=min(cut_at, now),
        period_from=period_from,
        listed=cadence == own.rule.rhythm and own.latest_cut(cut_at) == cut_at,
        more=0,
    )


def snapshot(
    connection: Connection, drafted: Edition, topics: Iterable[str]
) -> tuple[Edition, list[Frozen]]:
    """The draft, finished, with its stories in their order: the best first."""
    since = drafted.covers_from - OVERLAP
    found = edition_candidates.entered(connection, topics, since, drafted.covers_to)
    chosen = best(found, drafted.period_from)
    stories = story_rows.by_ids(connection, [one.story_id for one in chosen])
    frozen = [
        Frozen(
            story_id=one.story_id,
            position=position,
            topics=one.topics,
            article_ids=stories[one.story_id].article_ids,
            view=freeze(story_view(stories[one.story_id])),
        )
        for position, one in enumerate(chosen)
    ]
    edition = replace(
        drafted, listed=drafted.listed and bool(frozen), more=len(found) - len(chosen)
    )
    return edition, frozen


def best(found: Sequence[DigestCandidate], period_from: datetime) -> list[DigestCandidate]:
    """Per topic the best of the edition's own period and the best of what is older. Ranked."""
    taken: dict[tuple[str, bool], int] = {}
    chosen: list[DigestCandidate] = []
    for one in sorted(found, key=rank):
        fits = False
        for topic, entered_at in one.topics:
            group = (topic, entered_at >= period_from)
            if taken.get(group, 0) < PER_TOPIC:
                taken[group] = taken.get(group, 0) + 1
                fits = True
        if fits:
            chosen.append(one)
    return chosen


def rank(one: DigestCandidate) -> tuple[float, float, str]:
    """What many outlets tell, and sources with weight, comes first; then what is newest."""
    newest = min(one.published or one.entered_at, one.entered_at)
    return (-one.weight * one.outlets, -newest.timestamp(), one.public_id)


def topics_of(settings: Settings, digest: str) -> tuple[str, ...]:
    """The topics of a digest that are in the TOML, in its order; by default every one."""
    named = settings.digest[digest].topics
    return tuple(
        name for name in (settings.topic if named is None else named) if name in settings.topic
    )
