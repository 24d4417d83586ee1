"""What came back by mail after a relay had accepted it: a row beside the delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0013_returned_mail"
down_revision = "0012_hub_sources"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "returned_mail",
        sa.Column(
            "delivery_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
        ),
        sa.Column("kind", sa.String(16)),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_returned_mail_delivery_id"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "kind", name="pk_returned_mail"),
    )
    op.create_index("ix_returned_mail_address_key", "returned_mail", ["address_key", "returned_at"])
