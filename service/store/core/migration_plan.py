"""What the missing migrations will do to a database, said before they do it. Writes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text

from service.errors import SchemaError
from service.store.core.database import BUSY_LIMIT_S, Store, errors_as_ours
from service.store.core.migrate import may_go_on
from service.store.core.revisions import revision_of
from service.store.core.upgrade import (
    config_of_migrations,
    of_another_version,
    oldest_program,
)

_INDEX_ROW_S = 3e-6
"""An index is built of a million rows in 3 s on a small server (docs/upgrading.md)."""

_REWRITTEN_ROW_S = 40e-6
"""A million rows with three indexes are written anew in 37 s on PostgreSQL, in 3 s on SQLite."""

_SHOWN = 60
"""Characters of a statement that is shown as it is."""

_STATEMENT_S = 0.01
"""What touches no row is a change of the catalogue."""

_NEW_TABLE = re.compile(r'CREATE (?:VIRTUAL )?TABLE "?(\w+)', re.IGNORECASE)
_INDEX = re.compile(
    r'CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?(?:IF NOT EXISTS )?\S+ ON "?(\w+)', re.IGNORECASE
)
_DROPPED_INDEX = re.compile(r"DROP INDEX (?:CONCURRENTLY )?IF EXISTS ", re.IGNORECASE)
"""What a migration that builds one CONCURRENTLY begins with, where an earlier try broke off."""
_COLUMN = re.compile(r'ALTER TABLE "?(\w+)"? ADD COLUMN (?:IF NOT EXISTS )?(.*)', re.IGNORECASE)
_KEY = re.compile(r'ALTER TABLE "?(\w+)"? DROP CONSTRAINT fk_', re.IGNORECASE)
"""A foreign key that goes. Who writes notices nothing."""
_GUARD = re.compile(r"CREATE TRIGGER \S+ AFTER DELETE OR UPDATE OF id ON (\w+)", re.IGNORECASE)
"""What refuses, in its place, that something goes which is named still."""
_BESIDES = re.compile(r"LOCK TABLE |CREATE (?:OR REPLACE )?FUNCTION ", re.IGNORECASE)
_DEFAULT = re.compile(r"\bDEFAULT ('[^']*'|[\w.+-]+)(?=\s|::|$)(?!\()", re.IGNORECASE)
_OTHER = re.compile(r'(?:TABLE|UPDATE|FROM|INTO|ON) (?:ONLY )?"?(\w+)', re.IGNORECASE)


@dataclass(frozen=True)
class SchemaChange:
    """One statement of a migration.

    `rewrites`: each row of `table` is written anew. `reads`: each is read, as for an index.
    `blocks`: nobody else writes to the table meanwhile. `adds`: yesterday's program does not notice
    it. `rows` as counted, 0 where none is touched.
    """

    says: str
    table: str
    rewrites: bool = False
    reads: bool = False
    blocks: bool = False
    adds: bool = True
    rows: int = 0

    @property
    def seconds(self) -> float:
        each = _REWRITTEN_ROW_S if self.rewrites else _INDEX_ROW_S
        return _STATEMENT_S + self.rows * each


@dataclass(frozen=True)
class MissingMigration:
    """`title` is the first line of the migration, "" if it has none."""

    revision: str
    title: str
    changes: tuple[SchemaChange, ...]


@dataclass(frozen=True)
class MigrationPlan:
    """What brings the tables from `current` (None: there are none) to `target`.

    `beside`: the version that runs may go on meanwhile. `seconds`: about how long all of it takes.
    """

    current: str | None
    target: str
    missing: tuple[MissingMigration, ...]
    beside: bool

    @property
    def seconds(self) -> float:
        return sum(one.seconds for migration in self.missing for one in migration.changes)


def plan(store: Store) -> MigrationPlan:
    """What `migrate` would do now. Raises StoreError, SchemaError among them."""
    scripts = ScriptDirectory.from_config(config_of_migrations())
    target = scripts.get_current_head()
    assert target is not None
    current = may_go_on(store)
    with errors_as_ours(), store.engine.connect() as connection:
        revision = revision_of(connection)
        if current:
            return MigrationPlan(revision, target, (), beside=True)
        if revision is not None and revision not in {one.revision for one in _all(scripts)}:
            raise SchemaError(of_another_version(connection, revision))
        missing = _missing(connection, scripts, revision)
    found = MigrationPlan(revision, target, missing, beside=True)
    changes = [one for migration in missing for one in migration.changes]
    beside = (
        (revision is None or oldest_program(scripts) <= revision)
        and all(one.adds for one in changes)
        and not (store.is_sqlite and found.seconds > BUSY_LIMIT_S)
    )
    return MigrationPlan(revision, target, missing, beside=beside)


def _all(scripts: ScriptDirectory) -> list[Script]:
    """All migrations, the first one first."""
    return list(scripts.walk_revisions())[::-1]


def _missing(
    connection: Connection, scripts: ScriptDirectory, revision: str | None
) -> tuple[MissingMigration, ...]:
    made: set[str] = set()
    found = []
    for script in _all(scripts):
        if revision is not None and script.revision <= revision:
            continue
        statements = statements_of(script, connection.dialect.name)
        changes = changes_of(statements, connection.dialect.name, made)
        counted = tuple(_counted(connection, one) for one in changes)
        found.append(MissingMigration(script.revision, script.doc or "", counted))
    return tuple(found)


def statements_of(script: Script, dialect: str) -> list[str]:
    """The SQL of a migration for `sqlite` or `postgresql`, one text a statement. No database."""
    context = MigrationContext.configure(
        dialect_name=dialect, opts={"as_sql": True, "beside": dialect == "postgresql"}
    )
    said: list[str] = []
    context.impl.static_output = said.append  # type: ignore[method-assign, assignment]
    with Operations.context(context):
        script.module.upgrade()
    return [" ".join(one.rstrip(";").split()) for one in said if one not in ("BEGIN;", "COMMIT;")]


def changes_of(statements: list[str], dialect: str, made: set[str]) -> list[SchemaChange]:
    """What each statement does. `made`: tables that are new, to which those of these are added.

    What touches nothing but new tables is theirs, and not told apart.
    """
    found = [_change(one, dialect, made) for one in statements]
    return [one for one in found if one is not None]


def _change(statement: str, dialect: str, made: set[str]) -> SchemaChange | None:
    if match := _NEW_TABLE.match(statement):
        made.add(match[1])
        return SchemaChange(f"new table {match[1]}", match[1])
    if dialect == "postgresql" and (_DROPPED_INDEX.match(statement) or _BESIDES.match(statement)):
        return None
    change = _to_a_table(statement, dialect)
    return None if change.table in made else change


def _to_a_table(statement: str, dialect: str) -> SchemaChange:
    if match := _INDEX.match(statement):
        return SchemaChange(f"index on {match[2]}", match[2], reads=True, blocks=not match[1])
    if match := _COLUMN.match(statement):
        return _column(match[1], match[2], dialect)
    if match := _KEY.match(statement):
        return SchemaChange(f"a foreign key less in {match[1]}", match[1])
    if match := _GUARD.match(statement):
        return SchemaChange(f"trigger for deletes from {match[1]}", match[1])
    found = _OTHER.search(statement)
    says = f"{statement[:_SHOWN]}…" if len(statement) > _SHOWN else statement
    return SchemaChange(says, found[1] if found else "", rewrites=True, blocks=True, adds=False)


def _column(table: str, rest: str, dialect: str) -> SchemaChange:
    """A column that is added. With a value that has to be worked out, each row is rewritten."""
    name = rest.split(maxsplit=1)[0].strip('"')
    constant = _DEFAULT.search(rest) is not None
    worked_out = not constant and " DEFAULT " in rest.upper()
    required = "NOT NULL" in rest.upper() and not constant
    return SchemaChange(
        f"new column {table}.{name}",
        table,
        rewrites=worked_out and dialect == "postgresql",
        blocks=worked_out,
        adds=not (required or worked_out),
    )


def _counted(connection: Connection, change: SchemaChange) -> SchemaChange:
    if not change.table or not (change.rewrites or change.reads):
        return change
    rows = connection.scalar(text(f'SELECT count(*) FROM "{change.table}"'))  # noqa: S608 - of our own migration
    return replace(change, rows=rows or 0)
