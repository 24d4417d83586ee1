"""What comes of returned mail: whose key fits counts, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.mail.drain import drain
from service.mail.returned.intake import ReturnedAction, paths_of, take
from service.mail.returned.opened import open_mail
from service.model import DeliveryState
from service.store import tables as t
from service.store.audience import suppressions
from service.store.core import facts
from service.text import mailboxes
from tests.levels import some
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.returned.samples import arf, away, dsn, prose

A = ReturnedAction
DAY = timedelta(days=1)
LAN, MINH = "lan@example.vn", "minh@example.vn"


class Sent:
    """A store with a mail to each of two readers, and their return paths."""

    def __init__(self, store, now, tmp_path, digest="tuan"):
        self.store = store
        self.now = now
        self.settings = stock.settings(tmp_path, bounces={"address": "tra-ve@tin.example.vn"})
        self.made = stock.fill(store, now, [LAN, MINH], digest=digest)
        paths = paths_of(store, self.settings)
        self.paths = [
            paths.of(*of)
            for of in zip(self.made.deliveries, self.made.message_ids, [LAN, MINH], strict=True)
        ]

    def take(self, *mails, at=None, dry_run=False):
        opened = [open_mail(one) for one in mails]
        return take(self.store, at or self.now, opened, dry_run=dry_run)

    def suppressed(self):
        with self.store.read() as connection:
            secret = facts.secret(connection)
            known = {mailboxes.key(secret, one): one for one in (LAN, MINH)}
            rows = suppressions.among(connection, known)
            return {known[key]: why for key, why in rows.items()}

    def rows(self):
        with self.store.read() as connection:
            return connection.execute(select(t.returned_mail)).all()


@pytest.fixture
def sent(any_store, now, tmp_path):
    return Sent(any_store, now, tmp_path)


def test_a_forged_bounce_suppresses_nobody(sent):
    """Whatever its words, whoever it names: without the key of a mail to them it is nothing."""
    lan, minh = sent.paths
    number, other = (path.partition("+")[2].partition("-")[0] for path in (lan, minh))
    forged = [
        dsn(recipient=LAN),
        dsn(to="tra-ve@tin.example.vn", recipient=MINH),
        dsn(to=f"tra-ve+{number}-{'a' * 16}@tin.example.vn", recipient=LAN),
        dsn(to=lan.replace(f"+{number}-", f"+{other}-"), recipient=MINH),
        dsn(to=lan.replace(f"+{number}-", "+999999-"), recipient=LAN),
        dsn(to=f"tra-ve+{'9' * 18}-{'a' * 16}@tin.example.vn", recipient=LAN),
        arf(who=LAN),
        arf(to=f"tra-ve+{number}-{'b' * 16}@tin.example.vn", who=LAN),
        b"From: lan@example.vn\nTo: tra-ve@tin.example.vn\nSubject: unsubscribe\n\n",
    ]
    assert sent.take(*forged) == [A.REFUSED] * len(forged)
    assert sent.suppressed() == {}
    assert sent.rows() == []


def test_a_key_speaks_for_its_own_reader_alone(sent):
    """One who knows the return path of a mail to himself names somebody else."""
    assert sent.take(dsn(to=sent.paths[0], recipient=MINH)) == [A.COUNT]
    assert sent.suppressed() == {}
    assert sent.take(arf(mail_from=sent.paths[0], who=MINH)) == [A.SUPPRESS]
    assert sent.suppressed() == {LAN: suppressions.COMPLAINED}


def test_who_refuses_us_says_nothing_of_the_address_however_often(sent):
    blocked = dsn(
        to=sent.paths[0], recipient=LAN, status="5.7.26", said="550 5.7.26 not authenticated"
    )
    assert sent.take(blocked, dry_run=True) == [A.NONE]
    assert sent.take(blocked) == [A.NONE]
    assert [row.kind for row in sent.rows()] == ["about_us"]
    assert sent.take(dsn(to=sent.paths[0], recipient=LAN, status="5.2.2", said="full")) == [A.COUNT]
    assert sent.suppressed() == {}


def test_words_that_no_database_takes_stop_nothing(sent):
    half = (
        b"From: a@b.vn\nTo: " + sent.paths[0].encode() + b'\n\n{"notificationType": "Bounce", '
        b'"bounce": {"bouncedRecipients": [{"emailAddress": "\\"\\ud800\\"@example.vn"}]}}'
    )
    complaint = arf(mail_from=sent.paths[1], feedback="a\0b <lan@example.vn>")
    assert sent.take(half, complaint) == [A.COUNT, A.SUPPRESS]
    assert [row.reason for row in sent.rows() if row.kind == "complaint"] == ["a b <[address]>"]


def test_a_hard_bounce_suppresses_and_the_delivery_stays_as_it_was(sent):
    bounce = dsn(to=sent.paths[0], recipient=LAN, said=f"550 5.1.1 <{LAN}>: user unknown")
    assert sent.take(bounce) == [A.SUPPRESS]
    assert sent.suppressed() == {LAN: suppressions.BOUNCED}
    (row,) = sent.rows()
    assert (row.delivery_id, row.kind, row.hard) == (sent.made.deliveries[0], "bounce", True)
    assert row.status == "5.1.1"
    assert LAN not in row.reason
    assert "user unknown" in row.reason
    with sent.store.read() as connection:
        states = connection.execute(select(t.delivery.c.state).distinct()).scalars().all()
        evidence = connection.scalar(select(t.suppression.c.evidence))
    assert states == ["planned"]
    assert LAN not in evidence


def test_a_bounce_that_names_nobody_is_a_soft_one_of_whose_key_it_brings(sent):
    path = sent.paths[0].encode()
    nameless = prose("It did not work.").replace(b"tra-ve@tin.example.vn", path)
    assert sent.take(prose("It did not work."), nameless) == [A.REFUSED, A.COUNT]


def test_the_same_mail_read_again_counts_once_and_a_hard_one_after_a_soft_one_does(sent):
    soft = dsn(to=sent.paths[0], recipient=LAN, status="5.2.2", said="mailbox full")
    hard = dsn(to=sent.paths[0], recipient=LAN)
    assert sent.take(soft, soft) == [A.COUNT, A.KNOWN]
    assert sent.take(hard) == [A.SUPPRESS]
    assert sent.take(hard, soft) == [A.KNOWN, A.KNOWN]
    assert len(sent.rows()) == 1


def test_a_dry_run_says_the_same_and_writes_nothing(sent):
    mails = [dsn(to=sent.paths[0], recipient=LAN), dsn(recipient=MINH), away("Out of office")]
    assert sent.take(*mails, dry_run=True) == [A.SUPPRESS, A.REFUSED, A.NONE]
    assert (sent.rows(), sent.suppressed()) == ([], {})
    assert sent.take(*mails) == [A.SUPPRESS, A.REFUSED, A.NONE]


def test_what_is_late_or_automatic_or_no_complaint_asks_for_nothing(sent):
    path = sent.paths[0]
    mails = [
        dsn(to=path, recipient=LAN, action="delayed", status="4.4.1", said="timed out"),
        away("Automatic reply").replace(b"tra-ve@tin.example.vn", path.encode()),
        arf(mail_from=path, feedback="auth-failure"),
        arf(mail_from=path, feedback="not-spam"),
    ]
    assert sent.take(*mails) == [A.NONE] * 4
    assert sent.rows() == []


def test_who_asks_to_unsubscribe_may_sign_up_again(sent):
    asked = f"From: {LAN}\nTo: {sent.paths[0]}\nSubject: unsubscribe\n\n".encode()
    assert sent.take(asked) == [A.SUPPRESS]
    assert sent.suppressed() == {LAN: suppressions.UNSUBSCRIBED}


def test_soft_bounces_add_up_and_fade(any_store, now, tmp_path):
    """Of a daily digest the fifth ends it; of a monthly one none does."""
    for digest, gap, ends in (("ngay", DAY, 5), ("thang", 30 * DAY, None)):
        address = f"{digest}@example.vn"
        settings = stock.settings(tmp_path, bounces={"address": "tra-ve@tin.example.vn"})
        actions = []
        for number in range(8):
            at = now + number * gap
            made = stock.fill(any_store, at, [address], digest=f"{digest}-{number}")
            path = paths_of(any_store, settings).of(
                made.deliveries[0], made.message_ids[0], address
            )
            full = dsn(to=path, recipient=address, status="5.2.2", said="mailbox full")
            actions += take(any_store, at, [open_mail(full)])
        first = actions.index(A.SUPPRESS) + 1 if A.SUPPRESS in actions else None
        assert first == ends, actions


async def test_each_message_goes_out_with_a_return_path_of_its_own_and_the_same_bytes(
    any_store, now, tmp_path
):
    sent = Sent(any_store, now, tmp_path)
    refused = iter([True])
    script = {"rcpt": lambda: "451 4.3.0 later" if next(refused, False) else None}
    async with Sink(lambda step, _who: script.get(step, lambda: None)()) as sink:
        for hour in range(2):
            at = now + timedelta(hours=hour)
            await drain(
                any_store, sent.settings, lambda at=at: at, owner=f"o{hour}", relays=[sink.line()]
            )
    assert {(one.recipient, one.sender) for one in sink.received} == set(
        zip([LAN, MINH], sent.paths, strict=True)
    )
    assert not any(b"tra-ve" in one.data for one in sink.received)
    assert sent.take(dsn(to=sent.paths[0], recipient=LAN)) == [A.SUPPRESS]
    with any_store.read() as connection:
        states = connection.execute(select(t.delivery.c.state)).scalars().all()
    assert states == [DeliveryState.ACCEPTED] * 2


async def test_who_is_suppressed_by_a_bounce_gets_nothing_that_is_planned_already(
    any_store, now, tmp_path
):
    sent = Sent(any_store, now, tmp_path)
    sent.take(dsn(to=sent.paths[0], recipient=LAN))
    async with Sink() as sink:
        done = await drain(any_store, sent.settings, lambda: now, owner="o", relays=[sink.line()])
    assert [one.recipient for one in sink.received] == [MINH]
    assert done.counts == {DeliveryState.SUPPRESSED: 1, DeliveryState.ACCEPTED: 1}


def test_thousands_at_once_take_as_many_statements_as_they_have_keys(sent):
    """A flood without keys costs nothing in the store; one with a key costs one row."""
    flood = [open_mail(dsn(recipient=LAN))] * some(10_000, 2000)
    assert set(take(sent.store, sent.now, flood)) == {A.REFUSED}
    again = [open_mail(dsn(to=sent.paths[0], recipient=LAN))] * 500
    assert take(sent.store, sent.now, again) == [A.SUPPRESS, *[A.KNOWN] * 499]
    assert len(sent.rows()) == 1
