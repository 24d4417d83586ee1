"""All migrations applied = the declared schema, on both databases, empty or filled."""

from __future__ import annotations

import concurrent.futures
import re
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from textwrap import dedent, indent

import pytest
from sqlalchemy import func, inspect, make_url, select, text

from service.curate.citing import read_stored
from service.curate.search.indexing import index_stored
from service.demo.folder import settle
from service.errors import SchemaError
from service.runtime.composition import system_clock
from service.store import tables as t
from service.store.content.search_queries import IndexTerms, search
from service.store.core import facts
from service.store.core.database import Store
from service.store.core.migrate import is_current, may_go_on, migrate, migrate_apart
from service.store.core.revisions import OLDEST, VERSIONS, newest
from service.store.core.upgrade import upgrade
from tests.builders import add_digest, add_source, add_story, add_subscription, add_topic
from tests.databases import HOW_TO_GET_POSTGRES, POSTGRES, on_server, postgres_url
from tests.running import ROOT, finished, until, unused_port

CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def schema(connection):
    """Table -> all that the database itself says of it, in no order."""
    looking = inspect(connection)
    return {
        name: {
            "columns": {
                one["name"]: (str(one["type"]), one["nullable"], one["default"])
                for one in looking.get_columns(name)
            },
            "key": looking.get_pk_constraint(name),
            "foreign keys": by_name(looking.get_foreign_keys(name)),
            "unique": by_name(looking.get_unique_constraints(name)),
            "checks": by_name(looking.get_check_constraints(name)),
            "indexes": by_name(looking.get_indexes(name)),
        }
        for name in declared(looking)
    }


def declared(looking):
    """The tables that both databases declare alike; the search index is one's own."""
    apart = ("alembic_version", "article_search")
    return [name for name in looking.get_table_names() if not name.startswith(apart)]


def by_name(found):
    """Partial indexes have their condition as an object, equal to itself alone."""
    return {one["name"]: plain(one) for one in found}


def plain(value):
    return (
        {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else str(value)
    )


def test_migrations_give_the_declared_schema(any_store):
    """To the last constraint."""
    with any_store.engine.begin() as connection:
        migrated = schema(connection)
        connection.execute(text("DROP TABLE article_search"))
        t.metadata.drop_all(connection)
        assert schema(connection) == {}
        t.metadata.create_all(connection)
        assert migrated == schema(connection)
    assert set(migrated) == set(t.metadata.tables)


def test_a_migration_does_not_follow_the_live_code():
    """What it made yesterday, it makes tomorrow."""
    for path in VERSIONS.glob("[0-9]*.py"):
        assert "service" not in path.read_text(), path.name


def test_migrating_a_filled_database_keeps_every_row(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        topic = add_topic(connection, now)
        add_story(connection, source=source, topics=[topic], entered_at=now, title="Tin một")
        add_subscription(connection, digest=add_digest(connection, now), starts_at=now)
    migrate(any_store)
    with any_store.read() as connection:
        for table in (t.source, t.article, t.story, t.article_topic, t.subscription):
            assert connection.scalar(select(func.count()).select_from(table)) == 1, table.name


@pytest.fixture
def unmigrated_postgres():
    if not POSTGRES:
        pytest.skip(HOW_TO_GET_POSTGRES)
    name = f"bantin_first_{uuid.uuid4().hex[:12]}"
    on_server(f"CREATE DATABASE {name}")
    yield postgres_url(name)
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def first_store(request, tmp_path):
    """An empty database at the first schema."""
    url = f"sqlite:///{tmp_path / 'first.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("unmigrated_postgres")
    store = Store(url)
    upgrade(store, "0001_tables")
    yield store
    store.close()


def test_a_filled_database_of_the_first_schema_is_brought_to_the_last(first_store, now):
    """Each row as it was, and the tables that came later as they are declared."""
    with first_store.write() as connection:
        source = add_source(connection, now)
        topic = add_topic(connection, now)
        for number in range(3):
            title = f"Chỉ thị {number + 1}-CT/TW"
            add_story(connection, source=source, topics=[topic], entered_at=now, title=title)
        add_subscription(connection, digest=add_digest(connection, now), starts_at=now)
        columns = columns_of(connection)
        before = contents(connection, columns)
    migrate(first_store)
    with first_store.read() as connection:
        after = contents(connection, columns)
        after["fact"] = [row for row in after["fact"] if OLDEST not in row]
        assert after == before
        migrated = schema(connection)
        later = set(migrated) - set(before)
        assert {
            name: connection.scalar(select(func.count()).select_from(text(name))) for name in later
        } == dict.fromkeys(later, 0)
    assert set(migrated) == set(t.metadata.tables)
    assert read_stored(first_store) is False
    with first_store.read() as connection:
        found = connection.execute(select(t.article_reference.c.reference)).scalars()
        assert sorted(found) == ["01-CT/TW", "02-CT/TW", "03-CT/TW"]
    assert index_stored(first_store) is False
    with first_store.read() as connection:
        terms = IndexTerms((("2", "ct", "tw"),), frozenset({"2+ct", "ct+tw"}))
        assert len(search(connection, terms, 9, time.monotonic() + 60).ids) == 1


def contents(connection, columns):
    """Table -> what its rows have in these columns."""
    return {
        name: sorted(map(repr, connection.execute(text(f'SELECT {some} FROM "{name}"'))))
        for name, some in columns.items()
    }


def columns_of(connection):
    """Table -> its columns, as a statement names them."""
    found = inspect(connection)
    return {
        name: ", ".join(f'"{column["name"]}"' for column in found.get_columns(name))
        for name in declared(found)
    }


def test_two_processes_that_start_at_once_migrate_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'both.db'}"
    failures: list[BaseException] = []

    def start() -> None:
        store = Store(url)
        try:
            migrate(store)
        except BaseException as error:  # noqa: BLE001 - handed to the assertion below
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_file_that_another_process_has_just_made_is_waited_for(tmp_path):
    path = tmp_path / "both.db"
    # What a file is until it is switched to WAL; SQLite refuses that at once beside a writer.
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    ended = threading.Timer(0.3, writer.execute, ["COMMIT"])
    ended.start()
    store = Store(f"sqlite:///{path}")
    migrate(store)
    assert is_current(store)
    store.close()
    ended.join()
    writer.close()


@pytest.mark.parametrize("revision", ["0001", "0006", "0001_first", "9999_later"])
def test_a_database_of_another_version_is_refused_untouched(any_store, revision):
    with any_store.write() as connection:
        connection.execute(text("DROP TABLE websub_delivery"))
        of_another_version(connection, revision)
    with pytest.raises(SchemaError) as told:
        migrate(any_store)
    assert str(told.value) == (WHO[revision] + WAY_OUT[any_store.is_sqlite])
    with any_store.read() as connection:
        assert not inspect(connection).has_table("websub_delivery")
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == revision


def of_another_version(connection, revision, oldest="9999_later"):
    connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    facts.put(connection, OLDEST, oldest)


def test_a_program_of_yesterday_is_started_again_on_the_tables_of_today(first_store):
    """A later version has only added to what this one knows, and has said so."""
    upgrade(first_store)
    with first_store.write() as connection:
        of_another_version(connection, "9999_later", oldest=newest())
    assert may_go_on(first_store)
    assert not is_current(first_store)
    migrate(first_store)
    with first_store.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999_later"


EXAMPLE = re.findall(r"```python\n(.*?)```", CONTRIBUTING.read_text(encoding="utf-8"), re.DOTALL)

LATER = """from alembic import op
revision = "9999_later"
down_revision = "{newest}"

def upgrade():
{example}
"""


def later(folder):
    """A folder with a migration after all others: what contributors are told, on a real column."""
    (example,) = EXAMPLE
    example = example.replace('["x"]', '["title"]').replace("(x)", "(title)")
    folder.mkdir()
    written = LATER.format(newest=newest(), example=indent(dedent(example), "    "))
    (folder / "9999_later.py").write_text(written, encoding="utf-8")
    return folder


def test_an_index_is_built_beside_writers_as_contributors_are_told(first_store, tmp_path):
    """On PostgreSQL again, where a try before has left one that is not valid."""
    more = later(tmp_path / "more")
    for _ in range(1 if first_store.is_sqlite else 2):
        upgrade(first_store, more=more)
        with first_store.write() as connection:
            assert (
                connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999_later"
            )
            assert "ix_article_x" in by_name(inspect(connection).get_indexes("article"))
            of_another_version(connection, newest())


@pytest.mark.postgres
def test_those_that_build_an_index_at_once_do_not_wait_for_each_other_for_ever(
    unmigrated_postgres, tmp_path
):
    """An index that is built CONCURRENTLY waits for statements; so none may wait for its turn."""
    more = later(tmp_path / "more")
    stores = [Store(unmigrated_postgres) for _ in range(3)]
    upgrade(stores[0])
    with concurrent.futures.ThreadPoolExecutor(3) as apart:
        for done in [apart.submit(upgrade, store, more=more) for store in stores]:
            assert done.result(60) is None
    for store in stores:
        store.close()


@pytest.mark.postgres
def test_nobody_stands_behind_a_migration_that_waits_for_a_table(unmigrated_postgres):
    """A long answer is being read of a table that a migration adds a column to."""
    store, reader = Store(unmigrated_postgres), Store(unmigrated_postgres)
    upgrade(store, "0003_topic_labels")
    look = text("SELECT count(*) FROM edition_story")
    waits = (
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE datname = current_database() AND NOT granted"  # copies of one have the same numbers
        " AND relation = 'edition_story'::regclass"
    )
    with concurrent.futures.ThreadPoolExecutor(1) as apart:
        with reader.read() as long, reader.read() as other:
            long.execute(look)
            other.execute(text("SET LOCAL statement_timeout = '30s'"))
            migrated = apart.submit(migrate, store)
            until(lambda: other.scalar(text(waits)) or migrated.done(), 60)
            other.execute(look)  # is answered while the long one still reads
            assert not migrated.done()
        migrated.result(60)
    assert is_current(store)
    store.close()
    reader.close()


BEFORE = "its tables are of a version before the first release; to start anew, "
WHO = {
    "0001": BEFORE,
    "0006": BEFORE,
    "0001_first": BEFORE,
    "9999_later": (
        "its tables are of a newer version than this program (revision 9999_later); "
        "use that version, or, to start anew, "
    ),
}
WAY_OUT = {
    True: "delete this file and its -wal and -shm, or name another one in [store] url",
    False: "drop this database and make an empty one, or name another one in [store] url",
}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old_database(request):
    """The address of a database of before the first release."""
    wanted = "sqlite_url" if request.param == "sqlite" else "postgres_database"
    url = request.getfixturevalue(wanted)
    store = Store(url)
    with store.write() as connection:
        connection.execute(text("DROP TABLE websub_delivery"))
        of_another_version(connection, "0006")
    store.close()
    return url


@pytest.mark.processes
def test_a_start_says_in_one_sentence_how_to_start_anew(old_database, tmp_path):
    config = tmp_path / "bantin.toml"
    config.write_text(
        f'[site]\ntitle = "Tin"\n[store]\nurl = "{old_database}"\n'
        f'[web]\nlisten = "127.0.0.1:{unused_port()}"\n'
    )
    said = run(tmp_path, "up", "--config", config.name)
    assert said.returncode == 1
    shown = make_url(old_database).render_as_string(hide_password=True)
    way_out = WAY_OUT[old_database.startswith("sqlite")]
    assert said.stderr.splitlines() == [f"bantin: {shown}: {BEFORE}{way_out}"]


@pytest.mark.processes
def test_a_demo_of_another_version_names_the_folder_to_delete(sqlite_url, tmp_path):
    here = tmp_path / "thu"
    store = Store(sqlite_url)
    with store.write() as connection:
        of_another_version(connection, "0006")
    store.close()
    assert settled(here)
    (tmp_path / "bantin.db").rename(here / "var" / "bantin.db")
    said = run(tmp_path, "demo", "--once", "--dir", "thu")
    assert said.returncode == 1
    told = "bantin: the demo in thu was made by another version of Bantin; to start anew, "
    assert said.stderr == f"{told}delete the folder {here}\n"


def run(folder, *command):
    return finished(*command, cwd=folder)


def settled(folder):
    with settle(folder, system_clock()) as place:
        return place.config.is_file()


APART = """
import sys
from service.store.content.search_queries import IndexTerms, search
from service.store.core.database import Store
from service.store.core.migrate import migrate, migrate_apart
migrate_apart(sys.argv[1])
migrate(Store(sys.argv[1]))
print("at the declared schema", "with" if "alembic" in sys.modules else "without", "Alembic")
"""


@pytest.mark.processes
def test_what_migrates_apart_leaves_nothing_in_memory(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", APART, f"sqlite:///{tmp_path}/apart.db"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert said.stdout == "at the declared schema without Alembic\n"
    assert said.stderr == ""


def test_what_goes_wrong_apart_is_left_to_the_one_who_comes_after(sqlite_url, capfd):
    store = Store(sqlite_url)
    with store.write() as connection:
        of_another_version(connection, "0006")
    migrate_apart(sqlite_url)
    assert capfd.readouterr().err == ""
    with pytest.raises(SchemaError):
        migrate(store)
    store.close()
