"""When an uncertain mail is planned again by itself, and how often it has been."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain additions: no table is written anew, so nothing that refers to it is touched.
    op.add_column(
        "delivery", sa.Column("resends", sa.SmallInteger(), server_default="0", nullable=False)
    )
    op.add_column("delivery", sa.Column("resend_at", sa.DateTime(timezone=True), nullable=True))
