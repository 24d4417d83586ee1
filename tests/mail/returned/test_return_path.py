"""The return path: its key is that of one message to one address."""

from __future__ import annotations

import re

import pytest

from service.errors import MailError
from service.mail.returned import mime
from service.mail.returned.return_path import ReturnKey, ReturnPaths, checked, fits, keys_in
from service.text import mailboxes
from tests.levels import table
from tests.mail.returned.samples import dsn

SECRET = b"s" * 32
MESSAGE_ID = "a" * 32 + "@tin.example.vn"


def made(delivery=7, message_id=MESSAGE_ID, address="Lan@Example.VN", secret=SECRET):
    return ReturnPaths.below("tra-ve@tin.example.vn", secret).of(delivery, message_id, address)


def keys(text):
    return keys_in(mime.split(mime.lines_of(text)))


def test_a_return_path_is_an_address_that_every_server_takes():
    path = made(delivery=10**17)
    assert re.fullmatch(r"tra-ve\+\d+-[a-z2-7]{16}@tin\.example\.vn", path)
    assert len(path.partition("@")[0]) <= 64
    assert made() == made(address="lan@example.vn")


def test_it_comes_back_from_wherever_it_stands():
    path = made()
    assert keys(dsn(to=path)) == keys(dsn(to=path.upper())) != ()
    below = dsn().replace(b"From: tin@", f"Return-Path: <{path}>\nFrom: tin@".encode())
    assert keys(below) == keys(dsn(to=path))
    assert keys(dsn()) == ()
    assert len(keys(" ".join(made(n) for n in range(100)).encode())) <= 20


def test_a_key_fits_one_message_to_one_address():
    (found,) = keys(dsn(to=made()))
    own = mailboxes.key(SECRET, "lan@example.vn")
    assert fits(SECRET, found, MESSAGE_ID, own)
    other = mailboxes.key(SECRET, "minh@example.vn")
    assert not fits(SECRET, found, MESSAGE_ID, other)
    assert not fits(SECRET, found, "b" + MESSAGE_ID, own)
    assert not fits(b"t" * 32, found, MESSAGE_ID, own)
    assert not fits(SECRET, ReturnKey(8, found.key), MESSAGE_ID, own)
    assert not fits(SECRET, ReturnKey(7, "a" * 16), MESSAGE_ID, own)


@table("address", ["trả-về@a.vn", "a+b@a.vn", "a" * 33 + "@a.vn", "a", '"a b"@a.vn'])
def test_an_address_without_room_for_a_key_is_refused(address):
    with pytest.raises(MailError):
        checked(address)
