"""Which configuration is in force, and what was admitted by the rules of another one."""

import sqlalchemy as sa
from alembic import op

revision = "0010_configurations"
down_revision = "0009_mail_rates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "configuration",
        sa.Column("generation", sa.Integer(), autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("generation", name="pk_configuration"),
    )
    op.create_table(
        "unplaced_article",
        sa.Column(
            "article_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
        ),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_unplaced_article_article_id"
        ),
        sa.PrimaryKeyConstraint("article_id", name="pk_unplaced_article"),
    )
    op.add_column("topic", sa.Column("in_force_hash", sa.LargeBinary()))
    op.add_column("running_process", sa.Column("configuration_hash", sa.LargeBinary()))
