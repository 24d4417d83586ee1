"""The jobs of the newsletter: whatever is due, from the cut to planned deliveries.

    expire what is too late ─> give new rules their cut ─> per cut: freeze ─> choose and plan

Each step is a commit of its own and finds by itself what another run, or a kill, has left.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from service.config.schema import Settings
from service.errors import TemplateError, UsageError
from service.newsletter import late, quiet_queue, rules
from service.newsletter.cut_check import CutCheck
from service.newsletter.freeze import freeze_now
from service.newsletter.late import DueEdition
from service.newsletter.plan import plan
from service.newsletter.prepare import prepare
from service.newsletter.scheduling import live_digests, reschedule
from service.newsletter.welcome import Welcomed, plan_welcomes
from service.render.engine import Renderer
from service.store.core import hold
from service.store.core.database import Store
from service.store.mailing import editions
from service.store.mailing.editions import Edition, Frozen
from service.text.unknown_name import no_such

__all__ = ["Planned", "Welcomed", "plan_due", "plan_welcomes"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run did. `failed`: edition ("DIGEST CADENCE CUT") -> why nothing of it was planned.

    `by_edition`: edition id -> how many deliveries of it were planned, if any was.
    """

    editions: int = 0
    deliveries: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    by_edition: dict[int, int] = field(default_factory=dict)


def plan_due(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    *,
    digest: str | None = None,
    at: datetime | None = None,
    check: CutCheck | None = None,
) -> Planned:
    """Plan every edition that is due, or those of one digest. Run again, it finds nothing to do.

    `at` replaces `now` in the question what is due; it moves neither the clock nor what an edition
    may hold. `check`: as in `reschedule`. Nothing while mail is held (store.core.hold). Raises
    UsageError for an unknown digest, or for an `at` to come where a relay would really send that
    mail.
    """
    if digest is not None and digest not in settings.digest:
        raise UsageError(no_such("digest", digest, settings.digest))
    if at is not None and at > now and settings.mail.relay:
        raise UsageError("a time to come needs the outbox; mail goes to a relay here")
    with store.read() as connection:
        if hold.held_since(connection) is not None:
            return Planned()
    late.give_up(store, now, digest)
    if any(one.quiet is not None for one in settings.digest.values()):
        quiet_queue.hold_back(store, now, digest)
    reschedule(store, settings, renderer.site.zone, now, digest, check=check)
    frozen, failed, planned = 0, {}, Counter[int]()
    for cut in _cuts(store, settings, renderer.site.zone, at or now, digest):
        edition, stories, new = _freeze(store, settings, cut, at or now, now)
        frozen += new
        try:
            number = _plan(store, settings, renderer, cut, edition, stories, at, now)
            planned[edition.id] += number
        except TemplateError as error:
            failed[f"{cut.digest.name} {cut.cadence} {cut.cut_at:%Y-%m-%dT%H:%MZ}"] = str(error)
            with store.ledger() as connection:
                editions.fail(connection, edition.id, str(error))
    return Planned(frozen, planned.total(), failed, dict(+planned))


def _cuts(
    store: Store, settings: Settings, zone: str, at: datetime, only: str | None
) -> list[DueEdition]:
    with store.read() as connection:
        cuts = [
            cut
            for row in live_digests(connection, settings, only)
            for cut in late.due_cuts(
                connection, row, rules.own(settings.digest[row.name], zone), at
            )
        ]
    return sorted(cuts, key=lambda cut: cut.order)


def _freeze(
    store: Store, settings: Settings, cut: DueEdition, at: datetime, now: datetime
) -> tuple[Edition, list[Frozen], bool]:
    """The edition of a cut with its stories, and whether it was frozen just now.

    What it is made of is read before the ledger is held (docs/decisions/070): half a year takes
    seconds. What is committed meanwhile is the next edition's, as what came late is in any case.
    """
    with store.read() as connection:
        known = editions.find(connection, cut.digest.id, cut.cadence, cut.cut_at)
        if known is not None:
            return known, editions.stories(connection, known.id), False
        drafted, stories = freeze_now(connection, settings, cut, at, now)
    with store.ledger() as connection:
        stored, new = editions.freeze(connection, drafted, stories, now)
        # Somebody may have been faster: then theirs stands.
        return stored, stories if new else editions.stories(connection, stored.id), new


def _plan(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    cut: DueEdition,
    edition: Edition,
    stories: list[Frozen],
    at: datetime | None,
    now: datetime,
) -> int:
    with store.read() as connection:
        planning = prepare(connection, settings, renderer, cut, edition, stories, at=at, now=now)
    return plan(store, planning)
