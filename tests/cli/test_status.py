"""`status`, `articles`, `explain`, `why`: what is told, in which shape, with which exit code."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from service.store import tables as t
from service.store.content import search_index
from service.store.content.search_queries import TAIL
from service.store.core.database import Store
from tests.builders import add_story
from tests.cli.conftest import command, rss

CAU = "https://bao-a.example/Cầu-mới"


@pytest.fixture(scope="module")
def made(once):
    def make(web):
        command("collect")
        command("subscribers", "add", "minh@example.vn", "--digest", "ngay")
        web.pages["/a.xml"] = rss("Tin cũ", "Cầu mới")
        del web.pages["/b.xml"]
        command("collect", "bao-a", "bao-b", code=1)
        command("publish")

    return once(make)


@pytest.fixture
def news(made, site, web):
    made.copy(site, web)
    return site


def test_status_has_the_shape_that_scripts_rely_on(ask, news):
    told = ask("status")
    assert list(told) == [
        "now", "sources", "topics", "digests", "editions", "deliveries", "returned", "relays",
        "search", "recalled", "remaking", "processes",
        "troubles",
    ]  # fmt: skip
    a, b = told["sources"]
    assert {"id", "state", "last_ok", "next_poll", "entries", "refused", "error"} <= set(a)
    assert (a["id"], a["state"], a["entries"], a["error"]) == ("bao-a", "ok", 2, None)
    assert (b["id"], b["state"]) == ("bao-b", "failing")
    assert "404" in b["error"]
    (topic,) = told["topics"]
    assert {"id", "articles", "newest", "late_s"} <= set(topic)
    assert topic["articles"] == 3
    (digest,) = told["digests"]
    assert (digest["id"], digest["subscribers"]) == ("ngay", 1)


def test_status_of_a_site_that_never_ran_knows_its_sources(ask, run, site):
    assert [one["state"] for one in ask("status")["sources"]] == ["new", "new"]
    assert run("status").stdout.splitlines()[1].split("\t")[:2] == ["bao-a", "new"]


def test_in_a_pipe_tables_are_lines_with_tabs(run, news):
    lines = run("status").stdout.splitlines()
    assert lines[0].split("\t")[:2] == ["source", "state"]
    row = next(line for line in lines if line.startswith("bao-b\t"))
    assert "the server answered 404" in row
    assert "\x1b" not in run("status").stdout


def test_a_look_does_not_bring_an_edited_configuration_into_the_store(ask, news, web):
    config = news / "bantin.toml"
    web.pages["/moved.xml"] = rss("Tin khác")
    config.write_text(config.read_text().replace("/a.xml", "/moved.xml"))
    before = ask("status")["sources"][0]
    assert before["last_ok"] is not None, "the address is taken when the service takes it"
    config.write_text(f'{config.read_text()}\n[source.moi]\nurl = "{web.base}/moi"\n')
    assert ask("status")["sources"][2]["state"] == "new"


def test_articles_are_listed_the_latest_first_and_narrowed(ask, run, news):
    titles = [one["title"] for one in ask("articles")]
    assert titles[0] == "Cầu mới"
    assert sorted(titles[1:]) == ["Giáo dục vùng cao", "Tin cũ"]
    assert {one["title"] for one in ask("articles", "--source", "bao-b")} == {"Giáo dục vùng cao"}
    assert len(ask("articles", "--topic", "tin", "--limit", "2")) == 2
    assert ask("articles", "--since", "2099-01-01") == []
    assert len(ask("articles", "--since", "1h")) == 3
    first = ask("articles")[0]
    assert set(first) == {"id", "title", "link", "source", "published", "first_seen", "topics"}
    assert first["topics"] == ["tin"]
    assert "Cầu mới\ttin\t" in run("articles").stdout


@pytest.mark.parametrize("option", ["--topic", "--source"])
def test_an_id_that_is_not_in_the_configuration_is_wrong_use(run, site, option):
    assert "no " in run("articles", option, "khong", code=2).stderr


def test_explain_tells_the_way_of_an_article(ask, run, news):
    told = ask("explain", CAU)
    assert [one["source"] for one in told["entries"]] == ["bao-a"]
    assert [(one["id"], one["quiet"]) for one in told["topics"]] == [("tin", False)]
    assert told["topics"][0]["reason"] == {"source": "bao-a"}
    assert told["feeds"] == ["all", "tin"]
    assert told["told"] == {}
    assert told["story"]["articles"] == 1
    by_id, by_page = ask("explain", told["id"]), ask("explain", told["story"]["page"])
    assert by_id == by_page == told
    said = run("explain", CAU).stdout
    assert said.startswith("Cầu mới\n")
    assert "\n  In the feeds all, tin.\n" in said
    assert f"\n  The story’s page  http://127.0.0.1:8000{told['story']['page']}\n" in said
    assert said.endswith(
        "To nobody.\nHow late it was\n  Its source gives no time to compare with.\n"
    )
    old = ask("explain", "https://bao-b.example/Giáo-dục-vùng-cao")
    assert old["topics"][0]["quiet"] is True
    assert old["topics"][0]["reason"]["any"] == ["giáo dục"]


def test_the_unknown_is_a_failed_job(run, ask, news):
    first, why = run("explain", "https://x.example/", code=1).stderr.splitlines()
    assert first == "no article 'https://x.example/' is known"
    assert why == ("  No source has brought this address, and none is collected from its site.")
    assert ask("explain", "https://x.example/", code=1) is None
    assert run("why", "ai@example.vn", CAU, code=1).stdout.startswith("unknown: ")
    assert ask("why", "minh@example.vn", "https://x.example/", code=1) == {
        "answer": "unknown", "reason": "no such article is known", "proof": None,
        "returned": [], "soft_bounces": 0.0, "suppressed": None,
    }  # fmt: skip
    assert "is not an address" in run("why", "minh", CAU, code=2).stderr


def test_why_answers_with_the_row_that_proves_it(ask, run, news):
    told = ask("why", "minh@example.vn", CAU)
    assert (told["answer"], told["proof"]["row"]) == ("pending", "subscription")
    old = ask("why", "Minh@EXAMPLE.vn", "https://bao-b.example/Giáo-dục-vùng-cao")
    assert (old["answer"], old["proof"]["row"]) == ("skipped", "entrance")
    assert "old is not news" in old["reason"]
    run("digest", "send", "ngay", "--at", "2099-01-01")
    sent = ask("why", "minh@example.vn", CAU)
    assert (sent["answer"], sent["proof"]["state"]) == ("sent", "accepted")
    assert sent["proof"]["row"] == "told"
    assert ask("explain", CAU)["told"] == {"accepted": 1}
    first, proof = run("why", "minh@example.vn", CAU).stdout.splitlines()
    hour = r"20\d\d-\d\d-\d\d \d\d:\d\d Asia/Ho_Chi_Minh"
    assert re.fullmatch(f"sent: shown in ngay, accepted {hour}", first)
    assert proof.startswith("  told: article_id=")
    assert re.search(f", dated_at={hour}, settled_at={hour}, ", proof)
    assert sent["proof"]["settled_at"].endswith("+00:00")


def test_why_knows_an_article_by_what_a_person_has_at_hand(ask, news):
    known = ask("explain", CAU)
    page = f"http://127.0.0.1:8000{known['story']['page']}?utm_source=zalo"
    for asked in (
        f"{CAU}?utm_source=zalo&fbclid=1#binh-luan", "https://bao-a.example/C%E1%BA%A7u-m%E1%BB%9Bi",
        "http://BAO-A.example/Cầu-mới", "bao-a.example/Cầu-mới?utm_medium=x", page, known["id"],
    ):  # fmt: skip
        assert ask("why", "minh@example.vn", asked)["answer"] == "pending", asked


def test_articles_are_searched_with_accents_and_without(ask, run, news, web):
    web.pages["/a.xml"] = rss("Cau moi", "Cầu mới", "Giáo dục vùng sâu")
    run("collect", "bao-a")

    def titles(question, *options):
        return [one["title"] for one in ask("articles", "--search", question, *options)]

    assert titles('"cầu mới"') == ["Cầu mới", "Cau moi"]
    assert set(titles("moi cau")) == {"Cầu mới", "Cau moi"}
    assert titles("topic:tin sâu") == titles("sâu", "--topic", "tin") == ["Giáo dục vùng sâu"]
    assert titles("mới", "--limit", "1", "--since", "1d") == ["Cầu mới"]
    assert titles("sâu", "--source", "bao-b") == []
    assert list(ask("articles", "--search", "vùng")[0]) == list(ask("articles")[0])


def test_what_is_not_indexed_yet_is_told_with_the_articles_that_were_found(ask, run, news):
    """On standard error with --json too, where the articles are a list; `status` counts them."""
    said = "Older articles are still being indexed, so some may be missing here."
    assert run("articles", "--search", "cầu").stderr == ""
    store = Store(f"sqlite:///{news}/var/bantin.db")
    with store.write() as connection:
        source = connection.scalar(select(t.source.c.id))
        at = connection.scalar(select(t.article.c.first_seen_at))
        add_story(connection, source=source, topics=[], entered_at=at, title="Mới", id=TAIL + 9)
        indexed = search_index.indexed_up_to(connection)
    store.close()
    for options in ((), ("--json",)):
        told = run("articles", "--search", "cầu", *options)
        assert told.stderr.strip() == said
        assert "Cầu mới" in told.stdout
    waiting = TAIL + 9 - indexed
    assert ask("status")["search"] == {"waiting": waiting}
    assert f"\nnot indexed for search yet: {waiting} articles\n" in run("status").stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["- *"], "Not searched: write at least one word."),
        (["topic:khong tin"], 'there is no topic "khong"'),
        (["tac-gia:minh"], 'there is no "tac-gia:", only topic, source, since.'),
        (["tin since:7d", "--since", "1d"], "not both"),
    ],
)
def test_a_question_that_cannot_be_answered_is_wrong_use(run, news, options, told):
    assert told in run("articles", "--search", *options, code=2).stderr
