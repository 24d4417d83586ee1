"""What a relay answers is stored and logged without the address that it repeats."""

from __future__ import annotations

import unicodedata

import pytest
from sqlalchemy import select

from service.mail.drain import drain
from service.mail.relay_answers import HIDDEN, clean, without
from service.store import tables as t
from tests.levels import table
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_drain import Clock

WHO = "Nguyen.Van+An@Tỉnh.Example.vn"


@pytest.fixture
def clock(now):
    return Clock(now)


SPELLINGS = [
    WHO,
    WHO.lower(),
    WHO.upper(),
    f"<{WHO}>",
    "<nguyen.van+an@" + "tỉnh".encode("idna").decode() + ".example.vn>",
    "nguyen.van+an@" + "TỈNH".encode("idna").decode().upper() + ".EXAMPLE.VN",
    f'"Nguyen.Van+An"@{WHO.partition("@")[2]}',
    f"nguyen.van+an@{WHO.partition('@')[2].lower()}.",
    "nguyen.van%2Ban%40t%E1%BB%89nh.example.vn",
    "nguyen.van=2Ban=40t=E1=BB=89nh.example.vn",
    "nguyen.van+2Ban+40t+E1+BB+89nh.example.vn",
    "bounce-nguyen.van+an=tỉnh.example.vn@noi-khac.example",
    "SRS0=hash=TT=tỉnh.example.vn=nguyen.van+an@noi-khac.example",
    unicodedata.normalize("NFC", WHO),
]


@table("spelling", SPELLINGS)
def test_the_address_is_hidden_in_each_spelling(spelling):
    said = without(WHO, f"5.1.1 {spelling}: no such user ({spelling})")
    assert said.startswith("5.1.1 ")
    assert HIDDEN in said
    assert "no such user" in said
    assert "van" not in said.lower()


def test_other_addresses_and_words_stay():
    text = "5.1.1 ask postmaster@tinh.example.vn, not lan@example.vn of example.vn"
    assert without("an@example.vn", text) == text
    assert without("an@example.vn", "no user an here") == "no user an here"
    assert without("", "x @ y") == "x @ y"
    assert without("(.*)+@example.vn", "aaaa@example.vn") == "aaaa@example.vn"


def test_what_no_database_takes_is_taken_out():
    latin = b"adresse refus\xe9e".decode("utf-8", "surrogateescape")
    assert clean(latin) == "adresse refus?e"
    assert clean("a\x00b\x1b[31m\x85c\nd") == "a b [31m c\nd"


ADDRESS = "nguyen.van.an@bo-y-te.example.vn"


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("rcpt", "550 5.1.1 <{who}>: Recipient address rejected: {WHO} unknown"),
        ("rcpt", "450 4.1.1 <{who}>: Recipient address rejected"),
        ("rcpt", "554 5.7.1 {WHO}: relay access denied"),
        ("rcpt", "550 " + "x" * 480 + " {who}"),  # cut off in the middle it would be half hidden
        ("rcpt", "421 4.7.0 {who} closing"),
        ("body", "554 5.6.0 {who} does not want this"),
        ("after", "250 2.0.0 queued for {who}"),
    ],
)
async def test_nothing_that_is_stored_or_logged_repeats_it(
    any_store, clock, tmp_path, capsys, step, answer
):
    said = answer.format(who=ADDRESS, WHO=ADDRESS.upper())
    made = stock.fill(any_store, clock.at, [ADDRESS])
    stock.had_news_before(any_store, made, clock.at)
    async with Sink(lambda at, _who: said if at == step else None) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
    assert sum(done.counts.values()) == 1
    with any_store.read() as connection:
        stored = [
            str(row)
            for table in t.metadata.sorted_tables
            if table is not t.subscriber
            for row in connection.execute(select(table))
        ]
        attempt = connection.execute(select(t.attempt.c.answer)).scalar_one()
    assert HIDDEN in attempt or "xxx" in attempt
    everything = "\n".join([*stored, *done.paused.values(), *capsys.readouterr()]).lower()
    assert "nguyen.van" not in everything
    assert "bo-y-te" not in everything


async def test_an_address_that_cannot_be_mailed_is_not_repeated_either(
    store, clock, tmp_path, capsys
):
    stock.fill(store, clock.at, ["khong phai <la> dia-chi@example.vn"])
    async with Sink() as sink:
        settings = stock.settings(tmp_path)
        await drain(store, settings, clock, owner="o", relays=[sink.line()])
    with store.read() as connection:
        reply = connection.execute(select(t.delivery.c.reply)).scalar_one()
    assert reply == "not an address"
    assert "dia-chi" not in "".join(capsys.readouterr())


async def test_an_answer_that_is_no_utf8_stops_nobody(any_store, clock, tmp_path):
    """A relay that answers in Latin-1, or with NUL, must not break the run that records it."""
    made = stock.fill(any_store, clock.at, ["an@example.vn", "binh@example.vn"])

    def script(step, who):
        if step == "rcpt" and "an@" in who:
            return "450 4.1.1 refus\udce9e \x00"
        return None

    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        lines = [sink.line(connections=1)]
        await drain(any_store, settings, clock, owner="o", relays=lines)
    with any_store.read() as connection:
        wanted = select(t.attempt.c.answer).where(t.attempt.c.delivery_id == made.deliveries[0])
        assert connection.execute(wanted).scalar_one() == "rcpt: 450 4.1.1 refus?e"
    states = stock.states(any_store)
    assert [states[one] for one in made.deliveries] == ["deferred", "accepted"]
