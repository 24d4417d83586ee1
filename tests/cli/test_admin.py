"""`bantin admin link`: an address with a token, and another key."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from service.runtime.composition import system_clock
from service.store.core import facts
from service.store.core.database import Store
from service.web.admin import admin_key


def token_of(link):
    [token] = parse_qs(urlsplit(link).query)["key"]
    return token


def test_it_prints_one_address_where_the_site_is_on_this_machine(run, site):
    (printed,) = run("admin", "link").stdout.splitlines()
    assert printed.startswith("http://127.0.0.1:8000/admin/?key=")
    key = admin_key.read(site / "var")
    assert admin_key.opens(key, "link", token_of(printed), system_clock())
    run("admin", "link")
    assert admin_key.read(site / "var") == key


def test_it_prints_the_public_address_and_the_one_past_the_proxy(ask, site):
    config = (site / "bantin.toml").read_text()
    public = config.replace("[site]", '[site]\nbase_url = "https://tin.example.vn/ban/"')
    (site / "bantin.toml").write_text(public)
    told = ask("admin", "link")
    assert set(told) == {"links", "until"}
    bases = [link.partition("?")[0] for link in told["links"]]
    assert bases == ["https://tin.example.vn/ban/admin/", "http://127.0.0.1:8000/admin/"]
    ahead = datetime.fromisoformat(told["until"]) - system_clock()
    assert timedelta(hours=23) < ahead <= timedelta(days=1)


def test_a_new_key_ends_the_one_before(run, site):
    (before,) = run("admin", "link").stdout.splitlines()
    (after,) = run("admin", "link", "--new").stdout.splitlines()
    key, now = admin_key.read(site / "var"), system_clock()
    assert not admin_key.opens(key, "link", token_of(before), now)
    assert admin_key.opens(key, "link", token_of(after), now)


def test_a_folder_that_cannot_be_written_is_told(run, bare_site):
    (bare_site / "var").write_text("a file")
    assert "cannot use" in run("admin", "link", code=1).stderr


@pytest.mark.postgres
def test_a_new_key_is_that_of_all_machines(run, site, monkeypatch, postgres_database):
    monkeypatch.setenv("BANTIN_STORE__URL", postgres_database)
    store = Store(postgres_database)
    with store.write() as connection:
        facts.admin_key(connection, "a" * 64, replaces=True)
    run("admin", "link", "--new")
    with store.write() as connection:
        kept = facts.admin_key(connection, "b" * 64, replaces=False)
    store.close()
    assert kept == admin_key.read(site / "var")
