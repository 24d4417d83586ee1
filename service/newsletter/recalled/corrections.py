"""Corrections that wait for no edition any more go out alone, within a day of the recall.

Each reader is a commit of its own. One whom an edition has told meanwhile gets no second mail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from service.config.schema import Settings
from service.errors import TemplateError
from service.mail.message import transactional_message_id
from service.mail.personal import host
from service.model import DeliveryKind
from service.newsletter.prepare import correction_views
from service.newsletter.views import CorrectionView
from service.render.engine import Renderer
from service.store.core import facts, hold
from service.store.core.database import Store
from service.store.mailing import transactional
from service.store.recalled import corrections, marks
from service.store.recalled.corrections import DueCorrections

TEMPLATE = "correction"


@dataclass(frozen=True, slots=True)
class CorrectionsPlanned:
    """How many mails were planned. `failed`: subscription -> why; it is tried again."""

    planned: int = 0
    failed: dict[int, str] = field(default_factory=dict)


def plan_corrections(
    store: Store, settings: Settings, renderer: Renderer, now: datetime
) -> CorrectionsPlanned:
    """Plan a mail for everyone who has waited long enough. Nothing while mail is held."""
    planned, failed = 0, {}
    while True:
        with store.read() as connection:
            if hold.held_since(connection) is not None:
                break
            due = [
                one
                for one in corrections.due(connection, now)
                if one.subscription_id not in failed and one.digest in settings.digest
            ]
            views = correction_views(connection, now) if due else {}
        if not due:
            break
        before = planned
        for one in due:
            try:
                planned += _plan(store, settings, renderer, now, one, views)
            except TemplateError as error:
                failed[one.subscription_id] = str(error)
        if planned == before:
            break
    return CorrectionsPlanned(planned, failed)


def _plan(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    one: DueCorrections,
    views: dict[int, CorrectionView],
) -> bool:
    language = one.language or settings.site.language
    with store.ledger() as connection:
        marks.hold_off(connection)
        corrections.lock(connection, one.subscriber_id)
        ids = corrections.waiting(connection, [one.subscriber_id], now).get(one.subscriber_id, ())
        told = tuple(views[number] for number in ids if number in views)
        if not told:
            return False
        digest = settings.digest[one.digest]
        parts = renderer.mail(
            TEMPLATE, language, corrections=told, digest=digest.title or settings.site.title
        )
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
            language=language,
            now=now,
            expires_at=None,
        )
        corrections.carried(connection, delivery, one.subscriber_id, ids)
    return True
