"""A cut played through for one reader, on paper: what planning would decide, with nothing written.

The reader may be somebody who subscribes, or nobody: then all the digest's topics since its
previous cut, with nothing told before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.config.schema import Settings
from service.newsletter import late, rules
from service.newsletter.decide import Decision, decide
from service.newsletter.freeze import freeze_now
from service.newsletter.late import DueEdition
from service.newsletter.prepare import Planning, prepare, with_corrections
from service.newsletter.rules import Schedule
from service.newsletter.scheduling import begin_of, live_digests, next_of
from service.render.engine import Renderer
from service.store.audience import readers, windows
from service.store.audience.readers import ActiveSubscription
from service.store.audience.windows import Window
from service.store.core.database import Connection
from service.store.mailing import editions
from service.store.mailing.editions import Frozen, LiveDigest


@dataclass(frozen=True, slots=True)
class RehearsalContext:
    """Where a rehearsal takes place. `at` None: no time was asked for."""

    connection: Connection
    settings: Settings
    renderer: Renderer
    now: datetime
    at: datetime | None

    @property
    def until(self) -> datetime:
        """Up to when a cut is due."""
        return self.at or self.now

    def own(self, digest: LiveDigest) -> Schedule:
        return rules.own(self.settings.digest[digest.name], self.renderer.site.zone)


@dataclass(frozen=True, slots=True)
class Played:
    """How it went: the edition as planning would have it, and the decision for the reader."""

    planning: Planning
    frozen: list[Frozen]
    decision: Decision


def window_of(stage: RehearsalContext, digest: LiveDigest, reading: ActiveSubscription) -> Window:
    """The window as the next run will see it: by the rule that holds now."""
    preferences, row = reading.preferences, reading.scheduling
    schedule = rules.schedule(
        stage.settings.digest[digest.name],
        preferences.cadence,
        preferences.hour,
        preferences.zone,
        stage.renderer.site.zone,
    )
    if preferences.rule == schedule.text and not preferences.uncut:
        return reading.window
    begin = begin_of(row, schedule, digest.scope)
    return replace(
        reading.window,
        rule=schedule.text,
        next_cut_at=next_of(row, schedule, stage.now),
        starts_at=begin,
        covered_to=begin if begin != row.starts_at else reading.window.covered_to,
    )


def cut_for(stage: RehearsalContext, window: Window) -> datetime:
    """The cut that would be served: the last one that is past, if it is due, else the next."""
    if window.next_cut_at <= stage.until:
        return rules.read(window.rule).latest_cut(stage.until)
    return window.next_cut_at


def nobody(stage: RehearsalContext, digest: LiveDigest) -> Window:
    """The window of somebody who does not subscribe."""
    own = stage.own(digest)
    cut_at = own.latest_cut(stage.until)
    frozen = editions.find(stage.connection, digest.id, own.rule.rhythm, cut_at) is not None
    served = frozen and stage.at is None
    if served or (cut_at < digest.created_at and not frozen):
        cut_at = own.next_cut(stage.until)
    ahead = stage.settings.digest[digest.name].review or timedelta()
    since = own.previous_cut(cut_at) - ahead
    return Window(
        id=0, subscriber_id=0, digest_id=digest.id, language=None, rule=own.text, topics=None,
        starts_at=since, covered_to=since, next_cut_at=cut_at, paused_until=None,
    )  # fmt: skip


def play(
    stage: RehearsalContext,
    digest: LiveDigest,
    window: Window,
    cut_at: datetime,
    told: frozenset[int],
) -> Played:
    """Play the cut through. `told`: articles that an earlier mail will have told by then."""
    connection = stage.connection
    cut = _cut(stage, digest, rules.read(window.rule), cut_at)
    stored = editions.find(connection, digest.id, cut.cadence, cut_at)
    if stored is not None:
        edition, frozen = stored, editions.stories(connection, stored.id)
    else:
        until = max(stage.until, cut_at)
        edition, frozen = freeze_now(
            connection, stage.settings, cut, until, stage.now, also=window.reached
        )
    planning = prepare(
        connection, stage.settings, stage.renderer, cut, edition, frozen, at=stage.at, now=stage.now
    )
    known = planning.items.told(connection, digest.scope, [window.subscriber_id])
    roots = planning.items.roots
    before = {roots[article] for article in told if article in roots}
    decision = decide(
        window, planning.terms, planning.chooser, known[window.subscriber_id] | before
    )
    (decision,) = with_corrections(connection, [decision], stage.now)
    return Played(planning, frozen, decision)


def told_before(
    stage: RehearsalContext, digest: LiveDigest, reading: ActiveSubscription, cut_at: datetime
) -> frozenset[int]:
    """Articles that the reader's other digests of the scope will tell before this cut.

    Only for a cut to come: one that is due is sent alone by `digest send`.
    """
    if stage.at is not None or cut_at <= stage.now:
        return frozenset()
    others = {row.id: row for row in live_digests(stage.connection, stage.settings)}
    ahead = []
    for one in readers.readings(stage.connection, reading.window.subscriber_id):
        other = others.get(one.window.digest_id)
        if other is None or other.id == digest.id or other.scope != digest.scope:
            continue
        window = window_of(stage, other, one)
        place = (cut_for(stage, window), other.position)
        if place < (cut_at, digest.position):
            ahead.append((place, other, window))
    told: frozenset[int] = frozenset()
    for place, other, window in sorted(ahead, key=lambda entry: entry[0]):
        choice = play(stage, other, window, place[0], told).decision.choice
        if choice is not None:
            told |= choice.articles().keys()
    return told


def _cut(
    stage: RehearsalContext, digest: LiveDigest, schedule: Schedule, cut_at: datetime
) -> DueEdition:
    """The cut with all who are due at it, the reader's own schedule among them."""
    until = max(stage.until, cut_at)
    due = [rules.read(text) for text in windows.due_rules(stage.connection, digest.id, until)]
    together = late.together(digest, stage.own(digest), {*due, schedule}, until)
    for cut in together:
        if cut.cadence == schedule.rule.rhythm and cut.cut_at == cut_at:
            return cut
    return DueEdition(digest, stage.own(digest), schedule.rule.rhythm, cut_at, (schedule,))
