"""How the ways out of mail fare: known after a restart, to other commands and other machines."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, String, Table, Text

from service.store.core.column_types import UtcDateTime
from service.store.tables.base import metadata

relay = Table(
    "relay",
    metadata,
    Column("name", String(64), primary_key=True),  # its id in the TOML, or "(outbox)"
    Column("failing_since", UtcDateTime),  # None: it took the last message that it was offered
    Column("answer", Text, nullable=False),  # what it said last, when it took or refused us
    Column("answered_at", UtcDateTime, nullable=False),
    Column("next_try_at", UtcDateTime),  # of the next probe; None: it does not fail
)

mail_rate = Table(
    "mail_rate",
    metadata,
    Column("name", String(255), primary_key=True),  # a relay's id, or "@" and a domain
    # Microseconds since 1970, not instants, so that one statement moves them on both databases.
    Column("taken_us", BigInteger, nullable=False),  # every moment before it is somebody's
    Column("queued_us", BigInteger, nullable=False),  # until then mails wait for a moment
)

slow_domain = Table(
    "slow_domain",
    metadata,
    Column("domain", String(255), primary_key=True),  # in ASCII and lower case
    Column("for_readers", Boolean, nullable=False),  # False: sign-ups of strangers alone met it
    Column("answer", Text, nullable=False),  # to the last of several
    Column("held_until", UtcDateTime, nullable=False),  # no machine tries it before
)
