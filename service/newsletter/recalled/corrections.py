"""Corrections that wait for no edition any more go out alone, within a day of the recall.

Each reader is a commit of its own. One whom an edition has told meanwhile gets no second mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.config.schema import Settings
from service.errors import TemplateError
from service.mail.message import transactional_message_id
from service.mail.personal import host
from service.model import DeliveryKind, Parts
from service.newsletter.prepare import correction_views
from service.newsletter.views import CorrectionView
from service.render.engine import Renderer
from service.store.core import facts, hold
from service.store.core.database import Store
from service.store.mailing import transactional
from service.store.recalled import corrections, marks
from service.store.recalled.corrections import DueCorrections

TEMPLATE = "correction"

MOST = 1000
"""Mails planned in one run at most; whoever is left waits for the next one, within minutes."""

Drafts = dict[tuple[str, str, tuple[int, ...]], Parts]
"""(language, digest, recalls) -> the mail: many readers get the very same."""


@dataclass(frozen=True, slots=True)
class CorrectionsPlanned:
    """How many mails were planned. `failed`: subscription -> why; it is tried again."""

    planned: int = 0
    failed: dict[int, str] = field(default_factory=dict)


def plan_corrections(
    store: Store, settings: Settings, renderer: Renderer, now: datetime
) -> CorrectionsPlanned:
    """Plan a mail for those who have waited long enough, at most MOST. Nothing while mail is held.

    There may be more; run again, it goes on with them.
    """
    planned, failed = 0, {}
    while planned < MOST:
        with store.read() as connection:
            if hold.held_since(connection) is not None:
                break
            due = [
                one
                for one in corrections.due(connection, now)
                if one.subscription_id not in failed and one.digest in settings.digest
            ]
            views = correction_views(connection, now) if due else {}
            readers = [one.subscriber_id for one in due]
            waiting = corrections.waiting(connection, readers, now) if due else {}
        drafts: Drafts = {}
        if not due:
            break
        before = planned
        for one in due:
            try:
                # Render before the transaction: nobody waits for a template meanwhile.
                _draft(settings, renderer, one, waiting.get(one.subscriber_id, ()), views, drafts)
                planned += _plan(store, settings, renderer, now, one, views, drafts)
            except TemplateError as error:
                failed[one.subscription_id] = str(error)
        if planned == before:
            break
    return CorrectionsPlanned(planned, failed)


def _draft(
    settings: Settings,
    renderer: Renderer,
    one: DueCorrections,
    recalls: Sequence[int],
    views: dict[int, CorrectionView],
    drafts: Drafts,
) -> Parts | None:
    """The mail that tells a reader of these recalls; None: there is nothing to tell."""
    language = one.language or settings.site.language
    known = tuple(number for number in recalls if number in views)
    if not known:
        return None
    key = (language, one.digest, known)
    if key not in drafts:
        drafts[key] = renderer.mail(
            TEMPLATE,
            language,
            corrections=tuple(views[number] for number in known),
            digest=settings.digest[one.digest].title or settings.site.title,
        )
    return drafts[key]


def _plan(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    one: DueCorrections,
    views: dict[int, CorrectionView],
    drafts: Drafts,
) -> bool:
    with store.ledger() as connection:
        marks.hold_off(connection)
        corrections.lock(connection, one.subscriber_id)
        ids = corrections.waiting(connection, [one.subscriber_id], now).get(one.subscriber_id, ())
        parts = _draft(settings, renderer, one, ids, views, drafts)
        if parts is None:
            return False
        message_id = transactional_message_id(
            facts.secret(connection),
            host(settings),
            kind=DeliveryKind.REPORT,
            subscription_id=one.subscription_id,
            dated_at=now,
        )
        delivery = transactional.plan(
            connection,
            kind=DeliveryKind.REPORT,
            subscription_id=one.subscription_id,
            message_id=message_id,
            parts=parts,
            language=one.language or settings.site.language,
            now=now,
            expires_at=None,
        )
        corrections.carried(connection, delivery, one.subscriber_id, ids)
    return True
