"""What makes a message one person's: marks, addresses, links, the id of the list."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from service.errors import MailError
from service.mail.addresses import AddressError, envelope
from service.mail.personal import NOBODYS_TOKEN, PersonalMail, TransactionalComposer, host, mailbox
from service.model import DeliveryKind, Parts
from service.render.marks import NAMES, mark
from service.store.mailing.recipients import Recipient
from tests.levels import table
from tests.mail import stock


def recipient(now, **values):
    row = {
        "subscription_id": 7,
        "address": "minh@example.vn",
        "token": "f" * 32,
        "subscribed_at": now,
        "topics": None,
        "digest": "tuan",
        "digest_title": "Điểm tin tuần",
    }
    return Recipient(**{**row, **values})


def letter(now, **values):
    row = {
        "kind": DeliveryKind.EDITION,
        "message_id": "k" * 32 + "@tin.example.vn",
        "dated_at": now,
        "language": "vi",
        "segment": b"s" * 32,
        "parts": stock.PARTS,
        "recipient": recipient(now),
    }
    return PersonalMail(**{**row, **values})


def test_every_mark_gets_a_value_and_html_values_are_escaped(now, tmp_path):
    every = " | ".join(f"{name}={mark(name)}" for name in NAMES)
    settings = stock.settings(tmp_path)
    composer = TransactionalComposer(settings)
    values = composer.values(recipient(now, topics=("y-te", "gone")), "vi")
    assert values == {
        "address": "minh@example.vn",
        "since": "24/11/2026",
        "topics": "Y tế",
        "unsubscribe_url": f"https://tin.example.vn/unsubscribe/{'f' * 32}",
        "preferences_url": f"https://tin.example.vn/preferences/{'f' * 32}",
        "confirm_url": f"https://tin.example.vn/confirm/{'f' * 32}",
    }
    odd = recipient(now, address="o'neil&co@example.vn")
    made = composer.compose(letter(now, parts=Parts(every, every, every), recipient=odd))
    parts = list(message_from_bytes(made.data, policy=policy.default).iter_parts())
    assert "o'neil&co@example.vn" in parts[0].get_content()
    assert "o&#x27;neil&amp;co@example.vn" in parts[1].get_content()


def test_the_topics_are_those_of_the_digest_unless_some_were_chosen(now, tmp_path):
    composer = TransactionalComposer(stock.settings(tmp_path))
    assert composer.values(recipient(now), "vi")["topics"] == "Giáo dục, Y tế"
    gone = recipient(now, digest="no-more")
    assert composer.values(gone, "en")["topics"] == "Giáo dục, Y tế"
    assert composer.values(gone, "en")["since"] == "24 November 2026"


def test_the_envelope_has_the_addresses_in_ascii(now, tmp_path):
    settings = stock.settings(tmp_path, **{"from": "Sở GD <tin@bộ-giáo-dục.vn>"})
    made = TransactionalComposer(settings).compose(
        letter(now, recipient=recipient(now, address="a@thư.vn"))
    )
    domain = made.sender.removeprefix("tin@")
    assert domain.isascii()
    assert domain.encode().decode("idna") == "bộ-giáo-dục.vn"
    assert made.recipient.startswith("a@xn--")
    assert made.key == "k" * 32
    assert not made.utf8
    assert made.data.isascii()


def test_a_local_part_that_is_not_ascii_asks_for_a_relay_that_knows_it(now, tmp_path):
    composer = TransactionalComposer(stock.settings(tmp_path))
    made = composer.compose(letter(now, recipient=recipient(now, address="điệp@example.vn")))
    assert made.utf8
    assert "To: điệp@example.vn\r\n".encode() in made.data


@pytest.mark.parametrize(
    "address",
    [None, "", "minh", "@example.vn", "a@", "a b@example.vn", "a@b@c.vn", "a\r\n@example.vn",
     "a@exa mple.vn", "<a@example.vn>", "x" * 65 + "@example.vn", "a@" + "x" * 64 + ".vn",
     "a@..vn", "a@example.vn\nRCPT TO:<b@example.vn>", "a@" + "x.vn" * 80],
)  # fmt: skip
def test_an_address_that_cannot_be_one_is_its_own_fault(now, tmp_path, address):
    with pytest.raises(AddressError):
        TransactionalComposer(stock.settings(tmp_path)).compose(
            letter(now, recipient=recipient(now, address=address))
        )


def test_addresses_keep_their_local_part_and_lower_their_domain():
    assert envelope("Minh.Anh+x@Example.VN").address == "Minh.Anh+x@example.vn"


@table("written", ["", "Tin", "Tin <tin>", "thư@example.vn", "a@b@c"])
def test_a_sender_that_is_no_address_is_refused(written):
    with pytest.raises(MailError):
        mailbox(written)


def test_without_a_base_url_the_list_is_one_of_this_machine(tmp_path):
    settings = stock.settings(tmp_path)
    assert host(settings) == "tin.example.vn"
    bare = settings.model_copy(update={"site": settings.site.model_copy(update={"base_url": None})})
    assert host(bare) == "localhost"
    six = settings.site.model_copy(update={"base_url": "http://[::1]:8000"})
    assert host(settings.model_copy(update={"site": six})) == "localhost"


def test_a_mail_to_nobody_differs_only_in_what_is_personal(now, tmp_path):
    composer = TransactionalComposer(stock.settings(tmp_path))
    real = composer.compose(letter(now))
    nobody = replace(recipient(now), subscription_id=None, token=NOBODYS_TOKEN)
    shown = composer.compose(letter(now, recipient=nobody))
    assert len(real.data) == len(shown.data)
    assert NOBODYS_TOKEN.encode() in shown.data


def test_the_default_sender_is_the_site(now, tmp_path):
    settings = stock.settings(tmp_path, **{"from": None})
    made = TransactionalComposer(settings).compose(letter(now))
    message = message_from_bytes(made.data, policy=policy.default)
    sender = message["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == ("Tin Khoa giáo", "bantin@localhost")
