"""PostgreSQL asks once for a batch, not for each row, that what `told` names is there."""

from alembic import op

revision = "0018_told_by_batches"
down_revision = "0017_given_back_whole"
branch_labels = None
depends_on = None

TOLD_KEEPS = """
CREATE OR REPLACE FUNCTION told_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  is_told boolean;
BEGIN
  IF NEW.id IS DISTINCT FROM OLD.id THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.told WHERE %I = $1)', TG_TABLE_SCHEMA, TG_ARGV[0])
      INTO is_told USING OLD.id;
    IF is_told THEN
      RAISE foreign_key_violation USING MESSAGE = format(
        'a row of %I is named by told (%I = %s)', TG_TABLE_NAME, TG_ARGV[0], OLD.id);
    END IF;
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return  # SQLite looks up what a row names at a tenth of the cost, and keeps its keys
    # All at once and in the order in which others lock them: else each would wait for the other.
    op.execute("LOCK TABLE subscriber, article, delivery, told IN ACCESS EXCLUSIVE MODE")
    op.execute(TOLD_KEEPS)
    for table in ("article", "delivery", "subscriber"):
        op.execute(
            f"CREATE TRIGGER told_keeps AFTER DELETE OR UPDATE OF id ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION told_keeps('{table}_id')"
        )
        op.execute(f"ALTER TABLE told DROP CONSTRAINT fk_told_{table}_id")
