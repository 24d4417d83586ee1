"""The IMAP mailbox: everything is read once, whatever the server does."""

from __future__ import annotations

import asyncio

import pytest

from service.config.schema import Imap, Settings
from service.config.values import Secret
from service.errors import MailError, StoreError
from service.mail.returned.imap_mailbox import ImapLimits, fetch
from service.mail.security import Security, imap_port, imap_security
from tests.levels import some, table
from tests.mail.returned.imap_server import DRIP, DROP, GREETING, SILENCE, ImapServer
from tests.mail.returned.samples import arf, dsn

QUICK = ImapLimits(connect=1, answer=0.3, all=5)
PATIENT = ImapLimits(connect=5, answer=30, all=60)


def imap_of(table):
    mail = {"bounces": {"address": "tra-ve@a.vn", "imap": table}}
    made = Settings.model_validate({"mail": mail}).mail.bounces.imap
    made.password._found = Secret(str(table["password"]))
    return made


class Taken:
    """What was taken, a number of mails at a time."""

    def __init__(self, fails_at=None):
        self.lots = []
        self._fails_at = fails_at

    def __call__(self, mails):
        if len(self.lots) == self._fails_at:
            raise StoreError("the disk is full")
        self.lots.append(len(mails))

    @property
    def number(self):
        return sum(self.lots)


async def read(server, take, limits=PATIENT, **table):
    return await fetch(imap_of(server.imap(**table)), take, asyncio.Event(), limits=limits)


@pytest.mark.parametrize("keywords", [True, False, None], ids=["keywords", "Seen", "unsaid"])
async def test_what_was_read_is_marked_and_not_read_again(keywords):
    taken = Taken()
    with ImapServer([dsn(), arf()] * 30, keywords=keywords) as server:
        assert await read(server, taken) == 60
        assert server.unread() == 0
        assert await read(server, taken) == 0
    assert taken.number == 60
    assert max(taken.lots) <= 20
    assert not any("DELE" in one.upper() or "EXPUNGE" in one for one in server.commands)


async def test_thousands_at_once_are_read_a_few_at_a_time():
    taken, many = Taken(), some(10_000, 2000)
    with ImapServer([b"From: lan@example.vn\n\nTin"] * many) as server:
        assert await read(server, taken) == many
        assert server.unread() == 0
    assert max(taken.lots) <= 20


async def test_of_fifty_megabytes_only_the_beginning_is_fetched():
    with ImapServer([dsn() + b"x" * (50 << 20), dsn()]) as server:
        assert await read(server, Taken()) == 2
    too_much = pytest.raises(MailError, match="more than was asked for")
    with ImapServer([dsn() + b"x" * (5 << 20)], huge=True) as server, too_much:
        await read(server, Taken())


@pytest.mark.parametrize(
    "step", [GREETING, "CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"]
)
@pytest.mark.parametrize("what", [SILENCE, DROP])
async def test_a_server_that_hangs_is_named_and_the_next_visit_reads_all(step, what):
    taken = Taken()
    with ImapServer([dsn()] * 3, fault=(step, what)) as server:
        with pytest.raises(MailError, match=r"127\.0\.0\.1: "):
            await read(server, taken, QUICK)
        server.fault = None
        assert await read(server, taken) == 3
        assert server.unread() == 0


@pytest.mark.parametrize("step", [GREETING, "FETCH"])
async def test_a_server_that_says_a_byte_now_and_then_is_left_in_the_end(step):
    limits = ImapLimits(connect=5, answer=5, all=1)
    too_long = pytest.raises(MailError, match="longer than 1 s")
    with ImapServer([dsn()], fault=(step, DRIP)) as server, too_long:
        await read(server, Taken(), limits)


async def test_a_service_that_stops_waits_for_no_server():
    stop = asyncio.Event()
    with ImapServer([dsn()], fault=("SELECT", SILENCE)) as server:
        visit = asyncio.create_task(fetch(imap_of(server.imap()), Taken(), stop, limits=PATIENT))
        assert await asyncio.to_thread(server.hanging.wait, 20)
        stop.set()
        assert await asyncio.wait_for(visit, 20) == 0


async def test_what_the_store_did_not_take_is_read_at_the_next_visit():
    with ImapServer([dsn()] * 50) as server:
        with pytest.raises(StoreError):
            await read(server, Taken(fails_at=1))
        assert server.unread() == 30
        assert await read(server, Taken()) == 30


async def test_one_mail_that_the_server_cannot_give_keeps_no_other_waiting():
    with ImapServer([dsn()] * 5) as server:
        server.mails[2].broken = True
        assert await read(server, Taken()) == 4
        assert server.unread() == 1


async def test_a_wrong_password_is_told_without_it():
    with ImapServer() as server, pytest.raises(MailError) as told:
        await read(server, Taken(), password="sai")
    assert "AUTHENTICATIONFAILED" in str(told.value)
    assert "sai" not in str(told.value)


@table(
    ("table", "security", "port"),
    [
        ({"host": "imap.example.vn"}, Security.TLS, 993),
        ({"host": "imap.example.vn", "port": 143}, Security.STARTTLS, 143),
        ({"host": "imap.example.vn", "port": 9930}, Security.TLS, 9930),
        ({"host": "imap.example.vn", "security": "plain"}, Security.PLAIN, 143),
        ({"host": "127.0.0.1"}, Security.PLAIN, 143),
        ({"host": "127.0.0.1", "port": 993}, Security.TLS, 993),
    ],
)
def test_the_port_decides_security_and_plain_is_written_or_loopback(table, security, port):
    imap = Imap.model_validate({"username": "u", "password": "p", **table})
    assert (imap_security(imap), imap_port(imap)) == (security, port)
