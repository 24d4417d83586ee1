"""`bantin subscribers`: add, lists, export, forget."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from service.store import tables as t
from service.store.audience import suppressions
from service.store.core import facts
from service.store.core.database import Store
from service.text import mailboxes


def test_an_added_subscriber_is_active_and_gets_no_mail(ask, run, site):
    with (site / "bantin.toml").open("a") as file:
        file.write('[topic.khac]\nany = ["y tế"]\n')
    told = ask("subscribers", "add", "Minh@Example.vn", "--digest", "ngay", "--topic", "tin",
               "--hour", "06:30", "--zone", "Asia/Tokyo", "--language", "en",
               "--evidence", "giấy số 5")  # fmt: skip
    assert told["result"] == "added"
    (one,) = ask("subscribers", "list")
    assert (one["address"], one["digest"], one["cadence"]) == ("Minh@example.vn", "ngay", "daily")
    assert (one["topics"], one["hour"], one["zone"]) == (["tin"], "06:30", "Asia/Tokyo")
    assert (one["language"], one["evidence"]) == ("en", "giấy số 5")
    assert one["since"] is not None
    assert not (site / "var" / "outbox").exists()
    assert ask("subscribers", "add", "minh@example.vn", "--digest", "ngay")["result"] == "already"
    assert "Minh@example.vn\tngay\tdaily\ttin\t" in run("subscribers", "list").stdout


def test_the_list_says_to_whom_nothing_is_sent(ask, run, site):
    run("subscribers", "add", "lan@example.vn", "--digest", "ngay")
    run("subscribers", "add", "minh@example.vn", "--digest", "ngay")
    store, now = Store(f"sqlite:///{site}/var/bantin.db"), datetime.now(UTC)
    with store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "lan@example.vn")
        suppressions.add(connection, key, suppressions.BOUNCED, now, "")
        mine = update(t.subscription).where(t.subscription.c.id == 2)
        connection.execute(mine.values(paused_until=now + timedelta(days=30)))
    store.close()
    assert [one["suppressed"] for one in ask("subscribers", "list")] == ["bounced", None]
    heads, lan, minh = run("subscribers", "list").stdout.splitlines()
    assert heads.endswith("\twhat to know")
    assert lan.endswith("\tnothing is sent: bounced")
    assert "\tpaused until 20" in minh
    assert [one["address"] for one in ask("subscribers", "export")] == ["minh@example.vn"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("minh", "--digest", "ngay"), "'minh' is not an address: "),
        (("a(x)@b.vn", "--digest", "ngay"), "'a(x)@b.vn' is not an address: "),
        (("a@b.vn\r\nBcc: c@d.vn", "--digest", "ngay"), r"'a@b.vn\r\nBcc: c@d.vn' is not"),
        (("a@b.vn", "--digest", "tuan"), "no digest 'tuan'"),
        (("a@b.vn", "--digest", "ngay", "--cadence", "weekly"), "weekly"),
        (("a@b.vn", "--digest", "ngay", "--topic", "khong"), "khong"),
        (("a@b.vn", "--digest", "ngay", "--hour", "25:00"), "25:00"),
        (("a@b.vn", "--digest", "ngay", "--zone", "Mars"), "Mars"),
        (("a@b.vn",), "--digest"),
    ],
)
def test_a_value_that_cannot_be_is_wrong_use(run, site, args, words):
    assert words in run("subscribers", "add", *args, code=2).stderr


LIST = """address,digest,topics,evidence
lan@example.vn,ngay,tin,phiếu
khong,ngay,,
nam@example.vn,tuan,,
minh@example.vn,ngay,,
"""


def test_good_lines_go_in_and_each_bad_one_is_named(ask, run, site):
    (site / "list.csv").write_text(LIST)
    result = run("subscribers", "import", "list.csv", code=1)
    places = [line.split(": ")[0] for line in result.stderr.splitlines()]
    assert places == ["list.csv:3", "list.csv:4"]
    assert result.stdout == "2 added, 0 already there, 2 lines refused\n"
    again = ask("subscribers", "import", "list.csv", code=1)
    assert (again["added"], again["already"]) == (0, 2)
    assert [(fault["line"], fault["address"]) for fault in again["faults"]] == [
        (3, "khong"), (4, "nam@example.vn"),
    ]  # fmt: skip
    assert "list.csv:4: nam@example.vn: there is no digest 'tuan'" in result.stderr
    evidence = {one["address"]: one["evidence"] for one in ask("subscribers", "list")}
    assert evidence == {"lan@example.vn": "phiếu", "minh@example.vn": "imported list"}


def test_whoever_has_left_is_named_and_left_out_until_again_is_said(ask, run, site):
    (site / "list.csv").write_text("address,digest\nlan@example.vn,ngay\nminh@example.vn,ngay\n")
    run("subscribers", "import", "list.csv")
    run("subscribers", "forget", "minh@example.vn")
    result = run("subscribers", "import", "list.csv")
    assert (
        result.stdout == "0 added, 1 already there, 1 unsubscribed and left out, 0 lines refused\n"
    )
    assert result.stderr.startswith("list.csv:3: minh@example.vn: was forgotten on 20")
    told = ask("subscribers", "import", "list.csv")
    assert (told["left_out"], told["refused"], len(told["faults"])) == (1, 0, 1)
    one = ("subscribers", "add", "minh@example.vn", "--digest", "ngay")
    assert "--again" in run(*one, code=2).stderr
    assert ask("subscribers", "import", "list.csv", "--again")["added"] == 1
    run("subscribers", "forget", "minh@example.vn")
    assert ask(*one, "--again")["result"] == "added"


def test_a_list_that_cannot_be_read_is_wrong_use(run, site):
    (site / "list.csv").write_bytes("địa chỉ\n".encode("utf-16"))
    assert "is not UTF-8" in run("subscribers", "import", "list.csv", code=2).stderr
    (site / "list.csv").write_text("mail,digest\n")
    assert "no column 'mail'" in run("subscribers", "import", "list.csv", code=2).stderr


def test_an_export_is_what_an_import_reads(ask, run, site):
    (site / "list.csv").write_text(LIST)
    run("subscribers", "import", "list.csv", code=1)
    exported = run("subscribers", "export").stdout_bytes
    assert b"\r\n" in exported
    rows = list(csv.DictReader(io.StringIO(exported.decode())))
    assert [row["address"] for row in rows] == ["lan@example.vn", "minh@example.vn"]
    (site / "again.csv").write_bytes(exported)
    assert ask("subscribers", "import", "again.csv")["already"] == 2
    assert [one["address"] for one in ask("subscribers", "export")] == [
        "lan@example.vn", "minh@example.vn",
    ]  # fmt: skip


def test_who_is_forgotten_is_gone(ask, run, site):
    run("subscribers", "add", "minh@example.vn", "--digest", "ngay")
    assert ask("subscribers", "forget", "MINH@example.vn")["forgotten"] is True
    assert ask("subscribers", "list") == []
    assert "nobody has" in run("subscribers", "forget", "minh@example.vn", code=1).stderr
    assert "is not an address" in run("subscribers", "forget", "minh", code=2).stderr


def test_a_form_for_another_site_is_printed(ask, run, site):
    with (site / "bantin.toml").open("a") as file:
        file.write('[signup]\nembed = ["https://truong.example.vn"]\n')
    printed = run("subscribers", "form", "--language", "en",
                  "--return-to", "https://truong.example.vn/x?a=1&b=2").stdout  # fmt: skip
    assert '/subscribe/ngay">' in printed
    assert "Your e-mail address" in printed
    assert 'value="https://truong.example.vn/x?a=1&amp;b=2"' in printed
    assert "<script" not in printed
    assert ask("subscribers", "form")["embed"] == ["https://truong.example.vn"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--digest", "khong"), "no digest 'khong'"),
        (("--language", "xx"), "no words in 'xx'; there are: en, vi"),
        (("--language", "../en"), "no words in '../en'"),
        (("--return-to", "https://evil.example/"), "is not on a site in [signup] embed"),
    ],
)
def test_a_form_that_cannot_be_is_wrong_use(run, site, args, words):
    assert words in run("subscribers", "form", *args, code=2).stderr


def test_a_list_is_invited_once(ask, run, site):
    (site / "list.csv").write_text(LIST)
    assert ask("subscribers", "invite", "list.csv", "--dry-run", code=1)["invited"] == 2
    result = run("subscribers", "invite", "list.csv", "--list", "Hội nghị 2026", code=1)
    assert result.stdout.startswith(
        "2 invited, 0 need no mail, 0 left out, 0 suppressed, 2 lines refused; the last mail"
    )
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [
        "list.csv:3", "list.csv:4",
    ]  # fmt: skip
    again = ask("subscribers", "invite", "list.csv", code=1)
    assert (again["invited"], again["already"]) == (0, 2)
    assert [one["since"] for one in ask("subscribers", "list")] == [None, None]


def test_a_list_without_a_name_that_can_be_read_is_wrong_use(run, site):
    (site / "list.csv").write_text(LIST)
    assert (
        "name of visible characters"
        in run("subscribers", "invite", "list.csv", "--list", "a\u202eb", code=2).stderr
    )
