"""The digests of the TOML with their readers: when each is mailed, and when it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from service.config.schema import Digest, Settings
from service.config.values import write_duration
from service.newsletter import holidays, rules
from service.report.reviews import ReviewStanding
from service.report.status import put_off
from service.store.status_counts import DigestRow


@dataclass(frozen=True, slots=True)
class ListedDigest:
    """One digest. `at` and `day`: its own, None where its cadence has none.

    `next_cut`: the earliest of its readers', None = it has none. `put_off_from`: when that mail
    would have come but for days off and quiet times, None = then. `quiet`: "22:00-06:00, sun", and
    `bundle`: "15m"; "" = none. `holidays`: how many days are written. `reviews`: its editions that
    are under review, the next one first.
    """

    id: str
    title: str
    cadences: tuple[str, ...]
    at: str | None
    day: str | None
    readers: int
    next_cut: datetime | None
    put_off_from: datetime | None
    scope: str
    quiet: str
    bundle: str
    holidays: int
    reviews: tuple[ReviewStanding, ...]


def listed(
    settings: Settings, rows: Iterable[DigestRow], under_review: Sequence[ReviewStanding]
) -> list[ListedDigest]:
    """Those that stand in the TOML, in the order of the rows. `under_review`: of all digests."""
    return [
        _listed(
            settings.digest[row.name],
            row,
            settings.zone,
            tuple(one for one in under_review if one.review.digest == row.name),
        )
        for row in rows
        if row.name in settings.digest
    ]


def as_json(one: ListedDigest) -> dict[str, object]:
    """A shape that scripts rely on. Instants are ISO 8601 in UTC."""
    instants = {
        key: None if at is None else at.isoformat()
        for key, at in (("next_cut", one.next_cut), ("put_off_from", one.put_off_from))
    }
    open_ones = [
        {
            "cut": each.review.cut_at.isoformat(),
            "state": each.review.state.value,
            "required": each.review.required,
            "editors": each.editors,
            "unreachable": each.unreachable,
            "held_by": each.holder or None,
            "goes_over_at": each.goes_over_at and each.goes_over_at.isoformat(),
        }
        for each in one.reviews
    ]
    return {**asdict(replace(one, reviews=())), **instants, "reviews": open_ones}


def _listed(
    digest: Digest, row: DigestRow, zone: str, under_review: tuple[ReviewStanding, ...]
) -> ListedDigest:
    rule = rules.own(digest, zone).rule
    waits = put_off(row)
    has_hour = rules.has_hour(rule.rhythm)
    return ListedDigest(
        id=row.name,
        title=row.title,
        cadences=tuple(dict.fromkeys((digest.cadence, *digest.cadences))),
        at=f"{rule.at:%H:%M}" if has_hour else None,
        day=rule.day,
        readers=row.subscribers,
        next_cut=row.next_cut_at,
        put_off_from=None if waits is None else waits.since,
        scope=digest.scope,
        quiet=rules.quiet_text(rule.quiet),
        bundle="" if digest.bundle is None else write_duration(digest.bundle),
        holidays=len(holidays.days(digest.holidays)),
        reviews=under_review,
    )
