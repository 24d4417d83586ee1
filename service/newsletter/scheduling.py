"""Which cut each subscription waits for. Computed anew only when its rule changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from service.config.schema import Settings
from service.newsletter import rules
from service.newsletter.cut_check import CutCheck
from service.newsletter.rules import Schedule
from service.store.audience import cut_times, subscription_events
from service.store.audience.cut_times import CutSettings, Scheduling
from service.store.core.database import Connection, Store
from service.store.mailing import editions
from service.store.mailing.editions import LiveDigest

NEWS = "news"
"""The scope of what is told as it comes. Every other one looks back over a whole period."""

_BATCH = 1000
LOT = 20_000
"""Subscriptions that are read at once: a new configuration may change the rule of a million. To
find some, all who still have the old one are looked through. Some 5 MB."""
_INSTANT = timedelta(microseconds=1)


def live_digests(
    connection: Connection, settings: Settings, only: str | None = None
) -> list[LiveDigest]:
    """The digests that are in the TOML and registered, in its order. `only`: this one."""
    return [
        row
        for row in editions.digests(connection)
        if row.name in settings.digest and only in (None, row.name)
    ]


def reschedule(
    store: Store,
    settings: Settings,
    zone: str,
    now: datetime,
    only: str | None = None,
    *,
    check: CutCheck | None = None,
    lot: int = LOT,
) -> int:
    """Give a next cut to who has none, or whose rule is another now. Returns to how many.

    `check`: how far a caller that does this often has come, None = all are looked through. `lot`:
    how many are read at once.
    """
    changed = 0
    since = None if check is None or only is not None else check.since(settings, now)
    with store.read() as connection:
        last = subscription_events.newest(connection)  # before the look: it may miss what follows
        groups = [
            (digest, schedule, preferences)
            for digest in live_digests(connection, settings, only)
            for schedule, preferences in _outdated(connection, settings, digest, zone, since)
        ]
    rows = _rows(store, groups, since, lot)
    while batch := list(islice(rows, _BATCH)):
        with store.ledger() as connection:
            for schedule in dict.fromkeys(schedule for _, schedule, _ in batch):
                alike = [(digest, row) for digest, wanted, row in batch if wanted == schedule]
                _write(connection, schedule, alike, now)
        changed += len(batch)
    if check is not None and only is None:
        check.done(settings, now, last)
    return changed


def pull_back(store: Store, settings: Settings, zone: str, now: datetime) -> int:
    """No next cut lies beyond the first to come by its rule. Returns how many did.

    A clock that was ahead has taken the cuts up to there, or has put them there
    (docs/decisions/005). A cut that is taken once more finds its edition, which goes to a
    subscription once.
    """
    changed = 0
    with store.ledger() as connection:
        for digest in live_digests(connection, settings):
            written = settings.digest[digest.name]
            for one in cut_times.cut_settings(connection, digest.id):
                schedule = rules.schedule(written, one.cadence, one.hour, one.zone, zone)
                if not one.uncut and schedule.text == one.rule:
                    to = schedule.next_cut(now)
                    changed += cut_times.pull_back(connection, digest.id, one, to)
    return changed


def next_of(row: Scheduling, schedule: Schedule, now: datetime) -> datetime:
    """The cut that a subscription waits for by a new rule. Pure.

    A new one waits for the first after its confirmation; it may be past already, then it is due. A
    changed one waits for the first to come, but never slips past a cut that was missed, or that
    holidays or quiet times have put off until now. A day that becomes a holiday after its cut was
    taken puts off nothing.
    """
    if row.rule is None or row.next_cut_at is None:
        return schedule.next_cut(row.starts_at)
    waits_since, taken = _standing(row.rule, row.next_cut_at)
    cut = schedule.next_cut(min(now, waits_since - _INSTANT))
    while taken is not None and not schedule.brings(cut, taken):
        cut = schedule.next_cut(cut)
    return cut


def _standing(rule: str, next_cut_at: datetime) -> tuple[datetime, datetime | None]:
    """Since when a cut waits, and which was the one before it; None: nobody knows that rule."""
    try:
        before = rules.read(rule)
        taken = before.previous_cut(next_cut_at)
    except ValueError:  # another version has written it
        return next_cut_at, None
    put_off = before.put_off(next_cut_at)
    return put_off.since if put_off is not None else next_cut_at, taken


def begin_of(row: Scheduling, schedule: Schedule, scope: str) -> datetime:
    """Where a subscription's window begins by a new rule. Pure.

    In a scope other than news a new one looks back to the previous cut: who confirms in June gets
    the whole half-year.
    """
    if row.rule is None and scope != NEWS:
        return schedule.latest_cut(row.starts_at)
    return row.starts_at


def _outdated(
    connection: Connection, settings: Settings, digest: LiveDigest, zone: str, since: int | None
) -> Iterator[tuple[Schedule, CutSettings]]:
    """The preferences of those whose cut no longer follows from them, with the rule that it has."""
    written = settings.digest[digest.name]
    for one in cut_times.cut_settings(connection, digest.id, since):
        schedule = rules.schedule(written, one.cadence, one.hour, one.zone, zone)
        if one.uncut or schedule.text != one.rule:
            yield schedule, one


def _rows(
    store: Store,
    groups: Iterable[tuple[LiveDigest, Schedule, CutSettings]],
    since: int | None,
    lot: int,
) -> Iterator[tuple[LiveDigest, Schedule, Scheduling]]:
    """Who is to be scheduled anew, of a group after the other by id, `lot` in memory at once."""
    for digest, schedule, preferences in groups:
        after = 0
        while True:
            with store.read() as connection:
                found = cut_times.to_schedule(
                    connection, digest.id, preferences, since, after=after, limit=lot
                )
            for row in found:
                yield digest, schedule, row
            if len(found) < lot:
                break
            after = found[-1].id


def _write(
    connection: Connection,
    schedule: Schedule,
    rows: Sequence[tuple[LiveDigest, Scheduling]],
    now: datetime,
) -> None:
    starts = [
        (row.id, begin)
        for digest, row in rows
        if (begin := begin_of(row, schedule, digest.scope)) != row.starts_at
    ]
    cut_times.begin_at(connection, starts)
    cuts = [(row.id, next_of(row, schedule, now)) for _, row in rows]
    cut_times.schedule(connection, schedule.text, cuts)
