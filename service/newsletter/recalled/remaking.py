"""Makes mails anew that were planned with what was taken back since (docs/decisions/077).

    segments that are marked ──> the same layout, less the story ──> another segment, same mails

Each is a commit of its own. A mail that waits for this cannot be sent: its parts are gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from service.config.schema import Settings
from service.errors import TemplateError
from service.model import DeliveryKind
from service.newsletter import layout
from service.newsletter.compose import EditionComposer
from service.newsletter.prepare import correction_views, frame_of
from service.newsletter.scheduling import live_digests
from service.render.engine import Renderer
from service.render.views import is_recalled
from service.store.core.database import Connection, Store
from service.store.mailing import editions, segments
from service.store.mailing.message_parts import pack
from service.store.mailing.segments import Segment
from service.store.recalled import mails, marks
from service.store.recalled.mails import StaleSegment


@dataclass(frozen=True, slots=True)
class Remade:
    """How many mails are planned again, and how many have nothing left to tell.

    `failed`: segment -> why it cannot be made: its mails are rejected within the hour, and the next
    edition tells what they were to tell.
    """

    planned: int = 0
    suppressed: int = 0
    failed: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Bench:
    """What the segments of one edition share."""

    composer: EditionComposer
    recalled: frozenset[int]
    recalls: int


def remake(store: Store, settings: Settings, renderer: Renderer, now: datetime) -> Remade:
    """Make anew whatever is marked. Run again, it finds nothing to do. Raises StoreError."""
    with store.read() as connection:
        waiting = mails.stale(connection)
    planned, suppressed, failed = 0, 0, {}
    benches: dict[int, _Bench | None] = {}
    for one in waiting:
        try:
            made = _made_anew(store, settings, renderer, now, one, benches)
        except TemplateError as error:
            failed[one.id] = str(error)
            continue
        with store.ledger() as connection:
            count = marks.hold_off(connection)
            if not mails.waits(connection, one.id):
                continue  # another process was quicker
            if made is None:
                suppressed += mails.given_up(connection, one.id, now)
            elif made[0] == count:  # else something more was taken back: the next run
                new = segments.put(connection, made[1])
                planned += mails.made_anew(connection, one.id, new, now)
    return Remade(planned, suppressed, failed)


def _made_anew(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    one: StaleSegment,
    benches: dict[int, _Bench | None],
) -> tuple[int, Segment] | None:
    """The segment to be, and `_Bench.recalls`; None: there is nothing left of it.

    A welcome is not made anew: its reader's first edition tells what is left. Raises TemplateError.
    """
    if one.edition_id is None or one.digest not in settings.digest:
        return None
    if one.edition_id not in benches:
        benches.clear()  # segments come by edition: the one before is done
        with store.read() as connection:
            benches[one.edition_id] = _bench(connection, settings, renderer, now, one)
    bench = benches[one.edition_id]
    if bench is None:
        return None
    left = layout.from_json(one.stories).without(bench.recalled, frozenset())
    if left is None:
        return None
    coming = bench.composer.coming(one.rule, one.language) if one.rule else ""
    made = Segment(
        edition_id=one.edition_id,
        hash=bench.composer.hash(left, one.language, coming),
        language=one.language,
        stories=left.as_json(),
        parts=pack(bench.composer.render(left, one.language, coming)),
    )
    return bench.recalls, made


def _bench(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    one: StaleSegment,
) -> _Bench | None:
    recalls = marks.count(connection)
    found = editions.by_id(connection, one.edition_id or 0)
    digest = next(iter(live_digests(connection, settings, one.digest)), None)
    if found is None or digest is None:
        return None
    frozen = editions.stories(connection, found.id)
    composer = EditionComposer(
        renderer,
        DeliveryKind.EDITION,
        frame_of(settings, renderer, digest, found),
        (),
        frozen,
        corrections=correction_views(connection, now),
    )
    gone = frozenset(one.story_id for one in frozen if is_recalled(one.view))
    return _Bench(composer, gone, recalls)
