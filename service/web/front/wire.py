"""A public document as the bytes of its answers, made once: whole or unchanged, packed or not.

They are put together from what `documents.answer` says, so there is one way to each answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from starlette.responses import Response

from service.web.documents import Served, answer, is_unchanged, takes_gzip
from service.web.headers import HEADERS

_LONGEST_REMEMBERED = 100
"""Bytes of an Accept-Encoding header that is looked up rather than read again."""


@dataclass(frozen=True, slots=True)
class WireResponse:
    """An answer: its head up to where Date and the empty line follow, and its body."""

    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Wire:
    """All answers of one document. `tags`: its ETags as they stand in a header."""

    document: Served
    plain: WireResponse
    packed: WireResponse
    unchanged: WireResponse
    unchanged_packed: WireResponse
    tags: frozenset[bytes]

    @classmethod
    def of(cls, document: Served) -> Wire:
        plain, packed = _reply(document), _reply(document, gzip=True)
        unchanged, unchanged_packed = (
            _reply(document, unchanged=True),
            _reply(document, gzip=True, unchanged=True),
        )
        tags = frozenset(f'"{document.etag}{end}"'.encode() for end in ("", "-gzip"))
        return cls(document, plain, packed, unchanged, unchanged_packed, tags)

    @property
    def size(self) -> int:
        """Bytes of memory, nearly."""
        replies = (self.plain, self.packed, self.unchanged, self.unchanged_packed)
        heads = sum(len(one.head) for one in replies)
        bodies = len(self.document.body) + len(self.document.packed or b"")
        return heads + bodies

    def reply(
        self, encoding: bytes | None, known: bytes | None, since: bytes | None
    ) -> WireResponse:
        """Answers Accept-Encoding, If-None-Match and If-Modified-Since; None = no such header."""
        packed = encoding is not None and _takes_gzip(encoding)
        if known in self.tags or (
            (known is not None or since is not None) and self._is_unchanged(known, since)
        ):
            return self.unchanged_packed if packed else self.unchanged
        return self.packed if packed else self.plain

    def _is_unchanged(self, known: bytes | None, since: bytes | None) -> bool:
        said = {"if-none-match": known, "if-modified-since": since}
        headers = {
            name: value.decode("latin-1") for name, value in said.items() if value is not None
        }
        return is_unchanged(self.document, headers)


def _reply(document: Served, *, gzip: bool = False, unchanged: bool = False) -> WireResponse:
    headers = {"accept-encoding": "gzip"} if gzip else {}
    if unchanged:
        headers["if-none-match"] = "*"
    response = answer(document, headers)
    return WireResponse(_head(response), bytes(response.body))


def _head(response: Response) -> bytes:
    status = HTTPStatus(response.status_code)
    own = {name.lower(): value for name, value in HEADERS.items()} | dict(response.headers)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in own.items()]
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


def _takes_gzip(encoding: bytes) -> bool:
    if len(encoding) > _LONGEST_REMEMBERED:
        return takes_gzip(encoding.decode("latin-1"))
    return _looked_up(encoding)


@lru_cache(maxsize=256)
def _looked_up(encoding: bytes) -> bool:
    return takes_gzip(encoding.decode("latin-1"))
