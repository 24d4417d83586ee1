"""Unpacking piece by piece: whole bodies, lies, ends that are missing."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import FetchError, TooLargeError
from service.net.unpack import Unpacker
from tests.levels import table

PACKS = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
TEXT = "Thứ Ba ngày 24 tháng 11, hội nghị trực tuyến. ".encode() * 20_000


def unpack(name, packed, *, limit=10_000_000, step=10_000):
    unpacker = Unpacker(name, limit)
    for start in range(0, len(packed), step):
        for _ in unpacker.feed(packed[start : start + step]):
            pass
    return unpacker.whole()


@table("name", PACKS)
@table("step", [1, 7, 65536, 10**9])
def test_whatever_the_pieces_the_body_is_whole(name, step):
    text = TEXT[:3000] if step < 100 else TEXT
    assert unpack(name, PACKS[name](text), step=step) == text


@settings(max_examples=60)
@given(st.sampled_from(sorted(PACKS)), st.binary(max_size=3000), st.integers(1, 500),
       st.integers(1, 400))  # fmt: skip
def test_any_bytes_come_back(name, data, repeat, step):
    body = data * repeat
    assert unpack(name, PACKS[name](body), step=step, limit=2_000_000) == body


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_missing_end_is_said_wherever_it_is(name):
    packed = PACKS[name](TEXT[:2000])
    for end in range(1, len(packed)):
        with pytest.raises(FetchError, match=f"middle of its {name}"):
            unpack(name, packed[:end])


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_packed_does_not_unpack(name):
    with pytest.raises(FetchError, match=name):
        unpack(name, b"<rss version='2.0'>" * 100)


@pytest.mark.parametrize("name", PACKS)
def test_the_cap_is_exact(name):
    packed = PACKS[name](b"x" * 300_000)
    assert len(unpack(name, packed, limit=300_000)) == 300_000
    with pytest.raises(TooLargeError):
        unpack(name, packed, limit=299_999)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_streams_that_follow_one_another_are_one_body_and_rubbish_after_them_is_left(name):
    packed = PACKS[name](b"mot ") + PACKS[name](b"hai")
    assert unpack(name, packed) == unpack(name, packed, step=1) == b"mot hai"
    assert unpack(name, packed + b"\r\nrubbish") == b"mot hai"


def test_streams_without_end_are_ended():
    with pytest.raises(FetchError, match="gzip"):
        unpack("gzip", b"".join([gzip.compress(b"")] * 1001) + gzip.compress(b"x"), step=100)


def test_zstd_may_not_ask_for_a_huge_window():
    options = {zstd.CompressionParameter.window_log: 27}
    compressor = zstd.ZstdCompressor(options=options)
    packed = compressor.compress(TEXT * 20) + compressor.flush()
    with pytest.raises(FetchError, match="zstd"):
        unpack("zstd", packed, limit=10**9)


def test_a_name_that_nobody_asked_for():
    with pytest.raises(FetchError, match="did not ask for: compress"):
        Unpacker("compress", 1)
