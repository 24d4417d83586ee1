"""Editions: what a digest had to tell at one instant for one cadence, frozen as rows.

The rows of an edition never change after the freeze, but for `planned_at` and `error`, and for what
editors do to one before it goes (`store/reviews`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from service.store.content import versions
from service.store.core.statements import upsert_for
from service.store.reviews.hidden import public
from service.store.tables import digest, edition, edition_story, review

# Made once: each plan asks for all of these, also where nothing is due.
_LIVE = select(digest).where(digest.c.retired_at.is_(None)).order_by(digest.c.position, digest.c.id)
_EDITION = (
    select(edition, review.c.let_go_at)
    .outerjoin(review, review.c.edition_id == edition.c.id)
    .order_by(edition.c.cut_at.desc())
    .limit(1)
)
_FOUND = _EDITION.where(
    edition.c.digest_id == bindparam("of"),
    edition.c.cadence == bindparam("its_cadence"),
    edition.c.cut_at == bindparam("cut"),
)
_UNRENDERED = (
    select(edition.c.cadence, edition.c.cut_at)
    .where(
        edition.c.digest_id == bindparam("of"),
        edition.c.cut_at.between(bindparam("since"), bindparam("until")),
        edition.c.planned_at.is_(None),
        edition.c.error.is_not(None),
        public(),
    )
    .order_by(edition.c.cut_at)
)
_STORIES = (
    select(edition_story, review.c.arranged)
    .outerjoin(review, review.c.edition_id == edition_story.c.edition_id)
    .where(edition_story.c.edition_id == bindparam("of"))
    .order_by(edition_story.c.position, edition_story.c.story_id)
)

_WRITE_STORIES = insert(edition_story)
_SET = update(edition).where(edition.c.id == bindparam("this"))
"""To the values that are given beside it."""
_SETTLE_EARLIER = (
    update(edition)
    .where(
        edition.c.digest_id == bindparam("of"),
        edition.c.cadence == bindparam("its_cadence"),
        edition.c.cut_at < bindparam("cut"),
        edition.c.planned_at.is_(None),
        edition.c.error.is_not(None),
    )
    .values(planned_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class LiveDigest:
    """A live digest's row. `name` is its id in the TOML, `position` its place there."""

    id: int
    name: str
    title: str
    scope: str
    position: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Edition:
    """A frozen edition. `id` 0: in memory alone (a preview). `period_from`: the cut before it.

    `planned_at` None: not everyone due has been planned. `error`: why it could not be rendered.
    `opening`: an editor's words above its stories, "" = none. `let_go_at`: when an editor let it
    go, None = none did.
    """

    id: int
    digest_id: int
    cadence: str
    cut_at: datetime
    covers_from: datetime
    covers_to: datetime
    period_from: datetime
    listed: bool
    more: int
    planned_at: datetime | None = None
    error: str | None = None
    opening: str = ""
    let_go_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A story as an edition keeps it. `topics`: the digest's that it is in, and since when.

    `standing` is what its place follows from (curate/selection/standing.py); None: its position
    alone, where editors gave it one, or nothing else is known. `note`: an editor's words below it.
    """

    story_id: int
    position: int
    topics: tuple[tuple[str, datetime], ...]
    article_ids: tuple[int, ...]
    view: dict[str, Any]
    standing: dict[str, Any] | None = None
    note: str = ""


def digests(connection: Connection) -> list[LiveDigest]:
    """Digests that are not retired, in the order of the TOML: it wins where two are cut at once."""
    return [
        LiveDigest(row.id, row.name, row.title, row.scope, row.position, row.created_at)
        for row in connection.execute(_LIVE)
    ]


def find(connection: Connection, digest_id: int, cadence: str, cut_at: datetime) -> Edition | None:
    """The edition with this key; None: not frozen yet."""
    key = {"of": digest_id, "its_cadence": cadence, "cut": cut_at}
    return _read(connection.execute(_FOUND, key).one_or_none())


def by_id(connection: Connection, edition_id: int) -> Edition | None:
    """The edition of this id. None: there is none."""
    return _one(connection, edition.c.id == edition_id)


def newest(connection: Connection, digest_id: int, cadence: str | None = None) -> Edition | None:
    """The last edition of a cadence; of no cadence in particular: the last in the archive."""
    if cadence is None:
        listed = (edition.c.listed.is_(True), public())
        return _one(connection, edition.c.digest_id == digest_id, *listed)
    return _one(connection, edition.c.digest_id == digest_id, edition.c.cadence == cadence)


def unrendered(
    connection: Connection, digest_id: int, since: datetime, until: datetime
) -> list[tuple[str, datetime]]:
    """Cadence and cut of those that wait for a template to be mended, by cut; none under review."""
    within = {"of": digest_id, "since": since, "until": until}
    rows = connection.execute(_UNRENDERED, within)
    return [(row.cadence, row.cut_at) for row in rows]


def freeze(
    connection: Connection, new: Edition, stories: Sequence[Frozen], now: datetime
) -> tuple[Edition, bool]:
    """Write an edition with its stories. If its key is there already, that one stands.

    Returns the edition as stored, and whether it is this one.
    """
    row = {
        "digest_id": new.digest_id,
        "cadence": new.cadence,
        "cut_at": new.cut_at,
        "covers_from": new.covers_from,
        "covers_to": new.covers_to,
        "period_from": new.period_from,
        "listed": new.listed,
        "more": new.more,
        "frozen_at": now,
    }
    written = connection.execute(_freeze(connection.dialect.name), row).scalar()
    if written is not None and stories:
        versions.raise_(connection, [versions.EDITIONS])
        connection.execute(_WRITE_STORIES, [_story_row(written, one) for one in stories])
    stored = find(connection, new.digest_id, new.cadence, new.cut_at)
    assert stored is not None
    return stored, written is not None


@cache
def _freeze(dialect: str) -> ReturningInsert[int]:
    """Its values are given beside it."""
    return upsert_for(dialect, edition).on_conflict_do_nothing().returning(edition.c.id)


def stories(connection: Connection, edition_id: int) -> list[Frozen]:
    """The frozen stories in their order."""
    rows = connection.execute(_STORIES, {"of": edition_id})
    return [frozen_of(row, standing=None if row.arranged else row.standing) for row in rows]


def frozen_of(row: Row[Any], standing: dict[str, Any] | None) -> Frozen:
    """The value of a row, of an edition's or of those that an editor took out of it."""
    return Frozen(
        story_id=row.story_id,
        position=row.position,
        topics=tuple((name, datetime.fromisoformat(at)) for name, at in row.topics),
        article_ids=tuple(row.article_ids),
        view=row.view,
        standing=standing,
        note=row.note or "",
    )


def settle(connection: Connection, one: Edition, now: datetime) -> None:
    """Everyone due has been planned, and it could be rendered.

    So nobody waits any more for an earlier one of its cadence that could not: those due for it
    have been told by this one. Its error stays, as the reason why nothing of it went out.
    """
    _set(connection, one.id, planned_at=now, error=None)
    its = {"of": one.digest_id, "its_cadence": one.cadence, "cut": one.cut_at, "now": now}
    connection.execute(_SETTLE_EARLIER, its)


def fail(connection: Connection, edition_id: int, error: str) -> None:
    """It, or mails of it, could not be rendered: who waits for these is due. `status` shows why."""
    _set(connection, edition_id, error=error, planned_at=None)


def pass_over(connection: Connection, edition_id: int, now: datetime) -> None:
    """Nothing of it is planned any more: a later edition tells what it had."""
    _set(connection, edition_id, planned_at=now, listed=False)


def unlist(connection: Connection, edition_id: int) -> None:
    """It does not stand in the archive: it has no story."""
    _set(connection, edition_id, listed=False)


def can_be_rendered(connection: Connection, edition_id: int) -> None:
    """Its template was mended before it was planned."""
    _set(connection, edition_id, error=None)


def _set(connection: Connection, edition_id: int, **values: object) -> None:
    connection.execute(_SET, {"this": edition_id, **values})


def _story_row(edition_id: int, one: Frozen) -> dict[str, Any]:
    return {
        "edition_id": edition_id,
        "story_id": one.story_id,
        "position": one.position,
        "topics": [[name, at.isoformat()] for name, at in one.topics],
        "article_ids": list(one.article_ids),
        "view": one.view,
        "standing": one.standing,
    }


def _one(connection: Connection, *conditions: ColumnElement[bool]) -> Edition | None:
    return _read(connection.execute(_EDITION.where(*conditions)).one_or_none())


def _read(row: Row[Any] | None) -> Edition | None:
    if row is None:
        return None
    return Edition(
        id=row.id,
        digest_id=row.digest_id,
        cadence=row.cadence,
        cut_at=row.cut_at,
        covers_from=row.covers_from,
        covers_to=row.covers_to,
        period_from=row.period_from,
        listed=row.listed,
        more=row.more,
        planned_at=row.planned_at,
        error=row.error,
        opening=row.opening or "",
        let_go_at=row.let_go_at,
    )
