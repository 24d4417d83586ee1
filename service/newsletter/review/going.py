"""Which editions of a run are under review, and which of them go now.

due, or coming within `review` ──> frozen, its review begun ──> its editors are mailed
each run: goes it now? ──yes──> gone, and planned as any other
                       └─no───> it waits; beyond the next cut it is overtaken
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from service.config.schema import Settings
from service.model import ReviewState
from service.newsletter import late, rules
from service.newsletter.late import DueEdition
from service.newsletter.review import states
from service.newsletter.scheduling import live_digests
from service.store.core.database import Connection, Store
from service.store.mailing import editions
from service.store.mailing.editions import Edition, Frozen
from service.store.reviews import reviews
from service.store.reviews.reviews import EditionReview


def begins(
    settings: Settings, cut: DueEdition, stories: Sequence[Frozen], at: datetime
) -> tuple[bool, bool]:
    """Whether an edition that is frozen now gets a review, and whether a word is required.

    One that is frozen at its hour or later, where no word is required, goes at once: its readers
    have waited, and its editors could not be asked.
    """
    written = settings.digest[cut.digest.name]
    reviewed = written.review is not None and len(stories) > 0
    required = written.review_required
    return reviewed and (required or at < cut.cut_at), required


def coming(
    store: Store, settings: Settings, zone: str, at: datetime, only: str | None
) -> list[DueEdition]:
    """The editions that come within their digest's `review`."""
    with store.read() as connection:
        found = [
            cut
            for row in live_digests(connection, settings, only)
            if (ahead := settings.digest[row.name].review) is not None
            for cut in late.coming_cuts(
                connection, row, rules.own(settings.digest[row.name], zone), at, ahead
            )
        ]
    return sorted(found, key=lambda cut: cut.order)


def waiting_alone(
    connection: Connection,
    settings: Settings,
    zone: str,
    at: datetime,
    only: str | None,
    due: Iterable[DueEdition],
) -> tuple[list[DueEdition], list[EditionReview]]:
    """Editions under review whose hour is past and which nobody is due for.

    Those that the archive waits for still, and those that are overtaken.
    """
    known = {(cut.digest.id, cut.cadence, cut.cut_at) for cut in due}
    rows = {row.name: row for row in live_digests(connection, settings, only)}
    kept, overtaken = [], []
    for one in reviews.open_ones(connection, only):
        if one.cut_at > at or (one.digest_id, one.cadence, one.cut_at) in known:
            continue
        row = rows.get(one.digest)
        if row is None:  # put back into the TOML it goes on
            continue
        own = rules.own(settings.digest[row.name], zone)
        if own.rule.rhythm == one.cadence and own.latest_cut(at) == one.cut_at:
            kept.append(DueEdition(row, own, one.cadence, one.cut_at, ()))
        else:
            overtaken.append(one)
    return kept, overtaken


def overtake(store: Store, found: Sequence[EditionReview], now: datetime) -> None:
    """Nobody waits for these any more: a later edition tells what they had."""
    for one in found:
        with store.ledger() as connection:
            if reviews.settle(connection, one, ReviewState.OVERTAKEN, now):
                editions.pass_over(connection, one.edition_id, now)


def goes(store: Store, cut: DueEdition, edition: Edition, at: datetime, now: datetime) -> bool:
    """Whether it is planned now. From then on nobody can change it.

    An edition without a review goes at its hour.
    """
    with store.read() as connection:
        found = reviews.of_edition(connection, edition.id)
    if found is None:
        return cut.cut_at <= at
    let_go_at = states.waits_until(cut.own, cut.cut_at, found.let_go_at, now)
    if not states.goes(found.state, cut.cut_at, at, required=found.required, let_go_at=let_go_at):
        return False
    if found.state is ReviewState.GONE:
        return cut.cut_at <= at or edition.planned_at is None
    with store.ledger() as connection:
        gone = reviews.settle(connection, found, ReviewState.GONE, now)
        if gone and not editions.stories(connection, edition.id):
            editions.unlist(connection, edition.id)  # all of it was taken out
        return gone
