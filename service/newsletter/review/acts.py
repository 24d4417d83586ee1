"""What an editor's press does: one transaction, which names the version that the editor saw.

Whoever saw another version than the one that stands changes nothing, and is shown what somebody
else did meanwhile, beside what they wrote themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from service.config.schema import Settings
from service.model import ReviewAct, ReviewState
from service.newsletter import rules
from service.newsletter.review import asking, states
from service.newsletter.review.whole import whole
from service.newsletter.review.words import NOTE_CHARS, OPENING_CHARS, written
from service.newsletter.rules import Schedule
from service.render.engine import Renderer
from service.store.audience import windows
from service.store.core.database import Connection, Store
from service.store.core.kicks import Kick, kick
from service.store.mailing import editions
from service.store.mailing.editions import Frozen
from service.store.recalled import marks
from service.store.reviews import reviews, stories
from service.store.reviews.reviews import EditionReview, NewAct, ReviewLink

COPIES = 10
"""Copies that an editor may have of one edition: a link may be forwarded to anybody."""

BETWEEN_COPIES = timedelta(minutes=1)

_MOVES = frozenset({ReviewAct.PIN, ReviewAct.UP, ReviewAct.DOWN})
_STATES = frozenset({ReviewAct.HOLD, ReviewAct.APPROVE, ReviewAct.RELEASE})


class ReviewOutcome(StrEnum):
    """What became of a press."""

    DONE = "done"
    COPIED = "copied"
    NO_COPY = "no_copy"  # too many, too soon, or nothing to send
    CONFLICT = "conflict"  # somebody else changed it meanwhile
    SETTLED = "settled"  # it has gone, or was overtaken
    UNKNOWN = "unknown"  # no such link, or its owner is no editor any more


@dataclass(frozen=True, slots=True)
class ReviewWish:
    """A form that was sent. `version`: of the page that it stood on.

    `do` None: the words alone. `story`, and the keys of `notes`: public ids. `opening` None: that
    field was not there.
    """

    version: int
    do: ReviewAct | None = None
    story: str = ""
    opening: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenReview:
    """The review behind a link that may be used."""

    review: EditionReview
    link: ReviewLink


def find(connection: Connection, settings: Settings, token: str) -> OpenReview | None:
    """The review of a link, settled or not. None: no such link, or of who is no editor now."""
    link = reviews.link(connection, token)
    if link is None:
        return None
    review = reviews.of_edition(connection, link.edition_id)
    digest = settings.digest.get(review.digest) if review is not None else None
    if review is None or digest is None or link.address not in asking.editors_of(digest):
        return None
    return OpenReview(review, link)


def act(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    token: str,
    wish: ReviewWish,
) -> ReviewOutcome:
    """Do what was wished, all of it or nothing. Raises TooLongError for words, TemplateError."""
    with store.ledger() as connection:
        marks.hold_off(connection)  # a recall meets a story in or out, never between
        known = find(connection, settings, token)
        if known is None:
            return ReviewOutcome.UNKNOWN
        review = reviews.of_edition(connection, known.review.edition_id, lock=True)
        assert review is not None
        if not review.open:
            return ReviewOutcome.SETTLED
        if review.version != wish.version:
            return ReviewOutcome.CONFLICT
        frozen = editions.stories(connection, review.edition_id)
        done = _write_words(connection, review, frozen, wish)
        arranged = None
        if wish.do in _MOVES:
            moved = _move(connection, settings, renderer, review, frozen, wish)
            done += moved
            arranged = True if moved else None
        elif wish.do is ReviewAct.DROP or wish.do is ReviewAct.RESTORE:
            done += _take(connection, review, frozen, wish)
        state = _state(review, wish)
        if state is not None:
            assert wish.do is not None
            done.append(NewAct(wish.do))
        if done:
            reviews.acted(
                connection,
                review,
                known.link.address,
                done,
                now,
                state=state,
                arranged=arranged,
                let_go_at=None
                if wish.do is None
                else states.let_go_at(
                    wish.do,
                    review.cut_at,
                    now,
                    states.quiet_until(own(settings, review), review.cut_at, now),
                ),
            )
        if state in (ReviewState.APPROVED, ReviewState.RELEASED):
            kick(connection, Kick.SUBSCRIPTIONS)
        if wish.do is ReviewAct.COPY:
            return _copy(connection, settings, renderer, now, known.link)
        return ReviewOutcome.DONE


def own(settings: Settings, review: EditionReview) -> Schedule:
    """When the digest itself is cut, and when it is quiet there."""
    return rules.own(settings.digest[review.digest], settings.zone)


def next_cut(connection: Connection, settings: Settings, review: EditionReview) -> datetime:
    """When the first of its readers are due for another edition, which then takes its place."""
    theirs = [
        one
        for one in map(rules.read, windows.due_rules(connection, review.digest_id, review.cut_at))
        if (one.rule.rhythm, one.latest_cut(review.cut_at)) == (review.cadence, review.cut_at)
    ]
    return min(one.next_cut(review.cut_at) for one in theirs or [own(settings, review)])


def goes_at(
    connection: Connection, settings: Settings, review: EditionReview, now: datetime
) -> tuple[datetime, datetime | None]:
    """When an approved edition goes, and when another one takes its place before that.

    None: none does. Its digest must stand in `settings`.
    """
    waits = states.waits_until(own(settings, review), review.cut_at, review.let_go_at, now)
    at = max(review.cut_at, waits or review.cut_at)
    following = next_cut(connection, settings, review)
    return at, following if at >= following else None


def _state(review: EditionReview, wish: ReviewWish) -> ReviewState | None:
    """The state that it gets; None: it keeps its own."""
    if wish.do not in _STATES:
        return None
    state = states.after(review.state, wish.do)
    return None if state is review.state else state


def _write_words(
    connection: Connection, review: EditionReview, frozen: Sequence[Frozen], wish: ReviewWish
) -> list[NewAct]:
    done = []
    if wish.opening is not None:
        words = written(wish.opening, OPENING_CHARS)
        edition = editions.find(connection, review.digest_id, review.cadence, review.cut_at)
        assert edition is not None
        if words != edition.opening:
            reviews.open_words(connection, review.edition_id, words or None)
            done.append(NewAct(ReviewAct.OPENING, detail=words))
    for one in frozen:
        said = wish.notes.get(one.view["public_id"])
        if said is None:
            continue
        words = written(said, NOTE_CHARS)
        if words != one.note:
            stories.annotate(connection, review.edition_id, one.story_id, words or None)
            done.append(NewAct(ReviewAct.NOTE, one.story_id, words))
    return done


def _move(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    review: EditionReview,
    frozen: Sequence[Frozen],
    wish: ReviewWish,
) -> list[NewAct]:
    found = _story(frozen, wish.story)
    if found is None or wish.do is None:
        return []
    seen = whole(connection, settings, renderer, review)
    order = states.reordered(seen.groups, seen.rest, wish.do, found.story_id)
    if order is None:
        return []
    stories.arrange(connection, review.edition_id, order)
    return [NewAct(wish.do, found.story_id)]


def _take(
    connection: Connection, review: EditionReview, frozen: Sequence[Frozen], wish: ReviewWish
) -> list[NewAct]:
    dropping = wish.do is ReviewAct.DROP
    among = frozen if dropping else stories.dropped(connection, review.edition_id)
    found = _story(among, wish.story)
    if found is None or wish.do is None:
        return []
    change = stories.drop if dropping else stories.restore
    if not change(connection, review.digest_id, review.edition_id, found.story_id):
        return []
    return [NewAct(wish.do, found.story_id)]


def _story(among: Sequence[Frozen], public_id: str) -> Frozen | None:
    return next((one for one in among if one.view["public_id"] == public_id), None)


def _copy(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    link: ReviewLink,
) -> ReviewOutcome:
    """Plan a copy of how it stands now, the words included that were sent along."""
    review = reviews.of_edition(connection, link.edition_id)
    assert review is not None
    sent = [
        one.happened_at
        for one in reviews.acts(connection, link.edition_id)
        if one.act is ReviewAct.COPY and one.address == link.address
    ]
    if len(sent) >= COPIES or (sent and now - sent[-1] < BETWEEN_COPIES):
        return ReviewOutcome.NO_COPY
    if not asking.copy(connection, settings, renderer, now, review, link, len(sent) + 1):
        return ReviewOutcome.NO_COPY
    reviews.note(
        connection, review.edition_id, review.version, link.address, [NewAct(ReviewAct.COPY)], now
    )
    return ReviewOutcome.COPIED
