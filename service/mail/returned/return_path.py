"""The return path of each message (VERP), with a key: who comes back by it, and that we wrote it.

    tra-ve+1z4-k3jd7qa2mfhx5w6b@example.vn
           │   └ key: 80 bits of an HMAC over delivery, Message-ID and the address written to
           └ the delivery

Anybody can write a mail that says an address is dead. Only a server that was handed the message
knows its return path, so a report counts for the delivery whose key it brings, and for nobody else;
whom it names in its text is only words (docs/decisions/071). After a change of address what went to
the old one says something of the old one.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.errors import MailError
from service.mail import addresses
from service.mail.returned.mime import MailPart
from service.text import mailboxes

LONGEST_LOCAL = 32
"""Characters before the @ of the configured address: with number and key it stays below the 64 of
RFC 5321 4.5.3.1.1."""

_KEY_BYTES = 10
_WRITTEN = re.compile(r"\+(\d{1,18})-([a-z2-7]{16})@", re.IGNORECASE)
_TRIED = 20
_ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")


@dataclass(frozen=True, slots=True)
class ReturnKey:
    """What stands in a return path: the delivery's number, and the key that must fit it."""

    delivery_id: int
    key: str


@dataclass(frozen=True, slots=True)
class ReturnPaths:
    """Makes return paths below one address. `secret` is the store's, of all HMACs."""

    address: str
    secret: bytes

    @classmethod
    def below(cls, address: str, secret: bytes) -> ReturnPaths:
        """Raises MailError for an address that cannot have return paths."""
        return cls(checked(address), secret)

    def of(self, delivery_id: int, message_id: str, recipient: str) -> str:
        """The envelope sender of this delivery to this address; every try has the same."""
        local, _, domain = self.address.rpartition("@")
        key = _key(self.secret, delivery_id, message_id, mailboxes.key(self.secret, recipient))
        return f"{local}+{delivery_id}-{key}@{domain}"


def checked(address: str) -> str:
    """The address with an ASCII domain. Raises MailError for one that cannot have return paths."""
    plain = addresses.envelope(address)
    local = plain.address.rpartition("@")[0]
    if plain.utf8 or len(local) > LONGEST_LOCAL or not re.fullmatch(r"[\w.=-]+", local):
        raise MailError(
            f"{address!r} cannot have return paths below it: before the @ there may be at most "
            f"{LONGEST_LOCAL} letters, digits, dots and hyphens, without +"
        )
    return plain.address


def sample(address: str) -> str:
    """A return path below the address as a mail may have it, with the key of none."""
    local, _, domain = address.rpartition("@")
    return f"{local}+1-{'a' * 16}@{domain}"


def keys_in(parts: Iterable[MailPart]) -> tuple[ReturnKey, ...]:
    """The keys that a mail brings, in the order in which they are believed: its envelope first.

    Where they stand decides nothing else: a key fits, or it does not. The copy of what was sent
    has its own in Return-Path, complaints in Original-Mail-From.
    """
    found: dict[ReturnKey, None] = {}
    texts = list(parts)
    envelope = [value for name in _ENVELOPE for value in texts[0].fields.get(name, ())]
    every = (value for part in texts for values in part.fields.values() for value in values)
    for text in (*envelope, *every, *(part.text for part in texts)):
        for match in _WRITTEN.finditer(text):
            found[ReturnKey(int(match[1]), match[2].lower())] = None
            if len(found) >= _TRIED:
                return tuple(found)
    return tuple(found)


def keys_in_bytes(data: bytes) -> tuple[ReturnKey, ...]:
    """The keys that stand in a mail which cannot be read, as far as they are not encoded."""
    found: dict[ReturnKey, None] = {}
    for match in _WRITTEN.finditer(data.decode("latin-1")):
        found[ReturnKey(int(match[1]), match[2].lower())] = None
        if len(found) >= _TRIED:
            break
    return tuple(found)


def fits(secret: bytes, found: ReturnKey, message_id: str, address_key: bytes) -> bool:
    """Whether the key is that of this delivery to the address of this `mailboxes.key`."""
    right = _key(secret, found.delivery_id, message_id, address_key)
    return hmac.compare_digest(found.key.encode(), right.encode())


def _key(secret: bytes, delivery_id: int, message_id: str, address_key: bytes) -> str:
    told = b"\0".join((b"returned", str(delivery_id).encode(), message_id.encode(), address_key))
    mac = hmac.digest(secret, told, "sha256")[:_KEY_BYTES]
    return base64.b32encode(mac).decode("ascii").lower()
