"""The Link header as servers write it, and as nobody should."""

from __future__ import annotations

import time

import pytest

from service.text.web.link_header import MOST, links
from tests.levels import table

BASE = "https://bao.example/tin/rss"


@table(
    ("value", "told"),
    [
        ('<https://hub.example/>; rel="hub"', [("https://hub.example/", {"hub"})]),
        ("<https://hub.example/>;rel=hub", [("https://hub.example/", {"hub"})]),
        (
            '<https://hub.example/>; REL="HUB Preload"',
            [("https://hub.example/", {"hub", "preload"})],
        ),
        (
            '<https://hub.example/>; rel="hub", <../rss>; rel="self"',
            [("https://hub.example/", {"hub"}), ("https://bao.example/rss", {"self"})],
        ),
        (
            '<a,b;c>; title="x, <y>; rel=no"; rel=self',
            [("https://bao.example/tin/a,b;c", {"self"})],
        ),
        (r'<a>; title="\"q\", "; rel="hub"', [("https://bao.example/tin/a", {"hub"})]),
        # The first rel counts (RFC 8288, 3.3); parameters without a value are not a fault.
        ("<a>; rel=hub; rel=self; crossorigin", [("https://bao.example/tin/a", {"hub"})]),
        # Said of another document: no word about this one. Of this one by its name: it is.
        ('<https://evil.example/>; rel="hub"; anchor="/other"', []),
        ('<a>; rel="hub"; anchor="#top"', [("https://bao.example/tin/a", {"hub"})]),
        ("<a>", [("https://bao.example/tin/a", frozenset())]),
        ("rubbish, <a>; rel=hub", [("https://bao.example/tin/a", {"hub"})]),
        ("<http://[::1>; rel=hub, <b>; rel=self", [("https://bao.example/tin/b", {"self"})]),
        ("", []),
        ("<unended; rel=hub", []),
    ],
)
def test_a_header_is_read(value, told):
    assert [(one.url, one.rels) for one in links(value, BASE)] == told


@pytest.mark.parametrize(
    "junk", [" ", ",", "<", ";", '"', "<a> ;", "<a>;x= ", '<a>;x="\\', "<a>;x"]
)
def test_a_header_of_junk_takes_no_time(junk):
    began = time.process_time()
    links(junk * (32_000 // len(junk)), BASE)
    assert time.process_time() - began < 1


def test_links_without_end_are_cut_off():
    assert len(links("<a>; rel=hub, " * 1000, BASE)) == MOST
