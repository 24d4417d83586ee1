"""Unpacking a body as it comes: never more than the cap, never half a body without a word. Pure.

aiohttp could do it, but it takes a packed body that breaks off for a whole one, and lets zstd ask
for 128 MB of window.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import brotli  # type: ignore[import-untyped]  # it ships no types

from service.errors import FetchError, TooLargeError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NAMES = ("gzip", "deflate", "br", "zstd")
"""What we ask for and can unpack, as Accept-Encoding names it."""

_UNPACKED = frozenset(
    {"", "identity", "none", "utf-8", "utf8", "iso-8859-1", "binary", "7bit", "8bit"}
)
"""Not packed. All but the first two are misunderstandings, of charsets and of mail, that honest
servers send; browsers take them so too."""

_PIECE = 256 * 1024
"""Bytes that one step may give: memory stays small whatever the body claims to be."""

_MOST_MEMBERS = 1000
"""Of one body. Thousands of empty ones cost time and give nothing."""

_ZSTD_WINDOW_LOG = 23
"""8 MB, the most that RFC 9659 lets a server ask for."""

_BROKEN = (zlib.error, brotli.error, zstd.ZstdError, EOFError)


class _Codec(Protocol):
    """One packed stream: pieces for what is fed; `whole` once its end was seen."""

    @property
    def whole(self) -> bool: ...

    def pieces(self, data: bytes) -> Iterator[bytes]: ...


class Unpacker:
    """Unpacks one body. `name` as in Content-Encoding ("" = not packed); `limit` bytes unpacked.

    Raises FetchError for a name that we did not ask for.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._body = bytearray()  # not a list of pieces: millions of one byte each may come
        self._codec = _codec(name)

    def feed(self, data: bytes) -> Iterator[int]:
        """Unpack piece by piece, as it is asked: how large the body is after each.

        Raises TooLargeError beyond the limit, FetchError for what does not unpack.
        """
        try:
            for piece in self._codec.pieces(data):
                if len(self._body) + len(piece) > self._limit:
                    raise TooLargeError(too_large(self._limit))
                self._body += piece
                yield len(self._body)
        except _BROKEN as error:
            raise FetchError(
                f"the answer calls itself {self._name}, but does not unpack"
            ) from error

    def whole(self) -> bytes:
        """The body. Raises FetchError when its end is missing."""
        if not self._codec.whole and (self._body or self._name):
            raise FetchError(f"the answer broke off in the middle of its {self._name}")
        return bytes(self._body)


def too_large(limit: int) -> str:
    """The reason that `status` shows."""
    return f"more than {limit / (1024 * 1024):.3g} MB, which is more than we take"


def _codec(name: str) -> _Codec:
    match name:
        case name if name in _UNPACKED:
            return _Plain()
        case "gzip" | "x-gzip":
            return _Members(lambda _: zlib.decompressobj(16 + zlib.MAX_WBITS))
        case "deflate":
            return _Members(_deflate)
        case "zstd":
            return _Members(_zstd)
        case "br":
            return _Brotli()
    raise FetchError(f"the answer is packed in a way we did not ask for: {name[:40]}")


class _Plain:
    whole = True

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    @property
    def whole(self) -> bool:
        return bool(self._stream.is_finished())

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while not self._stream.is_finished():
            piece = self._stream.process(data, output_buffer_limit=_PIECE)
            if not piece and self._stream.can_accept_more_data():
                return  # it holds neither input nor output
            yield piece
            data = b""


class _Members:
    """gzip, deflate and zstd: streams that may follow one another. Rubbish after them is left."""

    def __init__(self, begin: Any) -> None:
        self._begin = begin
        self._stream: Any = None
        self._members = 0
        self._ended = False

    @property
    def whole(self) -> bool:
        return self._ended or (self._stream is None and self._members > 0)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        full = False
        while not self._ended and (data or full):
            if self._stream is None:
                self._next(data)
            try:
                piece = self._stream.decompress(data, _PIECE)
            except _BROKEN:
                if self._members == 1:
                    raise
                self._ended = True  # what follows the first stream is none
                return
            yield piece
            full = len(piece) == _PIECE and not self._stream.eof  # it may still hold something
            if self._stream.eof:
                data, self._stream = self._stream.unused_data, None
            else:
                data = getattr(self._stream, "unconsumed_tail", b"")

    def _next(self, data: bytes) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise zlib.error("too many streams")
        self._stream = self._begin(data)


def _deflate(data: bytes) -> Any:
    """Unpacks deflate with zlib's header, as specified, or without, as some servers send it."""
    has_header = data[0] & 0x0F == 8  # noqa: PLR2004 - the mark of deflate in that header
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _zstd(_: bytes) -> Any:
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    return zstd.ZstdDecompressor(options=options)
