"""Reads and writes the review of an edition: its state, its links and its acts.

Each act raises `version`; what decides by a state changes it under a condition, so that an act and
the planning that takes the edition away follow each other. Write inside `store.ledger()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update

from service.model import ReviewAct, ReviewState
from service.store.content import versions
from service.store.core.statements import upsert
from service.store.tables import digest, edition, review, review_act, review_link

_OPEN = tuple(
    one.value for one in ReviewState if one not in {ReviewState.GONE, ReviewState.OVERTAKEN}
)

_REVIEWS: Select[tuple[object, ...]] = (
    select(
        review,
        digest.c.name.label("digest"),
        digest.c.id.label("digest_id"),
        edition.c.cadence,
        edition.c.cut_at,
    )
    .join(edition, edition.c.id == review.c.edition_id)
    .join(digest, digest.c.id == edition.c.digest_id)
)
_OF_EDITION = _REVIEWS.where(review.c.edition_id == bindparam("of"))
_OPEN_ONES = _REVIEWS.where(review.c.state.in_(_OPEN), digest.c.retired_at.is_(None)).order_by(
    edition.c.cut_at, edition.c.id
)


@dataclass(frozen=True, slots=True)
class EditionReview:
    """The review of an edition. `digest`: its id in the TOML.

    `version` counts the acts. `arranged`: stories stand by their position alone. `let_go_at`:
    when somebody let it go, None = nobody did. `settled_at`: when it went or was overtaken, None =
    it may be changed.
    """

    edition_id: int
    digest: str
    digest_id: int
    cadence: str
    cut_at: datetime
    state: ReviewState
    required: bool
    version: int
    arranged: bool
    let_go_at: datetime | None
    settled_at: datetime | None

    @property
    def open(self) -> bool:
        return self.settled_at is None


@dataclass(frozen=True, slots=True)
class ReviewLink:
    """What an editor was mailed, and when."""

    token: str
    edition_id: int
    address: str
    mailed_at: datetime


@dataclass(frozen=True, slots=True)
class NewAct:
    """What an editor does. `story_id` None: to the whole edition. `detail`: words written."""

    act: ReviewAct
    story_id: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class PastAct:
    """What was done, by whom and when. `address` "": forgotten."""

    version: int
    address: str
    act: ReviewAct
    story_id: int | None
    detail: str | None
    happened_at: datetime


def begin(connection: Connection, edition_id: int, *, required: bool) -> None:
    """Put an edition that was frozen in this transaction under review."""
    connection.execute(
        insert(review).values(
            edition_id=edition_id,
            state=ReviewState.WAITING.value,
            required=required,
            version=0,
            arranged=False,
        )
    )


def of_edition(
    connection: Connection, edition_id: int, *, lock: bool = False
) -> EditionReview | None:
    """The review of an edition; None: it has none. `lock`: nobody else acts until the end."""
    if lock:
        mine = select(review.c.edition_id).where(review.c.edition_id == edition_id)
        connection.execute(mine.with_for_update())
    row = connection.execute(_OF_EDITION, {"of": edition_id}).one_or_none()
    return None if row is None else _read(row)


def open_ones(connection: Connection, digest_name: str | None = None) -> list[EditionReview]:
    """The reviews that have not settled, by when their editions go. `digest_name`: of this one.

    Those of a digest that has left the TOML are left out: put back, it goes on.
    """
    wanted = _OPEN_ONES
    if digest_name is not None:
        wanted = wanted.where(digest.c.name == digest_name)
    rows = connection.execute(wanted)
    return [_read(row) for row in rows]


def of_digest(
    connection: Connection, digest_name: str, *, limit: int, cut_at: datetime | None = None
) -> list[EditionReview]:
    """The newest reviews of a digest, settled ones too; `cut_at`: of this cut alone."""
    wanted = _REVIEWS.where(digest.c.name == digest_name)
    if cut_at is not None:
        wanted = wanted.where(edition.c.cut_at == cut_at)
    newest = wanted.order_by(edition.c.cut_at.desc(), edition.c.id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(newest)]


def sent_early(connection: Connection, now: datetime) -> frozenset[tuple[str, str, datetime]]:
    """Digest, cadence and cut of the editions that were let go before their hour, still to come."""
    early = review.c.state.in_([ReviewState.RELEASED.value, ReviewState.GONE.value])
    rows = connection.execute(_REVIEWS.where(early, edition.c.cut_at > now))
    return frozenset((row.digest, row.cadence, row.cut_at) for row in rows)


def settle(connection: Connection, one: EditionReview, to: ReviewState, now: datetime) -> bool:
    """It is gone or overtaken, unless its state is another one meanwhile: then False."""
    done = connection.execute(
        update(review)
        .where(
            review.c.edition_id == one.edition_id,
            review.c.state == one.state.value,
            review.c.settled_at.is_(None),
        )
        .values(state=to.value, settled_at=now)
    )
    if done.rowcount:
        versions.raise_(connection, [versions.EDITIONS])
    return done.rowcount > 0


def acted(
    connection: Connection,
    before: EditionReview,
    address: str,
    acts: Sequence[NewAct],
    now: datetime,
    *,
    state: ReviewState | None = None,
    arranged: bool | None = None,
    let_go_at: datetime | None = None,
) -> None:
    """Write down who did what; the version grows by one. None: that stays as it is."""
    version = before.version + 1
    connection.execute(
        update(review)
        .where(review.c.edition_id == before.edition_id)
        .values(
            version=version,
            state=(state or before.state).value,
            arranged=before.arranged if arranged is None else arranged,
            let_go_at=before.let_go_at if state is None else let_go_at,
        )
    )
    note(connection, before.edition_id, version, address, acts, now)


def note(
    connection: Connection,
    edition_id: int,
    version: int,
    address: str,
    acts: Sequence[NewAct],
    now: datetime,
) -> None:
    """Write down acts alone; one that changes nothing leaves the version as it is."""
    rows = [
        {
            "edition_id": edition_id,
            "version": version,
            "address": address,
            "act": one.act.value,
            "story_id": one.story_id,
            "detail": one.detail,
            "happened_at": now,
        }
        for one in acts
    ]
    if rows:
        connection.execute(insert(review_act), rows)


def acts(connection: Connection, edition_id: int) -> list[PastAct]:
    """All that was done to an edition, the oldest first."""
    rows = connection.execute(
        select(review_act).where(review_act.c.edition_id == edition_id).order_by(review_act.c.id)
    )
    return [
        PastAct(
            row.version,
            row.address,
            ReviewAct(row.act),
            row.story_id,
            row.detail,
            row.happened_at,
        )
        for row in rows
    ]


def link(connection: Connection, token: str) -> ReviewLink | None:
    """The link with this token; None: there is none."""
    row = connection.execute(select(review_link).where(review_link.c.token == token)).one_or_none()
    return None if row is None else _link(row)


def links(connection: Connection, edition_id: int) -> list[ReviewLink]:
    """Who was mailed a link to this edition, by address."""
    rows = connection.execute(
        select(review_link)
        .where(review_link.c.edition_id == edition_id)
        .order_by(review_link.c.address)
    )
    return [_link(row) for row in rows]


def add_link(connection: Connection, one: ReviewLink) -> bool:
    """Store it. False: this editor has one already."""
    row = upsert(connection, review_link).values(
        token=one.token,
        edition_id=one.edition_id,
        address=one.address,
        mailed_at=one.mailed_at,
    )
    written = connection.execute(
        row.on_conflict_do_nothing().returning(review_link.c.token)
    ).scalar()
    return written is not None


def forget(connection: Connection, addresses: Iterable[str]) -> None:
    """Take an editor's address out of what they were sent and did."""
    known = sorted(set(addresses))
    connection.execute(delete(review_link).where(review_link.c.address.in_(known)))
    connection.execute(update(review_act).where(review_act.c.address.in_(known)).values(address=""))


def open_words(connection: Connection, edition_id: int, opening: str | None) -> None:
    """The opening words of an edition; None: none."""
    connection.execute(update(edition).where(edition.c.id == edition_id).values(opening=opening))


def _read(row: Row[tuple[object, ...]]) -> EditionReview:
    values = row._asdict()
    return EditionReview(**{**values, "state": ReviewState(values["state"])})


def _link(row: Row[tuple[object, ...]]) -> ReviewLink:
    return ReviewLink(**row._asdict())
