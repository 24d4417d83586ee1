"""`bantin store copy`: what it says, and whom it refuses."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import select

from service.store import tables as t
from service.store.core.database import Store


def test_a_site_is_copied_and_told_what_to_write(run, ask, site):
    run("subscribers", "add", "an@example.vn", "--digest", "ngay")
    said = run("store", "copy", "sqlite:///var/bantin.db", "sqlite:///new/bantin.db").stdout
    assert 'Now write [store] url = "sqlite:///new/bantin.db" and start the service.' in said
    with (site / "bantin.toml").open("a") as config:
        config.write('[store]\nurl = "sqlite:///new/bantin.db"\n')
    assert [one["address"] for one in ask("subscribers", "list")] == ["an@example.vn"]
    again = ask("store", "copy", "sqlite:///new/bantin.db", "sqlite:///third.db")
    rows = {one["name"]: one["rows"] for one in again["tables"]}
    assert (rows["subscriber"], rows["source"], again["kept"]) == (1, 2, 0)


def test_a_store_that_a_service_has_open_is_refused(run, site):
    with closing(Store("sqlite:///var/bantin.db")) as store, store.read() as connection:
        connection.execute(select(t.source)).all()
        done = run("store", "copy", "sqlite:///var/bantin.db", "sqlite:///new.db", code=1)
    assert "FROM: another process has it open: stop the service first" in done.stderr
    assert not (site / "new.db").exists()


def test_a_password_is_not_said(run, site):
    done = run("store", "copy", "sqlite:///var/bantin.db", "postgresql://a:bimat@[::1]:9/b", code=1)
    assert done.stderr.startswith("bantin: TO: the database cannot be used")
    assert "bimat" not in done.output
