"""All migrations applied = the declared schema, on both databases, empty or filled."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text

from service.errors import StoreError
from service.store import tables as t
from service.store.audience import suppressions
from service.store.core.database import Store
from service.store.core.migrate import migrate, migrate_apart
from service.store.core.upgrade import upgrade
from service.text import mailboxes
from tests.builders import add_digest, add_source, add_story, add_subscription, add_topic
from tests.mail.stock import fill


def _differences(store: Store) -> list[object]:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, t.metadata))


def test_migrations_give_the_declared_schema(any_store):
    assert _differences(any_store) == []


def test_migrating_a_filled_database_keeps_every_row(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        topic = add_topic(connection, now)
        add_story(connection, source=source, topics=[topic], entered_at=now, title="Tin một")
        add_subscription(connection, digest=add_digest(connection, now), starts_at=now)
    migrate(any_store)
    assert _differences(any_store) == []
    with any_store.read() as connection:
        for table in (t.source, t.article, t.story, t.article_topic, t.subscription):
            assert connection.scalar(select(func.count()).select_from(table)) == 1, table.name


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


def test_a_database_from_a_newer_program_is_refused_untouched(any_store):
    with any_store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer than this program"):
        migrate(any_store)


APART = """
import sys
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
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert said.stdout == "at the declared schema without Alembic\n"
    assert said.stderr == ""


def test_what_goes_wrong_apart_is_left_to_the_one_who_comes_after(sqlite_url, capfd):
    store = Store(sqlite_url)
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    migrate_apart(sqlite_url)
    assert capfd.readouterr().err == ""
    with pytest.raises(StoreError, match="newer than this program"):
        migrate(store)
    store.close()


def test_a_filled_database_of_the_version_before_is_brought_here(any_store, now):
    """Each later migration runs on rows that are there, with what refers to them."""
    with any_store.engine.begin() as connection:
        for table in reversed(t.metadata.sorted_tables):
            table.drop(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    upgrade(any_store, "0002")
    stock = fill(any_store, now, ["lan@example.vn", "minh@example.vn"])
    upgrade(any_store)
    assert _differences(any_store) == []
    with any_store.read() as connection:
        kept = connection.execute(select(t.delivery.c.id).order_by(t.delivery.c.id))
        assert list(kept.scalars()) == stock.deliveries
        assert connection.scalar(select(func.count()).select_from(t.told)) == 4


SECRET = b"s" * 32


def test_keys_that_took_two_people_for_one_are_made_anew(any_migrated_to, now):
    """0005: `straße@` had the key of `strasse@`. Who was suppressed under it stays suppressed."""
    store = any_migrated_to("0004")
    old_key = hmac.new(SECRET, b"address\0strasse@example.vn", hashlib.sha256).digest()
    plain = hmac.new(SECRET, b"address\0minh+a@example.vn", hashlib.sha256).digest()
    with store.write() as connection:
        connection.execute(t.fact.insert().values(name="hmac_secret", value=SECRET.hex()))
        for key, address in ((old_key, "Straße@example.vn"), (plain, "Minh+a@example.vn")):
            connection.execute(
                text(
                    "INSERT INTO subscriber (address_key, address, created_at)"
                    " VALUES (:key, :address, :now)"
                ),
                {"key": key, "address": address, "now": now.isoformat(" ")},
            )
        suppressions.add(connection, old_key, "bounce", now, "550 5.1.1 <Straße@example.vn> gone")
    migrate(store)
    with store.read() as connection:
        people = {row.address: row for row in connection.execute(select(t.subscriber))}
        strasse, minh = people["Straße@example.vn"], people["Minh+a@example.vn"]
        assert strasse.address_key == mailboxes.key(SECRET, "Straße@example.vn") != old_key
        assert strasse.mailbox_key == mailboxes.mailbox_key(SECRET, "straße@example.vn")
        assert minh.address_key == plain
        assert minh.mailbox_key == mailboxes.mailbox_key(SECRET, "minh@example.vn")
        barred = connection.execute(select(t.suppression)).all()
        assert {row.address_key for row in barred} == {old_key, strasse.address_key}
        assert {row.evidence for row in barred} == {"550 5.1.1 <[address]> gone"}
    assert _differences(store) == []


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_migrated_to(request, tmp_path):
    """A store on either database, brought to a revision."""
    opened = []

    def to(revision):
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / 'old.db'}"
        else:
            url = request.getfixturevalue("postgres_database")
        store = Store(url)
        opened.append(store)
        if not store.is_sqlite:
            with store.write() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
        upgrade(store, revision)
        return store

    yield to
    for store in opened:
        store.close()
