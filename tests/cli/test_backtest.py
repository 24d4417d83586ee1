"""`topics test` shows what a rule would add and drop, writes nothing, and is what then happens."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.cli.conftest import command, rss
from tests.running import until

TOMORROW = f"{datetime.now(ZoneInfo('Asia/Ho_Chi_Minh')) + timedelta(days=1):%Y-%m-%d}T07:00"
RULE = 'any = ["giáo dục"]'
NEW_RULE = """
near = [{ words = ["lũ", "lớp"], within = 3 }]
any = ["title: cầu"]
none = ["vùng cao"]
[synonyms]
"cầu" = ["phà"]
"""


def rule(site: Path, text: str) -> None:
    config = site / "bantin.toml"
    config.write_text(config.read_text().replace(RULE, text))


@pytest.fixture(scope="module")
def made(once):
    def make(web):
        titles = "Giáo dục vùng cao", "Phà mới", "Lũ vào nhiều lớp", "Bóng đá"
        web.pages["/b.xml"] = rss(*titles, outlet="B", host="b.example")
        command("collect")

    return once(make)


@pytest.fixture
def news(made, site, web):
    """Two sources: one fills the topic, what the other has is matched."""
    made.copy(site, web)
    return site


def changed(told):
    return {one["title"]: (one["change"], one["why"]) for one in told["changes"]}


def test_what_the_file_says_is_tried_and_nothing_is_written(run, ask, news):
    assert ask("topics", "test", "tin") == {
        "topic": "tin", "since": None, "changes": [],
        "articles": 5, "added": 0, "dropped": 0, "kept": 2,
    }  # fmt: skip
    rule(news, NEW_RULE)
    before = (news / "var" / "bantin.db").read_bytes()
    told = ask("topics", "test", "tin")
    assert changed(told) == {
        "Phà mới": ("added", 'any: title: cầu ("phà"); in: title'),
        "Lũ vào nhiều lớp": ("added", 'near: lũ … lớp ("Lũ vào nhiều lớp"); in: title'),
        "Giáo dục vùng cao": ("dropped", "kept out by none: vùng cao; in: title, text"),
    }
    counts = {name: told[name] for name in ("articles", "added", "dropped", "kept")}
    assert counts == {"articles": 5, "added": 2, "dropped": 1, "kept": 1}
    (dropped,) = [one for one in told["changes"] if one["change"] == "dropped"]
    assert dropped["before"] == {"any": ["giáo dục"], "in": ["title", "text"]}
    assert set(dropped) == {
        "change", "id", "title", "link", "sources", "first_seen", "reason", "why", "before",
    }  # fmt: skip
    assert (news / "var" / "bantin.db").read_bytes() == before
    assert ask("explain", dropped["link"])["topics"][0]["reason"] == dropped["before"]


def test_it_is_told_in_lines_with_the_reasons(run, news):
    rule(news, NEW_RULE)
    lines = run("topics", "test", "tin").stdout.splitlines()
    at = lines.index("- Giáo dục vùng cao")
    assert lines[at + 1 : at + 3] == [
        "    kept out by none: vùng cao; in: title, text",
        "    now in it by any: giáo dục; in: title, text",
    ]
    assert re.fullmatch(
        r"    bao-b, seen \d{4}-\d\d-\d\d \d\d:\d\d: https://b.example/.+", lines[at + 3]
    )
    assert "+ Phà mới" in lines
    assert lines[-1] == "tin: of 5 articles 2 would enter quietly, 1 would leave, 1 stay"


def test_only_articles_since_an_instant(ask, news):
    rule(news, NEW_RULE)
    assert ask("topics", "test", "tin", "--since", "1h")["articles"] == 5
    later = ask("topics", "test", "tin", "--since", "2099-01-01")
    assert (later["articles"], later["changes"]) == (0, [])
    assert later["since"].startswith("2098-12-31T17:00")


def test_a_topic_that_the_store_does_not_know_yet_and_one_that_was_renamed(ask, news):
    config = news / "bantin.toml"
    text = config.read_text()
    config.write_text(text + '\n[topic.moi]\nany = ["bóng đá"]\n')
    told = ask("topics", "test", "moi")
    assert changed(told) == {"Bóng đá": ("added", "any: bóng đá; in: title, text")}
    config.write_text(
        text.replace("[topic.tin]", '[topic.khac]\nwas = "tin"').replace('["tin"]', '["khac"]')
    )
    assert ask("topics", "test", "khac")["kept"] == 2


@pytest.mark.parametrize(
    ("text", "topic", "said"),
    [
        (RULE, "khong", "there is no topic 'khong'; there is \"tin\""),
        ("regex = ['(lũ']", "tin", "topic.tin.regex[0]: '(lũ' is not a regular expression"),
    ],
)
def test_wrong_use_and_a_rule_that_cannot_be_are_told(run, news, text, topic, said):
    rule(news, text)
    assert said in run("topics", "test", topic, code=2).stderr
    assert "--since" in run("topics", "test", "--help").stdout


def test_without_a_store_there_is_nothing_to_try_on_and_none_is_made(run, bare_site):
    assert "nothing is stored yet" in run("topics", "test", "tin", code=1).stderr
    assert not (bare_site / "var" / "bantin.db").exists()


def test_a_store_of_another_version_is_left_alone(run, news):
    """`migrate` would bring it there, and that is no matter of a look."""
    with sqlite3.connect(news / "var" / "bantin.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '0000_older'")
    store.close()
    assert "another version" in run("topics", "test", "tin", code=1).stderr


def test_what_a_changed_rule_adds_through_a_reload_is_shown_and_never_mailed(
    run, ask, news, web, free_port, start
):
    """Promise 10, with the words that `topics test` promised."""
    run("subscribers", "add", "minh@example.vn", "--digest", "ngay")
    web.pages["/b.xml"] = rss(
        "Phà lớn", "Lũ tràn vào lớp", "Thời tiết", outlet="B", host="b.example"
    )
    run("collect", "bao-b")  # news, but in no topic
    config = news / "bantin.toml"
    config.write_text(f'{config.read_text()}\n[web]\nlisten = "127.0.0.1:{free_port}"\n')
    up = start("up", cwd=news)
    up.wait_for("serving")
    rule(news, NEW_RULE)
    promised = ask("topics", "test", "tin")
    assert promised["added"] == 4
    run("reload")
    until(lambda: ask("topics", "test", "tin")["changes"] == [])
    for one in promised["changes"]:
        topics = ask("explain", one["link"])["topics"]
        if one["change"] == "dropped":
            assert topics == []
        else:
            assert [(t["id"], t["quiet"], t["reason"]) for t in topics] == [
                ("tin", True, one["reason"])
            ]
    web.pages["/b.xml"] = rss("Cầu khánh thành", outlet="B", host="b.example")
    run("collect", "bao-b")
    assert up.stop() == 0
    preview = ask("digest", "preview", "ngay", "--to", "minh@example.vn", "--at", TOMORROW)
    assert preview["stories"] == 1
    assert ask("digest", "send", "ngay", "--at", TOMORROW)["deliveries"] == {"accepted": 1}
    (mail,) = (news / "var" / "outbox" / "new").iterdir()
    body = BytesParser(policy=policy.default).parsebytes(mail.read_bytes())
    text = body.get_body(("plain",)).get_content()
    assert "Cầu khánh thành" in text
    for title in ("Phà lớn", "Lũ tràn vào lớp", "Phà mới"):
        assert title not in text
