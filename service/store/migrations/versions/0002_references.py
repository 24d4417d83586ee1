"""Which articles cite which official documents."""

import sqlalchemy as sa
from alembic import op

revision = "0002_references"
down_revision = "0001_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty at first: what is stored already is read in the background (curate/citations.py).
    op.create_table(
        "article_reference",
        sa.Column("article_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("reference", sa.String(64)),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_article_reference_article_id"
        ),
        sa.PrimaryKeyConstraint("article_id", "reference", name="pk_article_reference"),
    )
    op.create_index(
        "ix_article_reference_reference", "article_reference", ["reference", "article_id"]
    )
