"""Freezing an edition: what a digest has to tell at one instant, as a list that stands for ever.

    draft: key and span ──> stories: candidates of the span ──> the highest, as mail and page show
    them, each with what its place follows from (curate/selection)

Both steps only read; `run` writes what they give, a preview throws it away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from service.config.schema import Settings, Source
from service.curate.selection import reading
from service.curate.selection.score import score
from service.curate.selection.standing import Standing
from service.model import REVIEWS
from service.newsletter.late import DueEdition
from service.newsletter.rules import Schedule
from service.render.views import freeze, story_view
from service.store.audience import windows
from service.store.content import stories as story_rows
from service.store.core.bulk import lots
from service.store.core.database import Connection
from service.store.mailing import edition_candidates
from service.store.mailing.edition_candidates import DigestCandidate
from service.store.mailing.editions import Edition, Frozen, LiveDigest

OVERLAP = timedelta(hours=1)
"""On PostgreSQL a commit may become visible this much later than its own time says."""

LEAST_HALF_LIFE = timedelta(hours=12)
"""A story loses half of its score in one period of its digest, but no sooner than in this time."""

LOADED = 500
"""Stories read whole at a time."""

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
    written = settings.digest[cut.digest.name]
    due = [schedule.text for schedule in cut.schedules]
    waits = written.review is not None and (written.review_required or now < cut.cut_at)
    reach = (
        windows.reach(connection, cut.digest.id, due, at, cut.cut_at, waits=waits) if due else None
    )
    drafted = draft(
        cut.digest,
        cut.own,
        cut.schedules or (cut.own,),
        cut.cut_at,
        reach=min((one for one in (reach, also) if one is not None), default=None),
        now=now,
        ahead=written.review or timedelta(),
    )
    topics = topics_of(settings, cut.digest.name)
    looks_back = ZoneInfo(settings.zone) if drafted.cadence in REVIEWS else None
    return snapshot(
        connection, drafted, topics, settings.source, hot=written.hot, days_in=looks_back
    )


def draft(
    digest: LiveDigest,
    own: Schedule,
    schedules: Sequence[Schedule],
    cut_at: datetime,
    *,
    reach: datetime | None,
    now: datetime,
    ahead: timedelta = timedelta(),
) -> Edition:
    """The span of an edition. `schedules`: of those due at this cut, all of one cadence.

    `reach` is how far back those due must be told (None: nobody is due), `now` the real clock,
    `ahead` how long before its cut such an edition is frozen: so its own period begins as much
    before the previous cut. The edition is listed if the digest itself is cut here; without stories
    that does not last.
    """
    period_from = min(one.previous_cut(cut_at) for one in schedules) - ahead
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
    connection: Connection,
    drafted: Edition,
    topics: Iterable[str],
    sources: Mapping[str, Source],
    *,
    hot: bool = False,
    days_in: ZoneInfo | None = None,
    most: int = edition_candidates.LOT,
) -> tuple[Edition, list[Frozen]]:
    """The draft, finished, with its stories in their order: the highest first.

    `hot`: only hot ones. `days_in`: it is a review, where what went on for many days of this zone
    stands higher, and nothing does for being new. `most` candidates are in memory at a time, beside
    the best so far.
    """
    since = drafted.covers_from - OVERLAP
    half_life = max(LEAST_HALF_LIFE, drafted.cut_at - drafted.period_from)
    chosen: dict[DigestCandidate, Standing] = {}
    seen = 0
    for found in edition_candidates.entered(
        connection,
        topics,
        since,
        drafted.covers_to,
        hot=hot,
        most=most,
        digest_id=drafted.digest_id,
    ):
        known = reading.read(connection, [one.story_id for one in found], sources, days_in)
        ranked = {
            one: known.standing(
                one.story_id,
                [name for name, _ in one.topics],
                drafted.cut_at - one.out_at,
                half_life,
            )
            for one in found
        }
        chosen = best(chosen | ranked, drafted.period_from)
        seen += len(found)
    frozen = _frozen(connection, chosen)
    edition = replace(drafted, listed=drafted.listed and bool(frozen), more=seen - len(chosen))
    return edition, frozen


def _frozen(connection: Connection, chosen: Mapping[DigestCandidate, Standing]) -> list[Frozen]:
    """The chosen stories as they are now. They come with their texts, so a few at a time."""
    frozen: list[Frozen] = []
    for some in lots(chosen, LOADED):
        stories = story_rows.by_ids(connection, [one.story_id for one in some])
        frozen += [
            Frozen(
                story_id=one.story_id,
                position=position,
                topics=one.topics,
                article_ids=stories[one.story_id].article_ids,
                view=freeze(story_view(stories[one.story_id])),
                standing=chosen[one].as_json([name for name, _ in one.topics]),
            )
            for position, one in enumerate(some, len(frozen))
        ]
    return frozen


def best(
    found: Mapping[DigestCandidate, Standing], period_from: datetime
) -> dict[DigestCandidate, Standing]:
    """Per topic the best of the edition's own period and the best of what is older. Ranked.

    The best of some, put together with others, leave the same ones as all of them at once.
    """
    taken: dict[tuple[str, bool], int] = {}
    chosen: dict[DigestCandidate, Standing] = {}
    for one in sorted(found, key=lambda one: rank(one, found[one])):
        fits = False
        for topic, entered_at in one.topics:
            group = (topic, entered_at >= period_from)
            if taken.get(group, 0) < PER_TOPIC:
                taken[group] = taken.get(group, 0) + 1
                fits = True
        if fits:
            chosen[one] = found[one]
    return chosen


def rank(one: DigestCandidate, standing: Standing) -> tuple[float, float, str]:
    """Sorts by the score for all the digest's topics; of equal ones the newest comes first."""
    total = score(standing, standing.topics).total
    return (-total, -one.out_at.timestamp(), one.public_id)


def topics_of(settings: Settings, digest: str) -> tuple[str, ...]:
    """The topics of a digest that are in the TOML, in its order; by default every one."""
    named = settings.digest[digest].topics
    return tuple(
        name for name in (settings.topic if named is None else named) if name in settings.topic
    )
