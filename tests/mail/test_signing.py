"""Signatures that others verify, over every header that matters, with the same bytes each time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from service.config.values import Secret
from service.errors import MailError
from service.mail.drain import drain
from service.mail.faults import faults
from service.mail.personal import TransactionalComposer
from service.mail.signing import keys
from service.mail.signing.dkim import Signer
from service.mail.signing.keys import KeyType
from service.model import DeliveryKind, DeliveryState, Parts
from tests.mail import signed, stock
from tests.mail.relays import Sink
from tests.mail.test_personal import letter, recipient

BOTH = pytest.mark.parametrize("kind", list(KeyType))


def compose(now, tmp_path, kind=KeyType.RSA, mail=None, **written):
    composer = TransactionalComposer(signed.settings(tmp_path, kind, **written))
    return composer.compose(mail or letter(now)).data


def tags(data):
    """The tags of the signature, white space taken out."""
    head = data.partition(b"\r\n\r\n")[0]
    [value] = re.findall(rb"(?s)\ADKIM-Signature:(.*?)\r\n(?=\S)", head)
    pairs = (tag.split(b"=", 1) for tag in re.sub(rb"\s", b"", value).split(b";"))
    return {name.decode(): value.decode() for name, value in pairs}


@BOTH
@pytest.mark.parametrize("mail_kind", list(DeliveryKind))
def test_a_mail_of_each_kind_is_signed_and_verifies(now, tmp_path, kind, mail_kind):
    data = compose(now, tmp_path, kind, letter(now, kind=mail_kind), reply_to="a@example.vn")
    assert signed.verifies(data, kind)
    assert tags(data)["a"] == f"{kind}-sha256"
    assert tags(data)["c"] == "relaxed/simple"


def test_every_header_that_we_write_is_covered(now, tmp_path):
    data = compose(now, tmp_path, reply_to="a@example.vn")
    covered = tags(data)["h"].split(":")
    head = data.partition(b"\r\n\r\n")[0].decode()
    there = [name.lower() for name in re.findall(r"(?m)^([\w-]+):", head)]
    assert set(there[1:]) <= set(covered)
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(covered)


def test_without_a_key_a_mail_is_as_it_was(now, tmp_path):
    plain = TransactionalComposer(stock.settings(tmp_path)).compose(letter(now)).data
    data = compose(now, tmp_path)
    assert not plain.startswith(b"DKIM")
    assert data.startswith(b"DKIM-Signature: v=1;")
    assert data.endswith(plain)


@BOTH
def test_the_same_mail_has_the_same_bytes_and_bears_the_instant_of_its_date(now, tmp_path, kind):
    data = compose(now, tmp_path, kind)
    assert compose(now, tmp_path, kind) == data
    assert tags(data)["t"] == str(int(now.timestamp()))
    later = compose(now, tmp_path, kind, letter(now + timedelta(minutes=1)))
    assert tags(later)["t"] == str(int(now.timestamp()) + 60)
    assert tags(later)["b"] != tags(data)["b"]


@pytest.mark.parametrize("name", [
    "From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Id", "List-Archive",
    "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "Precedence",
    "Content-Language", "MIME-Version", "Content-Type",
])  # fmt: skip
def test_a_header_that_is_changed_or_taken_away_breaks_the_signature(now, tmp_path, name):
    data = compose(now, tmp_path, reply_to="a@example.vn")
    line = re.compile(rb"(?ms)^" + name.encode() + rb": .*?\r\n(?! )")
    assert len(line.findall(data.partition(b"\r\n\r\n")[0] + b"\r\n")) == 1
    assert not signed.verifies(line.sub(name.encode() + b": x\r\n", data, count=1))
    assert not signed.verifies(line.sub(b"", data, count=1))


@pytest.mark.parametrize("name", [
    "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe",
    "List-Unsubscribe-Post", "MIME-Version", "Content-Type",
])  # fmt: skip
@pytest.mark.parametrize("reply_to", [None, "a@example.vn"])
def test_a_header_that_is_put_in_breaks_the_signature(now, tmp_path, name, reply_to):
    """RFC 6376 8.15: mailboxes show the first of two, verifiers read the last."""
    data = compose(now, tmp_path, reply_to=reply_to)
    assert not signed.verifies(f"{name}: x\r\n".encode() + data)


def test_what_a_relay_may_do_on_the_way_breaks_nothing(now, tmp_path):
    data = compose(now, tmp_path)
    head, _, body = data.partition(b"\r\n\r\n")
    folded = re.sub(rb"(?m)^Subject: ", b"SUBJECT:\r\n\t  ", head).replace(b"; bh", b";\r\n  bh")
    received = b"Received: from tin.example.vn by mx\r\n\tfor <minh@example.vn>; x\r\n"
    assert signed.verifies(received + folded + b"\r\n\r\n" + body)
    assert signed.verifies(head + b"\r\n\r\n" + body + b"\r\n\r\n")
    assert not signed.verifies(data.replace(b"--=_", b" --=_", 1))
    assert not signed.verifies(head + b"\r\n\r\n" + body.replace(b"a", b"b", 1))


@settings(deadline=None, max_examples=60)
@given(subject=st.text(max_size=120), body=st.text(max_size=300))
def test_whatever_people_write_verifies(tmp_path_factory, subject, body):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    mail = letter(now, parts=Parts(subject, body, body))
    data = compose(now, tmp_path_factory.getbasetemp(), KeyType.ED25519, mail)
    assert signed.verifies(data, KeyType.ED25519)


@pytest.mark.parametrize("body", [b"", b"\r\n", b"x", b"x\r\n", b"x\r\n\r\n\r\n", b" \r\n\r\n"])
def test_any_end_of_a_body_verifies(now, body):
    key = keys.read(signed.pem())
    data = b"From: a@example.vn\r\nTo: b@example.vn\r\n\r\n" + body
    assert signed.verifies(Signer(signed.DOMAIN, signed.SELECTOR, key).sign(data, now))


def test_an_address_that_is_not_ascii_verifies(now, tmp_path):
    mail = letter(now, recipient=replace(recipient(now), address="điệp@example.vn"))
    assert signed.verifies(compose(now, tmp_path, mail=mail))


@BOTH
def test_lines_are_short(now, tmp_path, kind):
    data = compose(now, tmp_path, kind, reply_to="a@example.vn")
    header = data.partition(b"From: ")[0]
    assert max(map(len, header.split(b"\r\n"))) <= 78


async def test_what_a_relay_gets_of_a_whole_run_verifies(store, now, tmp_path):
    stock.fill(store, now, ["a@example.vn", "b@example.vn"])
    async with Sink() as sink:
        done = await drain(
            store, signed.settings(tmp_path), lambda: now, owner="o", relays=[sink.line()]
        )
    assert done.counts == {DeliveryState.ACCEPTED: 2}
    assert [signed.verifies(one.data) for one in sink.received] == [True, True]
    assert len({tags(one.data)["bh"] for one in sink.received}) == 2, "each has its own links"


# Keys


def pem_of(key, **how):
    how = {"format": PrivateFormat.PKCS8, "encryption_algorithm": NoEncryption(), **how}
    return key.private_bytes(Encoding.PEM, **how).decode()


def test_keys_made_by_openssl_of_any_age_are_read():
    key = rsa.generate_private_key(65537, 2048)
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        read = keys.read(pem_of(key, format=form))
        assert keys.record(read) == keys.record(key)


def _wrong_keys():
    small, other = rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())
    good = signed.pem(KeyType.ED25519)
    public = keys.read(good).public_key()
    spki = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {
        "is an RSA key of 1024 bits, not of 2048 to 4096": pem_of(small),
        "is neither an RSA nor an Ed25519 key": pem_of(other),
        "is encrypted with a password": pem_of(
            other, encryption_algorithm=BestAvailableEncryption(b"x")
        ),
        "is the public half of a key": spki,
        "is no private key in PEM form": good[:60],
    }


def test_a_key_that_cannot_sign_is_a_fault_which_does_not_show_it(tmp_path):
    made = signed.settings(tmp_path)
    assert faults(made) == []
    for problem, pem in _wrong_keys().items():
        made.mail.dkim.key._found = Secret(pem)
        [(path, said, remedy)] = faults(made)
        assert path == ("mail", "dkim", "key")
        assert said == problem
        assert "bantin mail keys" in remedy
        with pytest.raises(MailError, match=problem):
            TransactionalComposer(made)


def test_a_damaged_key_is_told_by_what_it_signs():
    whole = signed.pem()
    lines = whole.splitlines()
    lines[12] = lines[12][::-1]
    with pytest.raises(MailError, match=r"damaged|no private key"):
        keys.read("\n".join(lines))


@BOTH
def test_a_record_is_cut_into_strings_of_255_bytes(kind):
    value = keys.record(keys.read(signed.pem(kind)))
    strings = keys.strings(value)
    assert "".join(strings) == value
    assert all(len(one) <= 255 for one in strings)
    assert len(strings) == (2 if kind is KeyType.RSA else 1)
