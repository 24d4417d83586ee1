"""Who wants what, and who must not be written to."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from service.store.core.column_types import BigId, Json, UtcDateTime
from service.store.tables.base import metadata

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", BigId, primary_key=True),
    # HMAC of the folded address with its IDNA domain: survives forgetting.
    Column("address_key", LargeBinary, nullable=False, unique=True),
    # HMAC of the mailbox that it leads into, which "minh+tin@" shares with "minh@".
    Column("mailbox_key", LargeBinary),  # None: forgotten before there was one
    Column("address", Text),  # None after `forget`
    Column("language", String(35)),  # None: the site's
    Column("zone", String(64)),  # None: the site's
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_subscriber_mailbox_key", "mailbox_key"),
)

former_address = Table(
    "former_address",
    metadata,
    # The key of an address that a person had before: mail to it may still be on its way, and come
    # back, and an older list must not make its owner a reader twice.
    Column("address_key", LargeBinary, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), primary_key=True, autoincrement=False),
    Column("left_at", UtcDateTime, nullable=False),
    Index("ix_former_address_subscriber_id", "subscriber_id"),
)

address_change = Table(
    "address_change",
    metadata,
    # Asked for by the old address. Once the new one has said yes, both are one person's.
    Column("token", String(32), primary_key=True),  # 128 random bits, in the mail to the new one
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),  # who changes
    # What the mail to the new address hangs on, and by it whose that address is until then.
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Index("ix_address_change_subscriber_id", "subscriber_id"),
    Index("ix_address_change_subscription_id", "subscription_id"),
)

invitation = Table(
    "invitation",
    metadata,
    # One mail to an address, ever. The key outlives the address, so that no second one follows.
    Column("address_key", LargeBinary, primary_key=True),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("list_name", Text, nullable=False),
    Column("text_version", String(16), nullable=False),  # of invitation_text
    Column("invited_at", UtcDateTime, nullable=False),
    Column("accepted_at", UtcDateTime),  # None: no yes so far
    Column("accepted_how", Text),  # by which page, and from which network address
    Index("ix_invitation_subscription_id", "subscription_id"),
)

invitation_text = Table(
    "invitation_text",
    metadata,
    # What those were shown who said yes: kept once for all who got the same words.
    Column("version", String(16), primary_key=True),  # the beginning of its SHA-256
    Column("language", String(35), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("first_used_at", UtcDateTime, nullable=False),
)

signup_hour = Table(
    "signup_hour",
    metadata,
    # How many mails sign-ups may cause in a UTC hour: to everybody (an empty key) and to a domain.
    Column("key", LargeBinary, primary_key=True),
    Column("starts_at", UtcDateTime, primary_key=True),
    Column("mails", Integer, nullable=False),
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("digest_id", ForeignKey("digest.id"), nullable=False),
    Column("token", String(32), nullable=False, unique=True),  # 128 random bits
    Column("cadence", String(64), nullable=False),
    Column("hour", String(5)),  # "HH:MM"; None: the digest's
    Column("zone", String(64)),  # None: the subscriber's, else the site's
    Column("topics", Json),  # list of topic ids; None: the digest's own, now and later
    Column("created_at", UtcDateTime, nullable=False),
    Column("evidence", Text),  # how consent was given: address, page, import file
    Column("signup_hash", LargeBinary),  # of the sign-up cookie: one click confirms with it
    Column("starts_at", UtcDateTime),  # the confirmation; None: not confirmed yet
    Column("covered_to", UtcDateTime),
    Column("next_cut_at", UtcDateTime),
    Column("rule", Text),  # the rule that next_cut_at was computed from
    Column("paused_until", UtcDateTime),
    Column("welcome_due", Boolean, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_reason", String(32)),
    # What goes on in its place where two addresses became one person: its links lead there.
    Column("successor", BigId),
    CheckConstraint("(ended_at IS NULL) = (ended_reason IS NULL)", name="ended"),
    Index(
        "uq_subscription_live",
        "subscriber_id",
        "digest_id",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_subscription_subscriber_id", "subscriber_id"),
    Index("ix_subscription_next_cut", "digest_id", "next_cut_at"),
    # Asked at every planning: few ever wait for their welcome.
    Index(
        "ix_subscription_welcome_due",
        "id",
        sqlite_where=text("welcome_due IS 1"),
        postgresql_where=text("welcome_due IS true"),
    ),
)

subscription_event = Table(
    "subscription_event",
    metadata,
    # Append-only: `why` needs the settings of that day.
    Column("id", BigId, primary_key=True),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("happened_at", UtcDateTime, nullable=False),
    Column("what", String(32), nullable=False),
    Column("detail", Json, nullable=False),
    Index("ix_subscription_event_subscription_id", "subscription_id"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("address_key", LargeBinary, primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("suppressed_at", UtcDateTime, nullable=False),
    Column("evidence", Text, nullable=False),
)
