"""`collect` and `publish` by hand: what they do, say, and leave alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.cli.conftest import rss


def test_a_pass_takes_what_is_due_and_then_nothing_is(ask, run, site):
    assert ask("collect") == {
        "tried": 2, "ok": 2, "failed": {}, "entries_new": 2, "pages": 0,
            "topics": ["tin"],
    }  # fmt: skip
    assert run("collect").stdout == "no source is due\n"
    assert not (site / "var" / "outbox").exists()


def test_named_sources_are_taken_at_once(ask, run, site, web):
    run("collect")
    web.pages["/a.xml"] = rss("Tin cũ", "Tin mới")
    assert ask("collect", "bao-a")["entries_new"] == 1
    assert run("collect", "bao-a", "bao-b").stdout == "2 of 2 sources, 0 new entries\n"


def test_only_a_named_source_that_fails_is_a_failed_job(ask, run, site, web):
    del web.pages["/b.xml"]
    result = run("collect")
    assert "bao-b: the server answered 404" in result.stderr
    assert result.stdout == "1 of 2 sources, 1 new entry\n"
    told = ask("collect", "bao-a", "bao-b", code=1)
    assert list(told["failed"]) == ["bao-b"]
    assert told["ok"] == 1


def test_an_unknown_source_is_wrong_use(run, site):
    assert "there is no source 'bao-x'" in run("collect", "bao-a", "bao-x", code=2).stderr


def test_the_log_is_quiet_unless_the_configuration_asks_for_it(run, site):
    assert run("collect").stderr == ""
    config = site / "bantin.toml"
    config.write_text(f'log = {{ level = "info" }}\n{config.read_text()}')
    result = run("collect", "bao-a")
    assert '"id": "bao-a"' in result.stderr
    assert result.stdout == "1 of 1 source, 0 new entries\n"


def test_publish_builds_feeds_and_files_and_a_second_run_touches_nothing(ask, run, site):
    run("collect")
    first = ask("publish", "--out", "www")
    assert first["written"] == ["all", "tin"]
    assert first["site"]["new"] > 10
    files = {path: path.stat().st_mtime_ns for path in (site / "www").rglob("*") if path.is_file()}
    assert {"index.html", "topics.opml"} <= {path.name for path in files}
    again = ask("publish", "--out", "www")
    assert (again["written"], again["site"]["new"], again["site"]["changed"]) == ([], 0, 0)
    assert files == {path: path.stat().st_mtime_ns for path in files}
    assert run("publish").stdout == "feeds: 0 changed (none)\n"


def test_publish_takes_in_what_a_changed_rule_finds_in_stored_articles(ask, run, site):
    run("collect")
    config = site / "bantin.toml"
    config.write_text(config.read_text().replace('["giáo dục"]', '["không có"]'))
    run("publish")
    assert [one["title"] for one in ask("articles", "--topic", "tin")] == ["Tin cũ"]
    config.write_text(config.read_text().replace('["không có"]', '["vùng cao"]'))
    run("publish")
    titles = {one["title"] for one in ask("articles", "--topic", "tin")}
    assert titles == {"Tin cũ", "Giáo dục vùng cao"}


def test_publish_reads_the_documents_that_articles_of_before_an_upgrade_cite(run, site, web):
    web.pages["/a.xml"] = rss("Giáo dục theo Chỉ thị số 38/CT-TW")
    run("collect")
    with closing(sqlite3.connect(site / "var" / "bantin.db")) as database, database:
        assert database.execute("DELETE FROM article_reference").rowcount == 1
    run("publish", "--out", "www")
    page = site / "www" / "references" / "38-CT-TW" / "index.html"
    assert "Giáo dục theo Chỉ thị số 38/CT-TW" in page.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_made_is_a_failed_job_and_stops_no_other(ask, run, site):
    run("collect")
    folder = site / "templates" / "web"
    folder.mkdir(parents=True)
    (folder / "topic.html.j2").write_text("{{ nothing_of_this_name }}")
    told = ask("publish", "--out", "www", code=1)
    assert "/topics/tin/index.html" in told["site"]["failed"]
    assert (site / "www" / "index.html").is_file()
    assert "nothing_of_this_name" in run("publish", "--out", "www", code=1).stderr


@pytest.mark.parametrize("name", ["publish", "collect", "status"])
def test_a_store_that_cannot_be_opened_is_a_failed_job(run, bare_site, name):
    (bare_site / "var").mkdir()
    (bare_site / "var" / "bantin.db").write_bytes(
        b"this is not a database, but a file of words" * 50
    )
    result = run(name, code=1)
    assert result.stderr.startswith(f"bantin: sqlite:///{bare_site}/var/bantin.db: the database ")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
