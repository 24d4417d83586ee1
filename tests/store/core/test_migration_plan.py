"""What migrations may do, and what is said of them before they do it."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

from alembic.script import ScriptDirectory

from service.store.core.database import Store
from service.store.core.migrate import migrate
from service.store.core.migration_plan import changes_of, plan, statements_of
from service.store.core.revisions import VERSIONS, newest, revision_of
from service.store.core.upgrade import OLDEST, config_of_migrations, oldest_program, upgrade
from tests.builders import add_source
from tests.levels import table

FROZEN = {
    "0001_tables": "8f78390b2b75ba25f46bb21b57475e7d",
    "0002_references": "9509878f9ba62b49db24dc1e03fd39f9",
    "0003_topic_labels": "fea6c2a5c691f4c4f5a9cc728e81067f",
    "0004_standing": "4519b125a235ecffc7422c5fbae8be46",
    "0005_search": "62a96ca79a01d78b5d3b3bfb9750206d",
    "0006_hot_stories": "f8db751b4d903e29f325fb5b13e058f3",
    "0007_story_acts": "508ddd35aea637d4ef06b6aef0975522",
    "0008_running_processes": "93cbbb7aab6746d08ba9aac8c819ad86",
    "0009_mail_rates": "5864db492c4f2310e019faf50cf13ca0",
    "0010_configurations": "2662f5fbaf64399fb6e782512cfbca42",
    "0011_what_processes_do": "658fd2b64d19e9793020cc22b9726184",
    "0012_hub_sources": "f61e269aa79cc2d34e3b4a82d7ad7b18",
    "0013_returned_mail": "fd27f7ddbbcde2e9d00f614c72c81e5b",
    "0014_reviews": "96c8ed4c9ae5df460b873827e00f93ad",
    "0015_subscribers_pages": "0e8d2a51835483e67f9c1ad290512502",
    "0016_recalls": "94dbf8c3715b4642657472e3f0798cbf",
    "0017_given_back_whole": "3191099630e8d6839503ee69e6f8e560",
    "0018_told_by_batches": "dd2b569fd9a26a12c19289ed94fcf2b8",
}
"""Each migration, with the first half of the SHA-256 of its file. A new one adds its line; none of
those that stand here changes any more: somebody's database has been through it."""


def test_a_migration_does_not_change_any_more():
    found = {
        path.stem: sha256(path.read_bytes()).hexdigest()[:32] for path in VERSIONS.glob("[0-9]*.py")
    }
    assert found == FROZEN


def migrations():
    scripts = ScriptDirectory.from_config(config_of_migrations())
    return [script for script in scripts.walk_revisions() if script.down_revision]


@table("dialect", ["sqlite", "postgresql"])
@table("script", migrations())
def test_a_migration_only_adds_as_long_as_it_names_no_oldest_program(script, dialect):
    """CONTRIBUTING.md, "Migrations": yesterday's version runs beside it."""
    changes = changes_of(statements_of(script, dialect), dialect, set())
    assert changes or dialect == "sqlite"  # whose foreign keys cost little
    assert getattr(script.module, OLDEST, None) or [one for one in changes if not one.adds] == []


def test_a_migration_is_named_by_its_file_and_follows_the_one_before():
    names = sorted(FROZEN)
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
    scripts = sorted(migrations(), key=lambda one: one.revision)
    assert [(one.down_revision, one.revision) for one in scripts] == list(pairwise(names))
    assert all(one.doc for one in scripts)


ADDS = [
    "CREATE TABLE later (id BIGINT PRIMARY KEY)",
    "CREATE VIRTUAL TABLE later USING fts5(words)",
    "ALTER TABLE article ADD COLUMN later TEXT",
    "ALTER TABLE article ADD COLUMN later INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE article ADD COLUMN later VARCHAR(8) DEFAULT 'a b' NOT NULL",
    "ALTER TABLE article ADD COLUMN later BOOLEAN DEFAULT false NOT NULL",
    "CREATE UNIQUE INDEX ix_later ON article (later)",
    "CREATE INDEX CONCURRENTLY ix_later ON article (later)",
    "ALTER TABLE article DROP CONSTRAINT fk_article_later_id",
    "CREATE TRIGGER kept AFTER DELETE OR UPDATE OF id ON article FOR EACH ROW EXECUTE FUNCTION f()",
]

TAKES_AWAY = [
    "ALTER TABLE article DROP COLUMN title",
    "ALTER TABLE article RENAME COLUMN title TO head",
    "ALTER TABLE article RENAME TO piece",
    "ALTER TABLE article ALTER COLUMN title TYPE INTEGER",
    "ALTER TABLE article ALTER COLUMN title SET NOT NULL",
    "ALTER TABLE article ADD CONSTRAINT ck CHECK (title <> '')",
    "ALTER TABLE article DROP CONSTRAINT pk_article",
    "ALTER TABLE article DROP CONSTRAINT uq_article_public_id",
    "CREATE TRIGGER kept BEFORE INSERT ON article FOR EACH ROW EXECUTE FUNCTION f()",
    "ALTER TABLE article ADD COLUMN later TEXT NOT NULL",
    "ALTER TABLE article ADD COLUMN later TIMESTAMP DEFAULT now()",
    "ALTER TABLE article ADD COLUMN later TIMESTAMP DEFAULT (now()) NOT NULL",
    "DROP TABLE article",
    "DROP INDEX ix_article",
    "UPDATE article SET title = ''",
    "DELETE FROM article",
    "INSERT INTO article (id) VALUES (1)",
]


@table("statement", ADDS)
def test_what_adds_is_known(statement):
    (change,) = changes_of([statement], "postgresql", set())
    assert (change.adds, change.rewrites) == (True, False)


@table("statement", TAKES_AWAY)
def test_what_takes_away_or_may_fail_on_rows_is_known(statement):
    (change,) = changes_of([statement], "postgresql", set())
    assert not change.adds
    assert "article" in change.says


def test_an_index_on_a_filled_table_holds_up_writers_unless_it_is_built_beside_them():
    plainly, beside = changes_of(
        ["CREATE INDEX a ON article (title)", "DROP INDEX CONCURRENTLY IF EXISTS b",
         "CREATE INDEX CONCURRENTLY b ON article (title)"], "postgresql", set(),
    )  # fmt: skip
    assert (plainly.table, plainly.reads, plainly.blocks) == ("article", True, True)
    assert (beside.table, beside.reads, beside.blocks) == ("article", True, False)


def test_what_a_migration_does_to_its_own_tables_takes_nobody_time():
    statements = [
        "CREATE TABLE later (id BIGINT)", "CREATE INDEX ix_later ON later (id)",
        "INSERT INTO later SELECT 1", "ALTER TABLE later ADD COLUMN more TEXT NOT NULL",
    ]  # fmt: skip
    assert [one.says for one in changes_of(statements, "sqlite", set())] == ["new table later"]


def test_a_database_at_the_last_revision_has_nothing_to_come(any_store):
    found = plan(any_store)
    assert (found.current, found.target, found.missing) == (newest(), newest(), ())


def test_the_plan_names_what_is_missing_and_writes_nothing(tmp_path, now):
    store = Store(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(store, "0003_topic_labels")
    with store.write() as connection:
        add_source(connection, now)
    before = (tmp_path / "old.db").read_bytes()
    found = plan(store)
    assert (tmp_path / "old.db").read_bytes() == before
    assert found.current == "0003_topic_labels"
    assert [one.revision for one in found.missing] == sorted(FROZEN)[3:]
    assert found.missing[0].title == "What the place of a story in an edition follows from."
    assert [one.says for one in found.missing[0].changes] == ["new column edition_story.standing"]
    assert 0 < found.seconds < 5
    assert found.beside
    migrate(store)
    assert plan(store).missing == ()
    store.close()


def test_an_empty_database_gets_all_of_them(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    found = plan(store)
    assert found.current is None
    assert [one.revision for one in found.missing] == sorted(FROZEN)
    with store.read() as connection:
        assert revision_of(connection) is None
    store.close()


def test_every_program_that_knows_the_first_tables_may_go_on():
    """Until a migration takes something away; whoever writes it changes this line."""
    scripts = ScriptDirectory.from_config(config_of_migrations())
    assert oldest_program(scripts) == "0001_tables"
