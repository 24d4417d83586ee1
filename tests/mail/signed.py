"""A configuration that signs, and dkimpy, which verifies what it signs."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import dkim
import time_machine

from service.config.schema import Settings
from service.config.sections import Dkim
from service.config.values import Secret, SecretRef
from service.mail.signing import keys
from service.mail.signing.keys import KeyType
from tests.mail import stock

DOMAIN, SELECTOR = "example.vn", "tin1"
_LATER = datetime(2030, 1, 1, tzinfo=UTC)


def pem(kind: KeyType = KeyType.RSA) -> str:
    """A key, made once: RSA takes a while."""
    return _made(kind)


@cache
def _made(kind: KeyType) -> str:
    return keys.generate(kind)


def with_key(settings: Settings, kind: KeyType = KeyType.RSA) -> Settings:
    """The configuration with a key, as if it had been read from its place."""
    ref = SecretRef(file="key.pem")
    ref._found = Secret(pem(kind))
    written = Dkim.model_construct(domain=DOMAIN, selector=SELECTOR, key=ref)
    mail = settings.mail.model_copy(update={"dkim": written})
    return settings.model_copy(update={"mail": mail})


def settings(tmp_path: Path, kind: KeyType = KeyType.RSA, **mail: object) -> Settings:
    """The configuration of `stock` with a key."""
    return with_key(stock.settings(tmp_path, **mail), kind)


def verifies(data: bytes, kind: KeyType = KeyType.RSA) -> bool:
    """Whether dkimpy says so, with the record that we would have put into the DNS."""
    asked = []

    def txt(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return keys.record(keys.read(pem(kind))).encode()

    with time_machine.travel(_LATER, tick=False):  # what is signed tomorrow does not verify
        good = dkim.verify(data, dnsfunc=txt)
    assert asked in ([], [f"{SELECTOR}._domainkey.{DOMAIN}.".encode()])
    return bool(good)
