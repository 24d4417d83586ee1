"""Being late: missed cuts become one, what is too old is given up, and when a mail says it is from.

After a month without the service a reader of a daily digest gets one mail, not thirty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.newsletter import rules
from service.newsletter.rules import Schedule
from service.store.audience import windows
from service.store.core.database import Connection, Store
from service.store.mailing import deliveries, editions
from service.store.mailing.editions import LiveDigest

NOTICEABLE = timedelta(hours=1)
"""A mail planned later than this after its cut is dated when it was planned."""


LOOKED_BACK = timedelta(days=35)
"""For editions that nobody waits for any more, all of whom a template raised for having left."""


@dataclass(frozen=True, slots=True)
class DueEdition:
    """An edition that is due: of a digest, for all whose schedules are cut at this instant.

    `schedules` is empty where nobody is due: the edition is for the archive alone.
    """

    digest: LiveDigest
    own: Schedule
    cadence: str
    cut_at: datetime
    schedules: tuple[Schedule, ...]

    @property
    def order(self) -> tuple[datetime, int, int]:
        """Sorts them as they are served: by time, and at one instant as the TOML orders them."""
        return (self.cut_at, self.digest.position, self.digest.id)


def give_up(store: Store, now: datetime, digest: str | None = None) -> int:
    """Expire and release what is too late. Before freezing, so that editions reach back to it."""
    with store.ledger() as connection:
        return deliveries.expire(connection, now, digest)


def due_cuts(
    connection: Connection, digest: LiveDigest, own: Schedule, at: datetime
) -> list[DueEdition]:
    """The editions of a digest that are due at `at`: per schedule its latest cut that is past."""
    due = [rules.read(text) for text in windows.due_rules(connection, digest.id, at)]
    cuts = together(digest, own, due, at)
    waited_for = {cut.cadence for cut in cuts}
    cuts += [
        DueEdition(digest, own, cadence, cut_at, ())  # to be settled
        for cadence, cut_at in editions.unrendered(connection, digest.id, at - LOOKED_BACK, at)
        if cadence not in waited_for
    ]
    archive = own.latest_cut(at)
    if any(cut.cadence == own.rule.rhythm and cut.cut_at == archive for cut in cuts):
        return cuts
    newest = editions.newest(connection, digest.id, own.rule.rhythm)
    if archive < digest.created_at or (newest is not None and newest.cut_at >= archive):
        return cuts
    return [*cuts, DueEdition(digest, own, own.rule.rhythm, archive, ())]


def together(
    digest: LiveDigest, own: Schedule, due: Iterable[Schedule], at: datetime
) -> list[DueEdition]:
    """Cuts of one digest and cadence that fall on one instant are one edition. Pure."""
    groups: dict[tuple[str, datetime], list[Schedule]] = {}
    for schedule in due:
        key = (schedule.rule.rhythm, schedule.latest_cut(at))
        groups.setdefault(key, []).append(schedule)
    return [
        DueEdition(digest, own, cadence, cut_at, tuple(theirs))
        for (cadence, cut_at), theirs in groups.items()
    ]


def coming_cuts(
    connection: Connection, digest: LiveDigest, own: Schedule, now: datetime, ahead: timedelta
) -> list[DueEdition]:
    """The editions of a digest whose cuts come within `ahead`, the digest's own among them."""
    until = now + ahead
    groups: dict[tuple[str, datetime], list[Schedule]] = {}
    for schedule in map(rules.read, windows.due_rules(connection, digest.id, until)):
        if (cut_at := schedule.next_cut(now)) <= until:
            groups.setdefault((schedule.rule.rhythm, cut_at), []).append(schedule)
    if (archive := own.next_cut(now)) <= until:
        groups.setdefault((own.rule.rhythm, archive), [])
    return [
        DueEdition(digest, own, cadence, cut_at, tuple(schedules))
        for (cadence, cut_at), schedules in groups.items()
    ]


def dated_at(cut_at: datetime, now: datetime, let_go_at: datetime | None = None) -> datetime:
    """The date of a mail: its cut, or the minute of planning where that is noticeably later.

    `let_go_at`: when somebody let it go, which may have been before its cut; None: nobody did.
    """
    if let_go_at is not None and let_go_at < cut_at:
        return let_go_at.replace(second=0, microsecond=0)
    if now - cut_at <= NOTICEABLE:
        return cut_at
    return now.replace(second=0, microsecond=0)
