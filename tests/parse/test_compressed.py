"""Documents packed as files: whole, torn, in several members, broken, larger than they say."""

from __future__ import annotations

import gzip
import random
import time

import pytest

from service.errors import ParseError
from service.parse.compressed import unpacked
from tests.levels import table

PLAIN = random.Random(7).randbytes(70_000)
PACKED = gzip.compress(PLAIN, mtime=0)
SMALL = gzip.compress(b"tin", mtime=0)


@table(
    ("body", "document", "cut"),
    [
        (b"<rss/>", b"<rss/>", False),
        (PACKED, PLAIN, False),
        (SMALL + PACKED + SMALL, b"tin" + PLAIN + b"tin", False),
        (PACKED + b"\r\n", PLAIN, False),
        (PACKED + b"\0" * 600, PLAIN, False),
        (PACKED + b"\0" * 600 + SMALL, PLAIN + b"tin", False),
        (SMALL[:-3], b"tin", True),
        (PACKED + SMALL[:10], PLAIN, True),
        (gzip.compress(b"", mtime=0), b"", False),
    ],
)
def test_what_is_in_it(body, document, cut):
    found, is_cut = unpacked(body, 1_000_000)
    assert (found == document, is_cut) == (True, cut)


def test_what_is_torn_is_given_as_far_as_it_goes():
    found, cut = unpacked(PACKED[:40_000], 1_000_000)
    assert cut
    assert 30_000 < len(found) < len(PLAIN)
    assert PLAIN.startswith(found)


@pytest.mark.parametrize("most", [1, 1000, len(PLAIN) - 1])
def test_no_more_than_is_taken(most):
    assert unpacked(PACKED, most) == (PLAIN[:most], True)
    assert unpacked(PACKED, len(PLAIN)) == (PLAIN, False)
    assert unpacked(PACKED + SMALL, len(PLAIN)) == (PLAIN, True)


def test_what_is_broken_is_refused_and_not_half_taken():
    sound = gzip.compress(b"tin " * 40_000 + PLAIN)
    for at in (30, 20_000, len(sound) - 6):
        broken = sound[:at] + bytes(256 - one for one in sound[at : at + 4]) + sound[at + 4 :]
        with pytest.raises(ParseError, match="gzip is broken"):
            unpacked(broken, 1_000_000)


def test_a_bomb_costs_what_is_taken_of_it_and_a_crowd_of_members_little():
    at = time.process_time()
    found, cut = unpacked(gzip.compress(b"\0" * 100_000_000, 1), 100_000)
    assert (len(found), cut) == (100_000, True)
    found, cut = unpacked(SMALL * 20_000, 1_000_000)
    assert (found, cut) == (b"tin" * 20_000, False)
    assert time.process_time() - at < 5
