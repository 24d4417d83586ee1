"""Which topic an article is of, by an admin's word."""

import sqlalchemy as sa
from alembic import op

revision = "0003_topic_labels"
down_revision = "0002_references"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "topic_label",
        sa.Column(
            "article_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
        ),
        sa.Column("topic_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_topic_label_article_id"),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_topic_label_topic_id"),
        sa.PrimaryKeyConstraint("article_id", name="pk_topic_label"),
    )
