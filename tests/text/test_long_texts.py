"""A text twice as long costs about twice as much, whatever is in it.

No pattern may have two ways to read the same characters. Such as had were found by trying: a link
of 6,400 characters cost seconds in each look at it, an id of 200 blanks a minute.
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime

import pytest

from service.curate.articles import _authors
from service.parse.document import parse_document
from service.parse.options import ParseOptions
from service.text.web import canonical

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HEAD = "<rss version='2.0'><channel><title>T</title><link>https://a.vn/b/c/</link>"


def noise(size: int) -> str:
    return "".join(hashlib.sha256(n.to_bytes(4)).hexdigest() for n in range(size // 64))


def link(size: int) -> None:
    address = f"https://a.vn/{noise(size)}?id=1"
    assert canonical.canonical(address) == address
    assert canonical.display_link(address) == address
    assert canonical.is_web(address)
    assert not canonical.is_home(address)


def document_with(guid: str) -> None:
    body = f"{HEAD}<item><guid>{guid}</guid><title>Tin</title></item></channel></rss>"
    parse_document(body.encode(), {}, "https://a.vn/b/c/rss", ParseOptions(), NOW)


def blanks_in_an_id(size: int) -> None:
    document_with(" " * size + "]")


def blanks_behind_an_id(size: int) -> None:
    document_with("HTTP://a.vn/x" + " " * size + "]")


def ids_without_an_end(size: int) -> None:
    document_with("<![CDATA[" + "<id " * (size // 4) + "]]>")


def author_of_signs(size: int) -> None:
    assert _authors(["<@" * (size // 2), "@" * size, "a@b (" + " " * size], "") is not None


def seconds(work, size: int) -> float:
    """Seconds of CPU time; the best of three."""
    took = []
    for _ in range(3):
        begun = time.process_time()
        work(size)
        took.append(time.process_time() - begun)
    return min(took)


@pytest.mark.parametrize(
    "work",
    [link, blanks_in_an_id, blanks_behind_an_id, ids_without_an_end, author_of_signs],
    ids=lambda work: work.__name__,
)
def test_twice_as_long_costs_about_twice_as_much(work):
    work(64)
    short, long = seconds(work, 6_400), seconds(work, 12_800)
    assert long < 3.5 * short + 0.02
