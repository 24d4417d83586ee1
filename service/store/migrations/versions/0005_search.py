"""The search index of articles, which both databases keep in their own way."""

import sqlalchemy as sa
from alembic import op

revision = "0005_search"
down_revision = "0004_standing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty at first: what is stored already is indexed in the background
    # (curate/search/indexing.py).
    op.create_table(
        "stale_search",
        sa.Column(
            "article_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
        ),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_stale_search_article_id"),
        sa.PrimaryKeyConstraint("article_id", name="pk_stale_search"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # No copy of the text, no positions. Tokens are parted by spaces alone: the marks that stand
        # in them (text/search_tokens.py) belong to them, as all beyond ASCII does.
        op.execute(
            "CREATE VIRTUAL TABLE article_search USING fts5("
            "tokens, content='', detail=none, columnsize=0, tokenize=\"ascii tokenchars '_+=:'\")"
        )
        return
    op.execute(
        "CREATE TABLE article_search ("
        "article_id bigint CONSTRAINT pk_article_search PRIMARY KEY"
        " CONSTRAINT fk_article_search_article_id REFERENCES article, tokens integer[] NOT NULL)"
    )
    op.execute("CREATE INDEX ix_article_search_tokens ON article_search USING gin (tokens)")
