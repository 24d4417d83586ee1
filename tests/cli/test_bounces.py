"""`bantin bounces read`: what is told of each mail, and what the store knows after it."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import select, update

from service.mail.returned.intake import paths_of
from service.store import tables as t
from service.store.core.database import Store
from tests.cli.conftest import rss
from tests.mail import stock
from tests.mail.returned.samples import arf, away, dsn

LAN = "lan@example.vn"


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def files(folder):
    """Write mails into files of the folder where the command runs. Returns their names."""

    def write(**mails):
        for name, data in mails.items():
            (folder / name).write_bytes(data)
        return list(mails)

    return write


@pytest.fixture
def path(run, site, web):
    """The return path of a mail that went to Lan."""
    run("collect")
    run("subscribers", "add", LAN, "--digest", "ngay")
    web.pages["/a.xml"] = rss("Tin cũ", "Cầu mới")
    run("collect", "bao-a")
    run("digest", "send", "ngay", "--at", "2099-01-01")
    store = Store(f"sqlite:///{site}/var/bantin.db")
    with store.write() as connection:
        connection.execute(update(t.delivery).values(state="accepted"))
        row = connection.execute(select(t.delivery.c.id, t.delivery.c.message_id)).one()
    settings = stock.settings(site, bounces={"address": "tra-ve@example.vn"})
    found = paths_of(store, settings).of(row.id, row.message_id, LAN)
    store.close()
    return found


def suppressed(site):
    store = Store(f"sqlite:///{site}/var/bantin.db")
    with store.read() as connection:
        found = list(connection.execute(select(t.suppression.c.reason)).scalars())
    store.close()
    return found


def test_without_a_configuration_it_tells_what_each_says(run, files):
    names = files(a=dsn(), b=arf(), c=away("Out of office"), d=dsn(status="5.2.2", said="full"))
    result = run("bounces", "read", *names, "--json", "--dry-run")
    assert lines(result) == [
        {
            "input": "a",
            "kind": "bounce",
            "recipients": [{"address": LAN, "status": "5.1.1", "hard": True}],
            "action": "suppress",
        },
        {"input": "b", "kind": "complaint", "recipients": [], "action": "suppress"},
        {"input": "c", "kind": "autoreply", "recipients": [], "action": "none"},
        {
            "input": "d",
            "kind": "bounce",
            "recipients": [{"address": LAN, "status": "5.2.2", "hard": False}],
            "action": "count",
        },
    ]
    assert result.stderr == ""
    assert "nothing was changed" in run("bounces", "read", *names).stderr


def test_an_mbox_is_many_mails_and_what_cannot_be_read_is_named(run, files):
    begin = b"From MAILER-DAEMON Sun Nov 29 17:00:00 2026\n"
    text = b"\n\nFrom here on nothing arrives.\n"
    names = files(box=begin + dsn() + text + b"\n" + begin + arf() + b"\n" + begin + away())
    result = run("bounces", "read", "nowhere", *names, "--json", code=1)
    assert [(one["input"], one["kind"]) for one in lines(result)] == [
        ("box", "bounce"), ("box#2", "complaint"), ("box#3", "other"),
    ]  # fmt: skip
    assert "nowhere: cannot be read: No such file" in result.stderr


def test_as_a_pipe_it_acts_on_what_brings_its_key_and_on_nothing_else(run, site, path):
    forged = run("bounces", "read", "--json", stdin=dsn(recipient=LAN).decode())
    assert [one["action"] for one in lines(forged)] == ["refused"]
    assert suppressed(site) == []
    mail = dsn(to=path, recipient=LAN).decode()
    assert "would end" in run("bounces", "read", "--dry-run", stdin=mail).stdout
    assert suppressed(site) == []
    result = run("bounces", "read", "--json", stdin=mail)
    assert [(one["input"], one["action"]) for one in lines(result)] == [("-", "suppress")]
    assert suppressed(site) == ["bounced"]
    assert "known before" in run("bounces", "read", stdin=mail).stdout
    link = json.loads(run("articles", "--json").stdout)[0]["link"]
    told = run("why", LAN, link).stdout
    assert re.search(r"; came back \S+ \S+ Asia/Ho_Chi_Minh: hard bounce 5\.1\.1\n", told)
    assert re.search(
        r"\n  returned \S+ \S+ Asia/Ho_Chi_Minh: hard bounce 5\.1\.1, mail \d+ of ngay: .*unknown",
        told,
    )
    assert re.search(
        r"\n  nothing is sent to it since \S+ \S+ Asia/Ho_Chi_Minh: bounced returned: 5\.1\.1", told
    )
    answer = json.loads(run("why", LAN, link, "--json").stdout)
    assert [one["status"] for one in answer["returned"]] == ["5.1.1"]
    assert answer["suppressed"]["reason"] == "bounced"
    assert "hard bounce: nothing is sent there any more" in run("status").stdout


def test_a_pipe_asks_the_mail_server_to_try_again_when_there_is_no_store(run, site, files):
    (site / "bantin.toml").write_text('[store]\nurl = "sqlite:////proc/no/bantin.db"\n')
    run("bounces", "read", "--json", stdin=dsn().decode(), code=75)
    run("bounces", "read", *files(a=dsn()), code=1)
    (site / "bantin.toml").write_text("[sit]\n")
    run("bounces", "read", stdin=dsn().decode(), code=75)


def test_what_follows_after_the_beginning_of_a_large_mail_is_read_and_let_go(run):
    huge = dsn().decode() + "x" * (5 << 20)
    assert lines(run("bounces", "read", "--json", stdin=huge))[0]["kind"] == "bounce"


def test_many_or_large_files_are_read_in_other_processes_alike(run, files):
    begin = b"From MAILER-DAEMON Sun Nov 29 17:00:00 2026\n"
    box = b"\n\n".join([begin + dsn(), begin + arf()] * 300)
    names = files(box=box, a=dsn() + b"x" * (5 << 20))
    found = lines(run("bounces", "read", *names, "--json", "--dry-run"))
    assert [one["kind"] for one in found] == ["bounce", "complaint"] * 300 + ["bounce"]
