"""Editions under review: how they stand, which wait beyond their hour, and who did what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.config.schema import Settings
from service.model import ReviewAct, ReviewState
from service.newsletter.review import acts
from service.newsletter.review.asking import editors_of
from service.render.views import thaw
from service.report.sentence import Sentence, sentence
from service.report.trouble import Trouble
from service.store.audience import suppressions
from service.store.core.database import Connection
from service.store.mailing import editions
from service.store.reviews import reviews, stories
from service.store.reviews.reviews import EditionReview

_SLACK = timedelta(minutes=5)
"""An edition that goes without a word may be planned so late, if much is planned at once."""


@dataclass(frozen=True, slots=True)
class ReviewStanding:
    """An edition under review. `editors`: who was mailed a link; `holder`: who holds it, or "".

    `unreachable`: those of the editors whose address is suppressed, so that no link reaches them.
    `goes_at`: when it goes by itself; `goes_over_at`: when the next edition takes its place before
    that, since it is quiet until then, None = none does.
    """

    review: EditionReview
    editors: tuple[str, ...]
    holder: str
    unreachable: tuple[str, ...] = ()
    goes_at: datetime | None = None
    goes_over_at: datetime | None = None

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """How it stands, and who could not be told."""
        if not self.unreachable:
            return (self.sentence,)
        return self.sentence, sentence("review.status.unreachable", editors=self.unreachable)

    @property
    def sentence(self) -> Sentence:
        """How it stands, in a few words."""
        one = self.review
        if one.state is ReviewState.HELD:
            return sentence("review.status.held", who=self.holder or "?")
        if one.state is ReviewState.WAITING and one.required:
            return sentence("review.status.waits", editors=self.editors)
        if self.goes_over_at is not None:
            return sentence("review.status.goes_over", at=self.goes_over_at)
        return sentence(f"review.status.{one.state}", at=self.goes_at or _goes_at(one))


def standings(
    connection: Connection, now: datetime, settings: Settings | None = None
) -> list[ReviewStanding]:
    """All that have not settled, by when they go.

    `settings` None: not known. Then an approved one is taken to go when that was said it would,
    which may have been from a page that was opened long before, and editors who were mailed a link
    to be editors still.
    """
    found = []
    for one in reviews.open_ones(connection):
        known = settings is not None and one.digest in settings.digest
        still = editors_of(settings.digest[one.digest]) if settings and known else None
        stands = _standing(connection, one, still)
        if one.state is ReviewState.APPROVED and settings and known:
            at, over = acts.goes_at(connection, settings, one, now)
            stands = replace(stands, goes_at=at, goes_over_at=over)
        found.append(stands)
    return found


@dataclass(frozen=True, slots=True)
class ReviewedAct:
    """What an editor did. `who` "": forgotten. `headline` "": of no story, or of one that is gone.

    `detail`: the words that were written, None = none.
    """

    at: datetime
    who: str
    act: ReviewAct
    headline: str
    detail: str | None


def history(connection: Connection, edition_id: int) -> list[ReviewedAct]:
    """All that was done to an edition while it was under review, the oldest first."""
    done = reviews.acts(connection, edition_id)
    if not done:
        return []
    told = (*editions.stories(connection, edition_id), *stories.dropped(connection, edition_id))
    headlines = {one.story_id: thaw(one.view).title for one in told}
    return [
        ReviewedAct(
            one.happened_at,
            one.address,
            one.act,
            headlines.get(one.story_id, "") if one.story_id else "",
            one.detail,
        )
        for one in done
    ]


def _goes_at(one: EditionReview) -> datetime:
    """When it goes by itself: approved in a quiet time it waits for its end."""
    return one.cut_at if one.let_go_at is None else max(one.cut_at, one.let_go_at)


def overdue(one: EditionReview, now: datetime) -> bool:
    """Whether its readers wait for an editor's word."""
    if one.state is ReviewState.HELD or (one.state is ReviewState.WAITING and one.required):
        return one.cut_at <= now
    return _goes_at(one) <= now - _SLACK


def troubles(
    connection: Connection, now: datetime, settings: Settings | None = None
) -> list[Trouble]:
    """Those whose hour has passed. It stops nothing: somebody wants it so.

    `settings`: as in `standings`.
    """
    return [
        Trouble(
            "review_held" if one.review.state is ReviewState.HELD else "review_waits",
            {
                "digest": one.review.digest,
                "cut": one.review.cut_at,
                "since": one.review.cut_at,
                "who": one.holder or "?",
                "editors": one.editors,
            },
        )
        for one in standings(connection, now, settings)
        if overdue(one.review, now)
    ]


def _standing(
    connection: Connection, one: EditionReview, still: Collection[str] | None
) -> ReviewStanding:
    """`still`: who is its digest's editor; None: not known."""
    held = [
        act.address for act in reviews.acts(connection, one.edition_id) if act.act is ReviewAct.HOLD
    ]
    asked = [link.address for link in reviews.links(connection, one.edition_id)]
    editors = tuple(who for who in asked if still is None or who in still)
    return ReviewStanding(
        one,
        editors,
        held[-1] if held and one.state is ReviewState.HELD else "",
        suppressions.barred(connection, editors),
    )
