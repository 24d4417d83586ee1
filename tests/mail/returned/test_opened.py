"""Returned mails are read in processes of their own: what kills or hangs one leaves a row."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from service.collect.workers.pool import Parsers
from service.errors import BantinError
from service.mail.returned.imap_mailbox import fetch
from service.mail.returned.intake import ReturnedAction, take
from service.mail.returned.model import ReturnedKind
from service.mail.returned.opened import open_apart, open_mail
from tests.mail.returned.hostile import hostile
from tests.mail.returned.imap_server import ImapServer
from tests.mail.returned.samples import arf, away, dsn
from tests.mail.returned.test_imap_mailbox import PATIENT, imap_of
from tests.mail.returned.test_intake import LAN, MINH, Sent

A = ReturnedAction


@pytest.fixture
async def apart():
    async with Parsers(2, timeout_s=1.0, quick_s=0.5) as parsers:
        yield lambda _function, data: parsers.call(hostile, data)


def holding(word, path):
    return b"X-Word: " + word + b"\n" + dsn(to=path, recipient=LAN)


@pytest.mark.parametrize(("word", "why"), [
    (b"KILL", "kills the process"), (b"HANG", "took longer than 1 s"), (b"FILL", "MemoryError"),
    (b"BREAK", "RuntimeError"),
])  # fmt: skip
async def test_a_hostile_mail_is_a_row_that_says_what_was_wrong_and_its_neighbours_are_read(
    any_store, now, tmp_path, apart, word, why
):
    sent = Sent(any_store, now, tmp_path)
    mails = [holding(word, sent.paths[0]), dsn(to=sent.paths[1], recipient=MINH), arf()]
    with ImapServer(mails) as server:

        def note(found):
            actions.extend(take(any_store, now, found))

        async def read(some):
            return await open_apart(apart, some)

        actions: list[ReturnedAction] = []
        imap = imap_of(server.imap())
        assert await fetch(imap, note, asyncio.Event(), opened=read, limits=PATIENT) == 3
        assert server.unread() == 0
    assert actions == [A.NOTE, A.SUPPRESS, A.REFUSED]
    row, other = sorted(sent.rows(), key=lambda one: one.delivery_id)
    assert (row.kind, row.hard, other.kind) == ("unread", False, "bounce")
    assert why in row.reason
    assert sent.suppressed() == {MINH: "bounced"}
    again = await open_apart(apart, mails[:1])
    assert take(any_store, now, again) == [A.KNOWN]


async def test_where_no_process_reads_the_mails_stay_in_the_mailbox():
    async def broken(_function, _data):
        raise BantinError("the processes that read documents cannot be started")

    async def read(some):
        return await open_apart(broken, some)

    with ImapServer([dsn()] * 3) as server:
        with pytest.raises(BantinError, match="cannot be started"):
            await fetch(imap_of(server.imap()), print, asyncio.Event(), opened=read, limits=PATIENT)
        assert server.unread() == 3


async def test_what_is_read_there_is_what_is_read_here_of_any_size():
    mails = [dsn(), arf(), away("Out of office"), b"", dsn() + b"x" * (50 << 20)]
    async with Parsers(2) as parsers:
        assert await open_apart(parsers.call, mails) == [open_mail(one) for one in mails]


def test_who_reads_them_loads_no_database_and_no_configuration():
    code = (
        "import sys, service.mail.returned.opened\n"
        "sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'pydantic', 'asyncpg')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_words_that_no_store_takes_leave_a_row_all_the_same(any_store, now, tmp_path):
    sent = Sent(any_store, now, tmp_path)
    actions = []

    def note(found):
        if any(one.mail.kind is not ReturnedKind.UNREAD for one in found):
            raise ValueError("a word that the database refuses")
        actions.extend(take(any_store, now, found))

    with ImapServer([dsn(to=sent.paths[0], recipient=LAN)]) as server:
        assert await fetch(imap_of(server.imap()), note, asyncio.Event(), limits=PATIENT) == 1
        assert server.unread() == 0
    [row] = sent.rows()
    assert (row.kind, row.reason, actions) == (
        "unread",
        "it cannot be stored: ValueError",
        [A.NOTE],
    )
