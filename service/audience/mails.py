"""The mails that a sign-up, an invitation, a change of address or a link to one's page goes by.

Each is a delivery like any other, dated at the instant when it is due: planned twice for one
instant it is one mail.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.config.schema import Settings
from service.mail.message import transactional_message_id
from service.mail.personal import host
from service.model import DeliveryKind, Parts
from service.render.engine import Renderer
from service.store.core.database import Connection
from service.store.mailing import transactional

LASTS = timedelta(days=1)
"""How long one is tried: who has waited for a day asks again."""


def language_for(settings: Settings, renderer: Renderer, said: str | None) -> str:
    """What somebody is written in who chose this language; None = none."""
    return said if said and renderer.speaks(said) else settings.site.language


def plan(
    connection: Connection,
    settings: Settings,
    secret: bytes,
    kind: DeliveryKind,
    subscription_id: int,
    parts: Parts,
    language: str,
    now: datetime,
    due_at: datetime,
    *,
    apart: bool = False,
) -> None:
    """Queue one, to go out at `due_at`. `apart`: it counts among its own (`apart_of`)."""
    transactional.plan(
        connection,
        kind=kind,
        subscription_id=subscription_id,
        message_id=_message_id(settings, secret, kind, subscription_id, due_at),
        parts=parts,
        language=language,
        now=now,
        due_at=due_at,
        expires_at=due_at + LASTS,
        apart=apart,
    )


def hurry(
    connection: Connection, settings: Settings, secret: bytes, subscription_id: int, at: datetime
) -> bool:
    """Whether its question waited for a later hour, as an invitation does, and goes out `at`."""
    kind = DeliveryKind.CONFIRM
    return transactional.bring_forward(
        connection,
        kind=kind,
        subscription_id=subscription_id,
        message_id=_message_id(settings, secret, kind, subscription_id, at),
        due_at=at,
        expires_at=at + LASTS,
    )


def _message_id(
    settings: Settings, secret: bytes, kind: DeliveryKind, subscription_id: int, at: datetime
) -> str:
    return transactional_message_id(
        secret, host(settings), kind=kind, subscription_id=subscription_id, dated_at=at
    )
