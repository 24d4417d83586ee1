"""`bantin migrate` and what `--check` says before it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from service.cli.app import cli
from service.store.core import facts, job_queue
from service.store.core.database import Store
from service.store.core.kicks import has_queue
from service.store.core.migrate import is_current
from service.store.core.revisions import OLDEST, newest
from service.store.core.upgrade import upgrade


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "bantin.toml"
    path.write_text(
        f'[site]\ntitle = "Tin"\n[store]\nurl = "sqlite:///{tmp_path}/bantin.db"\n', "utf-8"
    )
    return path


@pytest.fixture
def store(tmp_path, config):
    store = Store(f"sqlite:///{tmp_path}/bantin.db")
    yield store
    store.close()


def bantin(config, *args):
    return CliRunner().invoke(cli, ["migrate", *args, "--config", str(config)])


def test_check_tells_of_a_database_of_before_and_migrate_brings_it_up(config, store):
    upgrade(store, "0005_search")
    told = bantin(config, "--check")
    assert told.exit_code == 3, told.output
    lines = told.output.splitlines()
    assert lines[0] == f"the tables are at 0005_search; to come, up to {newest()}:"
    assert "  0006_hot_stories  Which stories are hot, and since when." in lines
    assert "    new table hot_story" in lines
    assert lines[-1] == "about a second; the running service may go on meanwhile"
    assert not is_current(store)

    done = bantin(config)
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        0, "the tables are those of this version",
    )  # fmt: skip
    assert is_current(store)
    again = bantin(config, "--check")
    same = f"the tables are those of this version ({newest()}); nothing to do\n"
    assert (again.exit_code, again.output) == (0, same)
    assert bantin(config).output == same


def test_check_of_what_is_not_there_makes_nothing(config, tmp_path):
    told = bantin(config, "--check")
    assert (told.exit_code, told.output) == (
        3, "there are no tables yet; all of them are made at once\n",
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == [config]
    assert bantin(config).exit_code == 0
    assert json.loads(bantin(config, "--check", "--json").output)["current"] == newest()


def test_json_has_rows_and_seconds(config, store):
    upgrade(store, "0003_topic_labels")
    told = bantin(config, "--check", "--json")
    assert told.exit_code == 3
    said = json.loads(told.output)
    assert (said["current"], said["target"], said["beside"]) == (
        "0003_topic_labels",
        newest(),
        True,
    )
    assert said["applied"] is False
    assert said["missing"][0]["changes"] == [
        {"says": "new column edition_story.standing", "table": "edition_story", "rewrites": False,
         "reads": False, "blocks": False, "adds": True, "rows": 0}
    ]  # fmt: skip


def test_a_later_version_is_left_alone_where_it_lets_us_go_on_and_is_an_error_where_not(
    config, store
):
    upgrade(store)
    for oldest, code in ((newest(), 0), ("9999_later", 1)):
        with store.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
            facts.put(connection, OLDEST, oldest)
        for args in ((), ("--check",)):
            told = bantin(config, *args)
            assert told.exit_code == code, told.output
    assert "its tables are of a newer version than this program" in told.output


@pytest.mark.postgres
def test_the_queue_of_many_processes_is_brought_up_where_there_is_one(postgres_database, tmp_path):
    config = tmp_path / "bantin.toml"
    config.write_text(f'[site]\ntitle = "Tin"\n[store]\nurl = "{postgres_database}"\n', "utf-8")
    store = Store(postgres_database)

    def brought_up():
        assert bantin(config).exit_code == 0
        with store.read() as connection:
            return has_queue(connection), facts.get(connection, "engine_schema")

    assert brought_up() == (False, None)
    job_queue.bring_up(store, "0")
    with store.write() as connection:
        newest_of_queue = facts.get(connection, "engine_schema")
        facts.forget(connection, "engine_schema")
    assert brought_up() == (True, newest_of_queue)
    store.close()
