"""`bantin recall` on a site: what it does at once, what it says, and what is wrong."""

from __future__ import annotations

import shlex

import pytest

from tests.cli.conftest import command, rss

HERE = "https://bao-a.example/Giáo-dục-vùng-cao"


@pytest.fixture(scope="module")
def made(once):
    def make(web):
        web.pages["/a.xml"] = rss("Giáo dục vùng cao", "Giáo dục mầm non")
        web.pages["/b.xml"] = rss()
        command("collect")
        command("publish", "--out", "out")

    return once(make)


@pytest.fixture
def told(made, site, web, monkeypatch):
    monkeypatch.setenv("LOGNAME", "lan")
    made.copy(site, web)
    return site


def test_a_story_is_recalled_and_given_back(run, ask, told):
    feed, folder = told / "out" / "feeds" / "tin.atom", told / "out"
    assert "Giáo dục vùng cao" in feed.read_text()
    done = ask("recall", HERE, "--reason", "sai tên trường")
    assert (done["changed"], done["articles"], done["told"]) == (True, 1, 0)
    assert (done["by"], done["reason"], done["failed"]) == ("lan", "sai tên trường", {})
    assert done["page"].endswith(f"/stories/{done['story']}/")
    run("publish", "--out", str(folder))
    assert "Đã rút lại: Giáo dục vùng cao" in feed.read_text()
    page = folder / "stories" / done["story"] / "index.html"
    assert "sai tên trường" in page.read_text()
    assert run("recall", done["page"], "--reason", "x").stdout.startswith("nothing to change")

    (said,) = ask("status")["recalled"]
    assert (said["title"], said["by"], said["undone_at"]) == ("Giáo dục vùng cao", "lan", None)
    assert "sai tên trường" in run("status").stdout
    assert [one["id"] for one in ask("explain", HERE)["recalls"]] == [said["id"]]
    assert "by lan: sai tên trường" in run("explain", HERE).stdout
    assert "by lan: sai tên trường" in run("stories", "show", done["story"]).stdout
    assert ask("stories", "show", HERE)["recalls"][0]["reason"] == "sai tên trường"

    back = ask("recall", "--undo", HERE)
    assert back["undone_at"] is not None
    run("collect", "bao-a")
    run("publish", "--out", str(folder))
    assert "rút lại" not in feed.read_text() + page.read_text()
    assert "given back" in run("stories", "show", done["story"]).stdout
    assert ask("status")["recalled"] == []


def test_what_other_outlets_tell_of_it_stays_and_the_command_says_how_to_take_it_too(
    run, ask, told, web
):
    """Each of the two calls is run as it is printed."""
    web.pages["/b.xml"] = rss("Lũ rút chậm", outlet="Báo B", host="bao-b.example")
    run("collect", "bao-b")
    run("publish", "--out", str(told / "out"))
    other = "https://bao-b.example/Lũ-rút-chậm"
    run("stories", "merge", HERE, other)
    said = run("recall", HERE, "--reason", "sai tên trường").stdout.splitlines()
    assert said[-3] == "  1 article of the same story, by other outlets, stay:"
    assert said[-2].strip().startswith("Báo B: Lũ rút chậm, https://bao-b.example/")
    again = run("recall", HERE, "--reason", "x", "--story").stdout
    assert again.startswith("nothing to change")
    assert said[-1] == again.splitlines()[-1]
    (stays,) = ask("recall", HERE, "--reason", "x")["stay"]
    assert (stays["title"], stays["outlet"]) == ("Lũ rút chậm", "Báo B")
    _, _, command = said[-1].partition("to recall them too: bantin ")
    done = ask(*shlex.split(command))
    assert (done["changed"], done["articles"], done["stay"]) == (True, 1, [])
    assert done["reason"] == "sai tên trường"
    assert ask("recall", HERE, "--reason", "x")["stay"] == []


def test_a_whole_story_that_was_recalled_is_still_explained(run, ask, told):
    """Nothing of it has a text that the others could be compared with."""
    other = "https://bao-a.example/Giáo-dục-mầm-non"
    run("stories", "merge", HERE, other)
    whole = ask("recall", HERE, "--reason", "sai tên trường", "--story")
    assert whole["articles"] == 2
    for one in (HERE, other):
        assert "sai tên trường" in run("explain", one).stdout
    assert "sai tên trường" in run("stories", "show", whole["story"]).stdout
    assert ask("recall", "--undo", other)["articles"] == 2
    run("explain", HERE)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("https://nobody.example/1", "--reason", "x"), 1, "no article 'https://nobody.example/1'"),
        ((HERE,), 2, "a reason is needed"),
        ((HERE, "--reason", " "), 1, "a reason is needed"),
        ((HERE, "--undo"), 1, "was not recalled"),
        ((HERE, "--undo", "--story"), 2, "it takes no option"),
    ],
)
def test_what_is_wrong_is_named(run, told, words, code, said):
    done = run("recall", *words, code=code)
    assert said in done.stderr
