"""From the configuration and a subscriber's preferences to the rule of a subscription's cuts. Pure.

A subscription keeps the text of its rule beside `next_cut_at`: the cut is computed anew only when
that text changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.config.schema import Digest
from service.model import WEEKDAYS, Cadence, CadenceRule, QuietTime
from service.newsletter import cadence, holidays
from service.text.instants import quiet, zones

MONTHLY_AND_LONGER = frozenset({Cadence.MONTHLY, Cadence.QUARTERLY, Cadence.HALF_YEARLY})

_FIRST_DAY = "1"
_SEPARATOR = "|"
_REMEMBERED = 4096  # of a hundred thousand subscriptions few are different
_QUIET = "quiet "
"""What the part of a rule's text with its quiet time begins with; holidays begin with a digit."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """Since when a mail waits that comes with a later cut. `holiday` False: for a quiet time."""

    since: datetime
    holiday: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule in a zone. Two subscriptions with equal schedules are always cut together."""

    rule: CadenceRule
    zone: str

    @property
    def text(self) -> str:
        """What `subscription.rule` keeps; `read` understands it. Equal text, equal cuts."""
        at = f"{self.rule.at:%H:%M}"
        kept = [self.rule.rhythm, self.rule.day or "", at, self.zone]
        if self.rule.holidays:
            kept.append(holidays.text(self.rule.holidays))
        if self.rule.quiet is not None:
            kept.append(_QUIET + quiet.text(self.rule.quiet))
        return _SEPARATOR.join(kept)

    def next_cut(self, after: datetime) -> datetime:
        return cadence.next_cut(self.rule, self.zone, after)

    def previous_cut(self, before: datetime) -> datetime:
        return cadence.previous_cut(self.rule, self.zone, before)

    def latest_cut(self, at: datetime) -> datetime:
        """The last cut that is past, one at `at` included."""
        return cadence.latest_cut(self.rule, self.zone, at)

    @property
    def has_days(self) -> bool:
        """Whether it is cut on days that can be named: not what comes at once, or by the hour."""
        return cadence.is_zoned(self.rule.rhythm)

    def put_off(self, cut: datetime) -> PutOff | None:
        """When a mail would have come that this cut brings, but for holidays and quiet times.

        None: at this cut.
        """
        first = self._plain.next_cut(self.previous_cut(cut))
        day = first.astimezone(ZoneInfo(self.zone)).date()
        return PutOff(first, day in self.rule.holidays) if first < cut else None

    def brings(self, cut: datetime, after: datetime) -> bool:
        """Whether a mail that would have come later than `after` comes with this cut."""
        return self._plain.next_cut(after) <= cut

    def quiet_at(self, at: datetime) -> tuple[datetime, datetime] | None:
        """From when until when it is quiet at this instant; None: it is not."""
        return None if self.rule.quiet is None else _quiet_at(self.rule.quiet, self.zone, at)

    @property
    def _plain(self) -> Schedule:
        """The same without holidays and quiet times."""
        return Schedule(replace(self.rule, holidays=frozenset(), quiet=None), self.zone)


@lru_cache(_REMEMBERED)
def _quiet_at(silence: QuietTime, zone: str, at: datetime) -> tuple[datetime, datetime] | None:
    place = ZoneInfo(zone)
    return quiet.next_quiet(silence, place, at) if quiet.is_quiet_at(silence, place, at) else None


@lru_cache(_REMEMBERED)
def read(text: str) -> Schedule:
    """The schedule whose `text` this is."""
    rhythm, day, at, zone, *kept = text.split(_SEPARATOR)
    rule = CadenceRule(rhythm, time.fromisoformat(at), day or None)
    for one in kept:
        if one.startswith(_QUIET):
            rule = replace(rule, quiet=quiet.read(one.removeprefix(_QUIET)))
        else:
            rule = replace(rule, holidays=holidays.read(one))
    return Schedule(rule, zone)


def own(digest: Digest, site_zone: str) -> Schedule:
    """When the digest itself is cut: the editions of its archive."""
    return schedule(digest, None, None, None, site_zone)


def schedule(
    digest: Digest, rhythm: str | None, at: str | None, zone: str | None, site_zone: str
) -> Schedule:
    """When a subscription is cut. None for a preference means the digest's or the site's own.

    A cadence that the digest does not offer (any more) falls back to the digest's own: who never
    chose one follows it when the TOML changes it.
    """
    rule = rule_of(digest, rhythm, at)
    if rule.quiet is None and not cadence.is_zoned(rule.rhythm):
        return Schedule(rule, "UTC")
    return Schedule(rule, zone if zone and zones.exists(zone) else site_zone)


def rule_of(digest: Digest, rhythm: str | None, at: str | None) -> CadenceRule:
    """The rule behind a cadence of the digest; what means nothing in a cadence is left out."""
    offered = (digest.cadence, *(digest.cadences or ()))
    chosen = rhythm if rhythm in offered else digest.cadence
    silence = _quiet_time(digest)
    if not cadence.is_zoned(chosen):
        return CadenceRule(chosen, quiet=silence)
    free = holidays.days(digest.holidays)
    if cadence.is_cron(chosen):
        return CadenceRule(" ".join(chosen.split()), holidays=free, quiet=silence)
    clock = time.fromisoformat(at or digest.at)
    return CadenceRule(chosen, clock, _day(digest, chosen), free, silence)


def _quiet_time(digest: Digest) -> QuietTime | None:
    if digest.quiet is None:
        return None
    return quiet.read(",".join([digest.quiet.hours or "", *digest.quiet.days]).strip(","))


def has_hour(rhythm: str) -> bool:
    """Whether it is cut at the hour of its digest or reader."""
    return cadence.is_zoned(rhythm) and not cadence.is_cron(rhythm)


def quiet_text(silence: QuietTime | None) -> str:
    """Such as "22:00-06:00, sat, sun"; "" where it is never quiet."""
    return "" if silence is None else quiet.text(silence).replace(",", ", ")


def fits(day: str, rhythm: str) -> bool:
    """Whether a day as the TOML writes it says something about this cadence."""
    if rhythm == Cadence.WEEKLY:
        return day in WEEKDAYS
    return rhythm in MONTHLY_AND_LONGER and day not in WEEKDAYS


def _day(digest: Digest, rhythm: str) -> str | None:
    if rhythm == Cadence.DAILY:
        return None
    default = WEEKDAYS[0] if rhythm == Cadence.WEEKLY else _FIRST_DAY
    written = None if digest.day is None else str(digest.day)
    return written if written is not None and fits(written, rhythm) else default
