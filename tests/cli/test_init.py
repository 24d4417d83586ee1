"""`bantin init`: what it writes passes `check`, and nothing is ever overwritten."""

from __future__ import annotations

import json
import tomllib

import pytest


@pytest.mark.parametrize("language", ["vi", "en", "fr", "vi-VN"])
@pytest.mark.parametrize("url", ["", "https://vnexpress.net/rss/giao-duc.rss"])
def test_the_first_files_pass_check(run, folder, language, url):
    run("init", "tin", "--language", language, "--url", url)
    assert run("check", "--config", "tin/bantin.toml").stdout.startswith("fine: 1 file")
    lines = (folder / "tin" / "bantin.toml").read_text().splitlines()
    assert lines[0] == "#:schema ./bantin.schema.json"
    schema = json.loads((folder / "tin" / "bantin.schema.json").read_text())
    assert "source" in schema["properties"]
    assert (folder / "tin" / "feeds" / "README.md").is_file()
    assert (folder / "tin" / "templates").exists() == (language == "fr")


def test_a_language_without_words_begins_a_file_for_them(run, folder):
    result = run("init", "tin", "--language", "fr", "--url", "")
    words = folder / "tin" / "templates" / "words" / "fr.toml"
    assert "fr is not translated yet" in result.stderr
    assert tomllib.loads(words.read_text()) == {}
    words.unlink()
    fault = run("check", "--config", "tin/bantin.toml", code=2).stderr.splitlines()[0]
    assert fault.startswith('tin/bantin.toml:7: site.language: there are no words in "fr"')


def test_what_was_said_stands_in_the_file(ask, folder):
    told = ask(
        "init", "tin", "--title", 'Tin "Khoa giáo" \\', "--language", "vi",
        "--url", "https://bao.example/rss.xml",
    )  # fmt: skip
    read = tomllib.loads((folder / "tin" / "bantin.toml").read_text())
    assert read["site"] == {"title": 'Tin "Khoa giáo" \\', "language": "vi"}
    assert read["source"]["bao-example"]["url"] == "https://bao.example/rss.xml"
    assert told["config"] == "tin/bantin.toml"
    assert told["next"] == ["cd tin && bantin up"]


def test_without_a_terminal_missing_answers_take_defaults(run, folder, monkeypatch):
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    result = run("init")
    assert tomllib.loads((folder / "bantin.toml").read_text())["site"]["title"] == "Bản tin"
    assert result.stdout.splitlines()[-1] == "Next: bantin sources add URL, then bantin up"


def test_an_existing_file_is_not_touched(run, folder):
    (folder / "bantin.toml").write_text("mine")
    result = run("init", "--title", "X", code=2)
    assert "already exists" in result.stderr
    assert (folder / "bantin.toml").read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["bantin.toml"]


def test_files_of_others_beside_it_stay(run, folder):
    (folder / "feeds").mkdir()
    (folder / "feeds" / "README.md").write_text("mine")
    run("init")
    assert (folder / "feeds" / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    "wrong",
    [("--url", "vnexpress.net"), ("--title", " "), ("--title", "a\nb"), ("--language", "tiếng"),
     ("--url", "ftp://x.example/")],
)  # fmt: skip
def test_an_answer_that_is_none_writes_nothing(run, folder, wrong):
    run("init", *wrong, code=2)
    assert list(folder.iterdir()) == []


def test_a_source_on_this_machine_is_opened_for_itself_alone(run, folder, web):
    web.pages["/rss"] = b"<rss version='2.0'><channel><title>x</title></channel></rss>"
    run("init", "--url", f"{web.base}/rss")
    run("check")
    run("collect", "127-0-0-1")
    (source,) = tomllib.loads((folder / "bantin.toml").read_text())["source"].values()
    assert source["allow_networks"] == ["127.0.0.1"]
