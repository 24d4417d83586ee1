"""What one subscription gets from one edition, and where its window stands afterwards. Pure.

A cut is answered in one of three ways: it is told (a mail, and the window moves on),
there is nothing to tell (the window moves on all the same), or it waits (only the next cut moves,
and a later edition reaches back).
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.model import Cadence
from service.newsletter import rules
from service.newsletter.choose import Chooser, StorySelection
from service.newsletter.freeze import OVERLAP
from service.newsletter.rules import Schedule
from service.store.audience.windows import Window, WindowMove
from service.store.mailing.editions import Edition

PATIENCE = timedelta(days=28)
"""Under `stories.min` stories wait this long, or one period of their cadence if that is longer."""

LEAST_LATENESS = timedelta(hours=1)
"""What may be late by default, however short the cadence."""


@dataclass(frozen=True, slots=True)
class CutTerms:
    """What holds for everyone who is cut here.

    `topics` are the digest's, in its order. Lateness counts from `late_from` to `now`;
    `max_lateness` None: until the next cut of the cadence, at least LEAST_LATENESS. `bundle`: how
    long the first story of an immediate mail waits for others. `by_hand`: the cut was asked for,
    and is wanted now, whether it is quiet or others may come.
    """

    edition: Edition
    topics: tuple[str, ...]
    least: int
    max_lateness: timedelta | None
    late_from: datetime
    now: datetime
    bundle: timedelta = timedelta()
    by_hand: bool = False

    def expires_at(self, schedule: Schedule) -> datetime:
        """When a mail of this edition is too late to be sent."""
        if self.max_lateness is not None:
            return self.late_from + self.max_lateness
        return max(schedule.next_cut(self.late_from), self.late_from + LEAST_LATENESS)


@dataclass(frozen=True, slots=True)
class Decision:
    """`choice` None: no mail. `reason` says why ("" with a mail).

    `corrections`: the recalls that the mail tells of.
    """

    window: Window
    move: WindowMove
    choice: StorySelection | None
    reason: str = ""
    corrections: tuple[int, ...] = ()


def decide(window: Window, terms: CutTerms, chooser: Chooser, told: AbstractSet[int]) -> Decision:
    """The decision for a window that is due. `told`: roots of articles told in the scope."""
    edition = terms.edition
    schedule = rules.read(window.rule)
    # A cut to come that was asked for by hand must not silence those in between.
    after = schedule.next_cut(min(edition.cut_at, terms.now))
    begin = _behind_the_pause(window, schedule, edition.cut_at)
    covered_to = max(window.covered_to, edition.covers_to)
    if window.barred or _is_paused(window, edition.cut_at):
        # As if there were nothing to tell, and without a way back: `starts_at` moves along.
        gone = WindowMove(window.id, max(begin, edition.covers_to), covered_to, after)
        return Decision(window, gone, None, "suppressed" if window.barred else "paused")
    quiet = None if terms.by_hand else schedule.quiet_at(terms.now)
    quiet_until = None if quiet is None else quiet[1]
    still = WindowMove(window.id, begin, window.covered_to, min(after, quiet_until or after))
    waits = _why_it_waits(window, terms, schedule, begin, quiet_until)
    if waits:
        return Decision(window, still, None, waits)
    since = max(begin, window.covered_to - OVERLAP)
    choice = chooser.choose(followed(terms.topics, window.topics), since, told)
    waits = _what_it_waits_for(choice, terms, schedule)
    if waits:
        return Decision(window, still, None, waits)
    moved = WindowMove(window.id, begin, covered_to, after)
    if not len(choice):
        return Decision(window, moved, None, "nothing new to tell")
    return Decision(window, moved, choice)


def followed(offered: Sequence[str], chosen: Sequence[str] | None) -> tuple[str, ...]:
    """The topics of a subscription in the digest's order; chosen ones that it lacks are ignored."""
    return tuple(name for name in offered if chosen is None or name in chosen)


def _why_it_waits(
    window: Window,
    terms: CutTerms,
    schedule: Schedule,
    begin: datetime,
    quiet_until: datetime | None,
) -> str:
    """Why only the next cut moves, whatever there is to tell; "" if nothing is in the way."""
    if window.served:
        return "this edition has been planned for this subscription already"
    if window.open:
        return "waits: an earlier mail is still on its way"
    if terms.expires_at(schedule) <= terms.now:
        return "waits: too late for this cut"
    if quiet_until is not None:  # the cut is made up for late
        return f"waits: quiet until {_minute(quiet_until)}"
    if terms.edition.covers_from > max(begin, window.covered_to):
        return "waits: this edition does not reach back far enough"
    return ""


def _what_it_waits_for(choice: StorySelection, terms: CutTerms, schedule: Schedule) -> str:
    """Whether more stories are waited for; "" if not.

    An immediate mail goes with the last cut within `bundle` from its first story on. Who asks again
    at the next cut finds the same, so that a restart neither loses nor lengthens the time.
    """
    first = choice.waiting_since()
    if first is None:
        return ""
    cut_at = terms.edition.cut_at
    if len(choice) < terms.least and not _out_of_patience(choice, schedule, cut_at):
        return f"waits: {len(choice)} of {terms.least} stories"
    if terms.by_hand or schedule.rule.rhythm != Cadence.IMMEDIATE:
        return ""
    until = first + terms.bundle
    return f"waits for more until {_minute(until)}" if schedule.next_cut(cut_at) <= until else ""


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"


def _is_paused(window: Window, cut_at: datetime) -> bool:
    return window.paused_until is not None and window.paused_until > cut_at


def _behind_the_pause(window: Window, schedule: Schedule, cut_at: datetime) -> datetime:
    """Where the window begins, if a cut of the pause was missed and is only now made up for.

    Cuts that passed in a pause are taken as if there had been nothing to tell, also late.
    """
    if window.paused_until is None:
        return window.starts_at
    skipped = schedule.previous_cut(window.paused_until)
    if window.next_cut_at <= skipped < cut_at:
        return max(window.starts_at, skipped)
    return window.starts_at


def _out_of_patience(choice: StorySelection, schedule: Schedule, cut_at: datetime) -> bool:
    waiting_since = choice.waiting_since()
    period = cut_at - schedule.previous_cut(cut_at)
    return waiting_since is not None and cut_at - waiting_since >= max(PATIENCE, period)
