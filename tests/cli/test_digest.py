"""`digest preview` prints the exact mail and uses nothing up; `digest send` sends it once."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from service.model import CadenceRule, ReviewAct
from service.newsletter.cadence import previous_cut
from service.store import tables as t
from service.store.core import hold
from service.store.core.database import Store
from service.store.reviews import reviews
from service.store.reviews.reviews import NewAct
from tests.builders import add_story, add_subscription
from tests.cli.conftest import command, rss
from tests.running import eventually, finished

TOMORROW = f"{datetime.now(ZoneInfo('Asia/Ho_Chi_Minh')) + timedelta(days=1):%Y-%m-%d}T07:00"
"""The cut that follows, in the site's zone: a time to come, whenever the test runs."""


@pytest.fixture(scope="module")
def made(once):
    def make(web):
        command("collect")
        command("subscribers", "add", "minh@example.vn", "--digest", "ngay")
        web.pages["/a.xml"] = rss("Tin cũ", "Cầu mới qua sông")
        command("collect", "bao-a")

    return once(make)


@pytest.fixture
def news(made, site, web):
    """A subscriber, and news that came after they began."""
    made.copy(site, web)
    return site


def test_without_news_the_reason_is_said_and_nothing_is_printed(run, ask, site):
    run("collect")
    result = run("digest", "preview", "ngay")
    assert result.stdout == ""
    assert "would go " in result.stderr
    assert "--sample" in result.stderr
    told = ask("digest", "preview", "ngay")
    assert (told["message"], told["stories"], told["to"]) == (None, 0, None)
    assert "old entries are not news" in told["reason"]


def test_the_bytes_of_the_preview_are_those_of_the_mail_that_goes_out(run, ask, news):
    asked = ("digest", "preview", "ngay", "--to", "minh@example.vn", "--at", TOMORROW)
    before = ask("status")
    preview = finished(*asked, cwd=news)
    assert (preview.returncode, preview.stderr) == (0, "")
    after = ask("status")
    assert {**before, "now": ""} == {**after, "now": ""}
    sent = ask("digest", "send", "ngay", "--at", TOMORROW)
    assert sent["complete"] is True
    assert sent["deliveries"] == {"accepted": 1}
    (mail,) = (news / "var" / "outbox" / "new").iterdir()
    again = finished(*asked, cwd=news)
    assert again.stdout.encode() == mail.read_bytes()
    told = ask(*asked)
    assert told["message"].encode() == mail.read_bytes()
    assert set(told) == {
        "digest", "cadence", "cut_at", "to", "subject", "stories", "message", "reason",
    }  # fmt: skip
    assert (told["to"], told["stories"], told["cadence"]) == ("minh@example.vn", 1, "daily")
    parsed = BytesParser(policy=policy.default).parsebytes(preview.stdout.encode())
    assert parsed["Subject"] == told["subject"]
    assert "Cầu mới qua sông" in parsed.get_body(("plain",)).get_content()
    assert "Cầu mới qua sông" in parsed.get_body(("html",)).get_content()


def test_sent_twice_it_is_sent_once(run, ask, news):
    run("digest", "send", "ngay", "--at", TOMORROW)
    again = ask("digest", "send", "ngay", "--at", TOMORROW)
    assert (again["editions"], again["planned"], again["deliveries"]) == (0, 0, {})
    assert len(list((news / "var" / "outbox" / "new").iterdir())) == 1


def test_what_is_not_due_is_not_sent(run, news):
    said = run("digest", "send", "ngay", "--at", "1d").stdout.splitlines()
    assert said[0].startswith("0 ")
    assert re.fullmatch(r"no edition is due: its next cut is 20\d\d-\d\d-\d\d 07:00", said[-1])


def test_what_waits_for_its_editors_is_said_and_not_the_next_cut(run, news):
    written = (news / "bantin.toml").read_text(encoding="utf-8")
    more = 'review = "2h"\nreview_required = true\neditors = ["lan@example.vn"]\n'
    (news / "bantin.toml").write_text(written + more, encoding="utf-8")
    run("digest", "send", "ngay", "--at", TOMORROW)
    said = run("digest", "send", "ngay", "--at", TOMORROW).stdout.splitlines()
    waits = r"the edition of 20\d\d-\d\d-\d\d 07:00: waits for review by lan@example.vn"
    assert re.fullmatch(waits, said[-1])
    assert not any("is due" in line for line in said)


def test_while_mail_is_held_no_cut_is_promised(run, news):
    store = Store(f"sqlite:///{news}/var/bantin.db")
    with store.write() as connection:
        hold.hold(connection, datetime.now(UTC))
    store.close()
    result = run("digest", "send", "ngay", code=1)
    assert "mail is held since the restore" in result.stderr
    assert "is due" not in result.stdout


def test_sample_shows_the_look_from_old_stories(ask, run, site):
    run("collect")
    told = ask("digest", "preview", "ngay", "--sample")
    assert told["stories"] == 2
    assert told["message"].startswith("From: ")


def test_a_preview_to_somebody_unknown_says_so_and_fails(run, ask, news):
    result = run("digest", "preview", "ngay", "--to", "ai@example.vn", "--sample", code=1)
    assert result.stdout == ""
    assert "ai@example.vn does not get ngay" in result.stderr
    assert ask("digest", "preview", "ngay", "--sample")["message"].startswith("From: ")


def test_a_browser_is_shown_one_private_file_which_the_next_preview_overwrites(news, tmp_path):
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    opener.chmod(0o700)
    (tmp_path / "tmp").mkdir()
    environ = {"TMPDIR": str(tmp_path / "tmp")}
    shown = news / "var" / "preview.html"

    def preview(path: str, *args: str) -> str:
        asked = ("digest", "preview", "ngay", "--open", *args)
        done = finished(*asked, cwd=news, environ={**environ, "PATH": path})
        assert done.returncode == 0
        return done.stderr

    for args in (("--sample",), ("--to", "minh@example.vn", "--at", TOMORROW)):
        assert "opened in a browser" in preview(f"{tmp_path}:{os.environ['PATH']}", *args)
        assert "Cầu mới qua sông" in shown.read_text(encoding="utf-8")
        assert shown.stat().st_mode & 0o777 == 0o600
    assert "Tin cũ" not in shown.read_text(encoding="utf-8"), "nothing of the first is left"
    assert list((tmp_path / "tmp").iterdir()) == []
    opened = tmp_path / "opened"
    asyncio.run(
        eventually(lambda: opened.is_file() and opened.read_text().split() == [str(shown)] * 2)
    )
    nowhere = str(tmp_path / "tmp")
    assert f"no browser could be started: open {shown}" in preview(nowhere, "--sample")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("preview", "tuan"), "there is no digest 'tuan'; there is \"ngay\""),
        (("send", "tuan"), "there is no digest 'tuan'; there is \"ngay\""),
        (("preview", "ngay", "--at", "morgen"), "is not a time; write one such as"),
        (("send", "ngay", "--at", "2026-13-01"), "is not a time; write one such as"),
        (("preview", "ngay", "--to", "minh"), "is not an address"),
    ],
)
def test_wrong_use_is_named(run, site, args, words):
    assert words in run("digest", *args, code=2).stderr


RELAY = """
[mail]
from = "Tin <tin@example.vn>"
relay.a = {{ host = "127.0.0.1", port = {port}, security = "plain" }}
"""


@pytest.fixture
def due(run, site, free_port):
    """An edition that was due at the last cut, and a relay that nobody runs."""
    run("collect")
    with (site / "bantin.toml").open("a") as file:
        file.write(RELAY.format(port=free_port))
    cut = previous_cut(CadenceRule("daily"), "Asia/Ho_Chi_Minh", datetime.now(UTC))
    store = Store(f"sqlite:///{site}/var/bantin.db")
    with store.write() as connection:
        row = {
            name: connection.execute(select(table.c.id)).scalars().first()
            for name, table in (("source", t.source), ("topic", t.topic), ("digest", t.digest))
        }
        add_story(
            connection,
            source=row["source"],
            topics=[row["topic"]],
            entered_at=cut - timedelta(hours=1),
            title="Cầu mới qua sông",
        )
        add_subscription(
            connection, digest=row["digest"], cadence="daily", starts_at=cut - timedelta(hours=9)
        )
    store.close()
    return site


def test_a_time_to_come_is_refused_where_a_relay_would_really_send(run, due):
    result = run("digest", "send", "ngay", "--at", TOMORROW, code=2)
    assert "needs the outbox" in result.stderr


def test_what_is_left_deferred_is_a_failed_job_and_the_relay_is_named(run, ask, due):
    told = ask("digest", "send", "ngay", code=1)
    assert (told["planned"], told["complete"], told["left"]) == (1, False, {"deferred": 1})
    assert list(told["paused"]) == ["a"]
    assert ask("status")["deliveries"] == {"deferred": 1}


def test_a_template_that_breaks_fails_the_job_with_its_edition(run, due):
    folder = due / "templates" / "mail" / "edition"
    folder.mkdir(parents=True)
    (folder / "subject.txt.j2").write_text("{{ nothing_of_this_name }}")
    result = run("digest", "send", "ngay", code=1)
    assert result.stderr.startswith("ngay daily 20")
    assert "nothing_of_this_name" in result.stderr


def test_a_report_says_what_became_of_each_edition(run, ask, news):
    run("digest", "send", "ngay", "--at", TOMORROW)
    [told] = ask("digest", "report", "ngay")
    assert (told["digest"], told["stories"], told["planned"], told["accepted"]) == ("ngay", 1, 1, 1)
    assert (told["left"], told["waiting"], told["listed"]) == (0, 0, True)
    [topic] = told["topics"]
    assert (topic["id"], topic["stories"]) == ("tin", 1)
    assert topic["mailed_s"] == topic["all_mailed_s"] == told["mailed_s"] is not None
    lines = run("digest", "report", "ngay", "--csv").stdout.splitlines()
    assert lines[0].startswith("digest,cadence,cut_at,listed,stories,planned,waiting,accepted,")
    assert lines[1].startswith(f"ngay,daily,{told['cut_at']},true,1,1,0,1,")
    by_topic = run("digest", "report", "ngay", "--csv", "--topics").stdout.splitlines()
    assert by_topic[1].startswith(f"ngay,daily,{told['cut_at']},tin,1,")
    assert ask("digest", "report", "ngay", "--cut", "2020-01-01") == []
    heads, row = run("digest", "report", "ngay").stdout.splitlines()
    assert heads.split("\t")[:5] == ["cut", "cadence", "stories", "planned", "accepted"]
    assert heads.split("\t")[5:8] == ["returned", "complained", "left"]
    assert row.split("\t")[2:8] == ["1", "1", "1", "0", "0", "0"]
    assert "tin" in run("digest", "report", "ngay", "--topics").stdout


def test_what_editors_did_is_listed(run, ask, news):
    assert ask("digest", "review", "ngay") == []
    assert "no digest 'ngya'" in run("digest", "review", "ngya", code=2).stderr
    run("digest", "send", "ngay", "--at", TOMORROW)
    store, now = Store(f"sqlite:///{news}/var/bantin.db"), datetime.now(UTC)
    with store.write() as connection:
        edition, story = connection.execute(
            select(t.edition_story.c.edition_id, t.edition_story.c.story_id)
        ).one()
        reviews.begin(connection, edition, required=True)
    [told] = ask("digest", "review", "ngay")
    assert (told["state"], told["required"], told["acts"]) == ("waiting", True, [])
    with store.write() as connection:
        acts = [
            NewAct(ReviewAct.PIN, story),
            NewAct(ReviewAct.OPENING, detail="Kính gửi"),
            NewAct(ReviewAct.NOTE, story, "Xem số trước"),
        ]
        reviews.note(connection, edition, 1, "lan@example.vn", acts, now)
    store.close()
    [told] = ask("digest", "review", "ngay")
    assert [(one["who"], one["act"]) for one in told["acts"]] == [
        ("lan@example.vn", "pin"), ("lan@example.vn", "opening"), ("lan@example.vn", "note"),
    ]  # fmt: skip
    heads, pin, opening, note = run("digest", "review", "ngay").stdout.splitlines()
    assert heads.split("\t") == ["cut", "state", "when", "who", "act", "story or words"]
    assert pin.split("\t")[3:] == ["lan@example.vn", "pin", "Cầu mới qua sông"]
    assert opening.split("\t")[4:] == ["opening", "Kính gửi"]
    assert note.split("\t")[4:] == ["note", "Cầu mới qua sông: Xem số trước"]
    assert ask("digest", "review", "ngay", "--cut", "2020-01-01") == []


def test_only_a_digest_can_be_reported(run, ask, site):
    assert ask("digest", "report", "ngay") == []
    assert "no digest 'ngya'" in run("digest", "report", "ngya", code=2).stderr
    run("digest", "report", "ngay", "--csv", "--json", code=2)


def test_the_list_says_what_the_mails_of_each_digest_wait_for(run, ask, site):
    written = (site / "bantin.toml").read_text(encoding="utf-8")
    more = """
[digest.moi]
title = "Tin mới"
cadence = "immediate"
cadences = ["immediate", "daily"]
quiet = { hours = "22:00-06:00", days = ["Sunday"] }
bundle = "15m"
holidays = ["2027-02-05/2027-02-11"]
[digest.nam]
title = "Sáu tháng"
cadence = "half-yearly"
at = "08:00"
"""
    (site / "bantin.toml").write_text(written + more, encoding="utf-8")
    run("collect")
    run("subscribers", "add", "minh@example.vn", "--digest", "nam")
    _, moi, nam = ask("digest", "list")
    assert (moi["cadences"], moi["at"], moi["quiet"]) == (
        ["immediate", "daily"], None, "22:00-06:00, sun",
    )  # fmt: skip
    assert (moi["bundle"], moi["holidays"], moi["scope"], moi["readers"]) == ("15m", 7, "news", 0)
    assert (nam["at"], nam["day"], nam["scope"], nam["readers"]) == ("08:00", "1", "half-yearly", 1)
    table = run("digest", "list").stdout.splitlines()
    assert table[2].split("\t")[7] == ("quiet 22:00-06:00, sun; bundled within 15m; 7 holidays")
