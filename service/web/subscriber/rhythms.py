"""When the next mail of a subscription comes, and how often it does, for pages to say.

This is where the newsletter's calendar meets the audience, which does not know it.
"""

from __future__ import annotations

from datetime import datetime

from service.audience.confirm import PreviousCut
from service.audience.preferences import is_paused
from service.config.schema import Digest, Settings
from service.newsletter.rules import Schedule, schedule
from service.render.rhythm import rhythm
from service.render.words import Words
from service.store.audience.subscriptions import Subscription

SentEarly = frozenset[tuple[str, str, datetime]]
"""Digest, cadence and cut of editions (store.reviews)."""


def previous_cut(settings: Settings) -> PreviousCut:
    """The calendar as `audience` takes it: for `confirm` and for people added by hand."""

    def cut(
        digest: Digest, cadence: str, at: str | None, zone: str | None, now: datetime
    ) -> datetime:
        return schedule(digest, cadence, at, zone, site_zone(settings)).previous_cut(now)

    return cut


def next_mail(
    settings: Settings,
    found: Subscription,
    now: datetime,
    early: SentEarly = frozenset(),
) -> datetime | None:
    """When the next mail comes if there is news. None: the digest is not sent any more.

    `early`: editions that have gone before their hour, at which nothing comes of them.
    """
    digest = settings.digest.get(found.digest)
    if digest is None:
        return None
    cuts = _schedule(settings, digest, found)
    cut = _next_cut(cuts, found, now)
    gone = (found.digest, cuts.rule.rhythm, cut) in early
    return cuts.next_cut(cut) if gone else cut


def _next_cut(cuts: Schedule, found: Subscription, now: datetime) -> datetime:
    if is_paused(found, now) and found.paused_until is not None:
        return cuts.next_cut(found.paused_until)
    computed = found.rule == cuts.text  # else the newsletter has not seen the change yet
    if computed and found.next_cut_at is not None and found.next_cut_at > now:
        return found.next_cut_at
    return cuts.next_cut(now)


def in_words(
    settings: Settings, digest: Digest, cadence: str, words: Words, at: str | None = None
) -> str:
    """A cadence of the digest: "thứ Hai hằng tuần, 07:00", beginning with a capital letter."""
    text = rhythm(schedule(digest, cadence, at, None, site_zone(settings)).rule, words)
    return text[:1].upper() + text[1:]


def site_zone(settings: Settings) -> str:
    return settings.site.timezone or "UTC"


def _schedule(settings: Settings, digest: Digest, found: Subscription) -> Schedule:
    return schedule(digest, found.cadence, found.hour, found.zone, site_zone(settings))
