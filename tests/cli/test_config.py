"""`bantin config` and `bantin templates`."""

from __future__ import annotations

import json

from tests.cli.conftest import RELAY


def test_show_has_every_key_and_no_password(ask, run, site):
    with (site / "bantin.toml").open("a") as file:
        file.write(RELAY)
    told = ask("config", "show")
    assert told["site"]["title"] == "Tin Trung Du"
    assert told["digest"]["ngay"]["stories"]["max"] == 20
    said = run("config", "show")
    assert 'source.bao-a.topics = ["tin"]' in said.stdout
    assert "bí mật" not in said.stdout + json.dumps(told, ensure_ascii=False)


def test_the_environment_sets_keys(ask, site, monkeypatch):
    monkeypatch.setenv("BANTIN_SITE__TITLE", "Khác")
    assert ask("config", "show")["site"]["title"] == "Khác"


def test_the_schema_needs_no_configuration(ask, run, folder):
    assert ask("config", "schema") == json.loads(run("config", "schema").stdout)
    assert "digest" in ask("config", "schema")["properties"]


def test_a_template_is_copied_once_and_never_over_another(ask, run, folder):
    assert "web/home.html.j2" in run("templates", "list").stdout.splitlines()
    assert ask("templates", "copy", "web/home.html.j2") == {
        "copied": ["templates/web/home.html.j2"]
    }
    assert "web/home.html.j2\tcopied" in run("templates", "list").stdout.splitlines()
    (folder / "templates" / "web" / "home.html.j2").write_text("mine")
    assert "already exists" in run("templates", "copy", "web/home.html.j2", code=2).stderr
    assert (folder / "templates" / "web" / "home.html.j2").read_text() == "mine"


def test_a_folder_of_templates_is_copied_whole(run, folder):
    run("templates", "copy", "mail/edition")
    names = {path.name for path in (folder / "templates" / "mail" / "edition").iterdir()}
    assert {"subject.txt.j2", "body.txt.j2", "body.html.j2"} <= names


def test_an_unknown_template_is_wrong_use_and_the_nearest_is_named(run, folder):
    result = run("templates", "copy", "web/hom.html.j2", code=2)
    assert 'did you mean "web/home.html.j2"?' in result.stderr
    run("templates", "copy", "../../etc/passwd", code=2)
    assert list(folder.iterdir()) == []


def test_a_copy_is_what_pages_are_made_from(run, site):
    run("collect")
    run("templates", "copy", "web/home.html.j2")
    (site / "templates" / "web" / "home.html.j2").write_text("trang của tôi: {{ site.title }}")
    run("publish", "--out", "www")
    assert (site / "www" / "index.html").read_text() == "trang của tôi: Tin Trung Du"
