"""Who was invited, with which words, and what came of it. One mail to an address, ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from service.store.core.bulk import inserting, lots
from service.store.core.statements import upsert
from service.store.tables import invitation, invitation_text


@dataclass(frozen=True, slots=True)
class InvitationText:
    """What was written to all who got the same words, with marks where each had their own."""

    version: str
    language: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """A mail that was planned for an address. `list_name` is the list that it was taken from."""

    address_key: bytes
    subscription_id: int
    list_name: str
    text_version: str
    invited_at: datetime


def among(connection: Connection, keys: Iterable[bytes]) -> set[bytes]:
    """Which of these addresses were invited before, whatever came of it."""
    found: set[bytes] = set()
    for some in lots(keys):
        column = invitation.c.address_key
        found.update(connection.execute(select(column).where(column.in_(some))).scalars())
    return found


def add_all(connection: Connection, new: Sequence[NewInvitation]) -> None:
    """Note that they are invited. Whoever another process was faster with keeps the first one."""
    _ADD_ALL(connection, [asdict(one) for one in new])


_ADD_ALL = inserting(
    invitation, "address_key", "subscription_id", "list_name", "text_version", "invited_at",
    unless="address_key",
)  # fmt: skip


def keep_text(connection: Connection, text: InvitationText, now: datetime) -> None:
    """Keep the words, once."""
    row = upsert(connection, invitation_text).values(**asdict(text), first_used_at=now)
    connection.execute(row.on_conflict_do_nothing())


def accept(connection: Connection, subscription_id: int, now: datetime, how: str) -> None:
    """The yes of who was invited with this subscription; nothing where nobody was."""
    connection.execute(
        update(invitation)
        .where(invitation.c.subscription_id == subscription_id, invitation.c.accepted_at.is_(None))
        .values(accepted_at=now, accepted_how=how)
    )
