"""`bantin stories list|show|split|merge` on a site, and what they say of what is wrong."""

from __future__ import annotations

import pytest

from tests.cli.conftest import command, rss

FLOOD = "Lũ quét Mường Pồn cuốn trôi 12 ngôi nhà, 7 người mất tích"
AGAIN = "Mường Pồn: lũ quét cuốn trôi 12 ngôi nhà, 7 người mất tích"


def address(title, host="bao-a.example"):
    return f"https://{host}/{title.replace(' ', '-')}"


@pytest.fixture(scope="module")
def made(once):
    def make(web):
        web.pages["/a.xml"] = rss(FLOOD, "Giáo dục vùng cao")
        web.pages["/b.xml"] = rss(AGAIN, outlet="Báo B", host="bao-b.example")
        command("collect")
        command("publish")

    return once(make)


@pytest.fixture
def told(made, site, web):
    """One event that two outlets tell, and one more article of the first."""
    made.copy(site, web)
    return site


def test_an_admin_sees_a_story_splits_it_and_merges_it_again(run, ask, told, monkeypatch):
    monkeypatch.setenv("LOGNAME", "lan")
    here, there = address(FLOOD), address(AGAIN, "bao-b.example")
    (story,) = ask("stories", "list", "--topic", "tin", "--outlets", "2")
    assert story["articles"] == 2
    assert sorted(story["outlets"]) == ["Báo A", "Báo B"]
    assert len(ask("stories", "list", "--since", "1d")) == 2
    assert ask("stories", "list", "--since", "2030-01-01") == []
    shown = ask("stories", "show", there)
    assert shown["id"] == story["id"]
    assert sorted(one["link"] for one in shown["articles"]) == sorted([here, there])
    assert all(0.2 < one["closeness"] < 1 for one in shown["articles"])
    assert shown["acts"] == []

    done = ask("stories", "split", story["id"], there)
    assert done["changed"]
    assert done["overruled"] is None
    kept, fresh = done["stories"]
    assert ask("stories", "list", "--outlets", "2") == []
    assert [one["link"] for one in ask("stories", "show", fresh)["articles"]] == [there]
    (act,) = ask("stories", "show", kept)["acts"]
    assert (act["act"], act["by"], act["articles"]) == ("apart", "lan", [[here], [there]])
    assert run("stories", "split", kept, there).stdout.startswith("nothing to change")

    said = run("stories", "merge", here, there).stdout
    assert f"merged: {kept}" in said
    assert "they were put apart by hand" in said
    assert "by lan; this overrules it" in said
    text = run("stories", "show", kept).stdout
    assert text.count("by hand") == 2
    assert f"{here} {there}" not in text  # sides are told apart


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("show", "https://nobody.example/1"), "no story 'https://nobody.example/1' is known"),
        (("merge", "{flood}", "x"), "no story 'x' is known; `bantin stories list` lists their ids"),
        (("split", "{flood}", "{other}"), "`bantin stories show"),
        (("split", "{other}", "{other}"), "no article would stay in the story"),
    ],
)
def test_what_is_wrong_is_named_and_what_to_do(run, told, command, said):
    words = [
        one.format(flood=address(FLOOD), other=address("Giáo dục vùng cao")) for one in command
    ]
    assert said in run("stories", *words, code=1).stderr
