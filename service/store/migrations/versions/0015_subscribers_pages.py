"""Addresses that are changed by their owners, and invitations with what was written in them."""

import sqlalchemy as sa
from alembic import op

revision = "0015_subscribers_pages"
down_revision = "0014_reviews"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("subscription", sa.Column("successor", _ID))
    op.create_table(
        "former_address",
        sa.Column("address_key", sa.LargeBinary()),
        sa.Column("subscriber_id", _ID, autoincrement=False),
        sa.Column("left_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name="fk_former_address_subscriber_id"
        ),
        sa.PrimaryKeyConstraint("address_key", "subscriber_id", name="pk_former_address"),
    )
    op.create_index("ix_former_address_subscriber_id", "former_address", ["subscriber_id"])
    op.create_table(
        "address_change",
        sa.Column("token", sa.String(32)),
        sa.Column("subscriber_id", _ID, nullable=False),
        sa.Column("subscription_id", _ID, nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name="fk_address_change_subscriber_id"
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name="fk_address_change_subscription_id"
        ),
        sa.PrimaryKeyConstraint("token", name="pk_address_change"),
    )
    op.create_index("ix_address_change_subscriber_id", "address_change", ["subscriber_id"])
    op.create_index("ix_address_change_subscription_id", "address_change", ["subscription_id"])
    op.create_table(
        "invitation",
        sa.Column("address_key", sa.LargeBinary()),
        sa.Column("subscription_id", _ID, nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("text_version", sa.String(16), nullable=False),
        sa.Column("invited_at", _INSTANT, nullable=False),
        sa.Column("accepted_at", _INSTANT),
        sa.Column("accepted_how", sa.Text()),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name="fk_invitation_subscription_id"
        ),
        sa.PrimaryKeyConstraint("address_key", name="pk_invitation"),
    )
    op.create_index("ix_invitation_subscription_id", "invitation", ["subscription_id"])
    op.create_table(
        "invitation_text",
        sa.Column("version", sa.String(16)),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("first_used_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_invitation_text"),
    )
