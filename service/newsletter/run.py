"""The jobs of the newsletter: whatever is due, from the cut to planned deliveries.

    expire what is too late ─> give new rules their cut ─> per cut: freeze ─> choose and plan
                                                                └─> review, where the digest has it

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
from service.newsletter.printing import Press
from service.newsletter.review import asking, going
from service.newsletter.scheduling import live_digests, reschedule
from service.newsletter.unrendered import EditionPlanned
from service.newsletter.welcome import Welcomed, plan_welcomes
from service.render.engine import Renderer
from service.store.core import hold
from service.store.core.database import Store
from service.store.mailing import editions
from service.store.mailing.editions import Edition
from service.store.recalled import marks
from service.store.reviews import reviews
from service.text.unknown_name import no_such

__all__ = ["Planned", "Welcomed", "plan_due", "plan_welcomes"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run did. `failed`: edition ("DIGEST CADENCE CUT") -> why mails of it are not planned.

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
    press: Press | None = None,
) -> Planned:
    """Plan every edition that is due, or those of one digest. Run again, it finds nothing to do.

    `at` replaces `now` in the question what is due; it moves neither the clock nor what an edition
    may hold. `check`: as in `reschedule`. `press`: as in `plan`. Nothing while mail is held
    (store.core.hold). Raises UsageError for an unknown digest, or for an `at` to come where a relay
    would really send that mail.
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
    until = at or now
    for cut in _cuts(store, settings, renderer.site.zone, until, now, digest):
        edition, new = _freeze(store, settings, cut, max(until, cut.cut_at), until, now)
        frozen += new
        if not going.goes(store, cut, edition, until, now):
            continue
        try:
            done = _plan(store, settings, renderer, cut, at, now, press)
            planned[edition.id] += done.deliveries
            why = done.why()
        except TemplateError as error:  # not even its first mail can be made
            why = str(error)
            with store.ledger() as connection:
                editions.fail(connection, edition.id, why)
        if why:
            failed[f"{cut.digest.name} {cut.cadence} {cut.cut_at:%Y-%m-%dT%H:%MZ}"] = why
    failed |= asking.ask(store, settings, renderer, now, digest)
    return Planned(frozen, planned.total(), failed, dict(+planned))


def _cuts(
    store: Store, settings: Settings, zone: str, at: datetime, now: datetime, only: str | None
) -> list[DueEdition]:
    """Those that are due at `at`, and those whose time of review has come."""
    with store.read() as connection:
        cuts = [
            cut
            for row in live_digests(connection, settings, only)
            for cut in late.due_cuts(
                connection, row, rules.own(settings.digest[row.name], zone), at
            )
        ]
        alone, overtaken = going.waiting_alone(connection, settings, zone, at, only, cuts)
    going.overtake(store, overtaken, now)
    cuts += [*alone, *going.coming(store, settings, zone, at, only)]
    return sorted(cuts, key=lambda cut: cut.order)


def _freeze(
    store: Store, settings: Settings, cut: DueEdition, reach: datetime, at: datetime, now: datetime
) -> tuple[Edition, bool]:
    """The edition of a cut, and whether it was frozen just now.

    What it is made of is read before the ledger is held (docs/decisions/070): half a year takes
    seconds. What is committed meanwhile is the next edition's, as what came late is in any case.
    `reach`: up to when cuts are due that it is for; `at`: as asked for, else now.
    """
    with store.read() as connection:
        recalls = marks.count(connection)
        known = editions.find(connection, cut.digest.id, cut.cadence, cut.cut_at)
        if known is not None:
            return known, False
        drafted, stories = freeze_now(connection, settings, cut, reach, now)
    reviewed, required = going.begins(settings, cut, stories, at)
    with store.ledger() as connection:
        if marks.hold_off(connection) != recalls:  # what was read may have been taken back
            drafted, stories = freeze_now(connection, settings, cut, reach, now)
        stored, new = editions.freeze(connection, drafted, stories, now)
        if new and reviewed:
            reviews.begin(connection, stored.id, required=required)
        return stored, new  # somebody may have been faster: then theirs stands


def _plan(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    cut: DueEdition,
    at: datetime | None,
    now: datetime,
    press: Press | None,
) -> EditionPlanned:
    with store.read() as connection:
        recalls = marks.count(connection)
        edition = editions.find(connection, cut.digest.id, cut.cadence, cut.cut_at)
        assert edition is not None
        stories = editions.stories(connection, edition.id)
        if edition.let_go_at is not None and cut.cut_at > (at or now):
            at = cut.cut_at  # it was let go before its hour
        elif edition.let_go_at is not None and cut.own.quiet_at(edition.let_go_at) is not None:
            at = at or now  # an editor chose so: what is approved waits for the end
        planning = prepare(
            connection, settings, renderer, cut, edition, stories, at=at, now=now, recalls=recalls
        )
    return plan(store, planning, press)
