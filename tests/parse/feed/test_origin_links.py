"""Entries whose document names the publisher's own address beside a link that counts clicks."""

from __future__ import annotations

import pytest

from service.parse.document import parse_document
from service.parse.options import ParseOptions
from service.text.clean import clean_html

URL = "https://feeds.feedburner.com/bao"
BURNED = "http://feedproxy.google.com/~r/bao/~3/{}/"
HEAD = (
    '<rss version="2.0" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"><channel>'
    "<title>Báo</title><link>https://bao.example/tin/</link>"
)


def read(now, *items):
    """`items`: (link, origin, guid), "" for what is not there; each with its number as title."""
    return written(
        now,
        *(
            (f"<link>{link}</link>" if link else "")
            + (f"<feedburner:origLink>{origin}</feedburner:origLink>" if origin else "")
            + (f"<guid>{guid}</guid>" if guid else "")
            + f"<title>{number}</title>"
            for number, (link, origin, guid) in enumerate(items)
        ),
    )


def written(now, *items):
    body = HEAD + "".join(f"<item>{one}</item>" for one in items) + "</channel></rss>"
    return parse_document(body.encode(), {}, URL, ParseOptions(), now).entries


def test_the_link_is_what_the_document_says_and_the_origin_travels_along(now):
    (entry,) = read(now, (BURNED.format(1), "https://bao.example/1", "g1"))
    assert (entry.link, entry.origin) == (BURNED.format(1), "https://bao.example/1")
    assert entry.address == "https://bao.example/1"
    assert (entry.link_is_key, entry.origin_is_key, entry.key) == (True, True, "g1")


def test_the_same_of_an_atom_entry(now):
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"><title>A</title><entry>'
        f'<id>tag:a</id><link rel="alternate" href="{BURNED.format(1)}"/><title>x</title>'
        "<feedburner:origLink>https://bao.example/1</feedburner:origLink></entry></feed>"
    )
    (entry,) = parse_document(body.encode(), {}, URL, ParseOptions(), now).entries
    assert (entry.link, entry.origin) == (BURNED.format(1), "https://bao.example/1")


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "javascript:alert(1)",
        "http://feedproxy.google.com/~r/bao/~3/1/?utm_source=x",  # the link again
        "https://bao.example/",
        "http://bao.example/tin/",  # the feed's own page
        URL,
    ],
)
def test_what_names_no_page_of_the_entry_is_no_origin(origin, now):
    (entry,) = read(now, (BURNED.format(1), origin, "g1"))
    assert (entry.origin, entry.origin_is_key, entry.address) == (None, False, entry.link)
    assert entry.link_is_key


def test_an_entry_may_have_an_origin_and_no_link(now):
    (entry,) = read(now, ("", "https://bao.example/1", ""))
    assert (entry.link, entry.link_is_key, entry.address) == (None, False, "https://bao.example/1")
    assert entry.key == "https://bao.example/1"


def test_an_address_that_two_entries_name_is_a_key_of_neither(now):
    one, two, three = read(
        now,
        (BURNED.format(1), "https://bao.example/1", ""),
        (BURNED.format(2), "https://bao.example/1?utm_source=x", ""),
        ("https://bao.example/3", "", ""),
    )
    assert [entry.origin_is_key for entry in (one, two)] == [False, False]
    assert [entry.key for entry in (one, two)] == [
        "https://feedproxy.google.com/~r/bao/~3/1/", "https://feedproxy.google.com/~r/bao/~3/2/",
    ]  # fmt: skip
    assert three.link_is_key
    both = read(now, (BURNED.format(1), "https://bao.example/1", ""),
                ("https://bao.example/1", "", ""))  # fmt: skip
    assert [(entry.link_is_key, entry.origin_is_key) for entry in both] == [
        (True, False), (False, False),
    ]  # fmt: skip


@pytest.mark.parametrize("guids", [("", ""), ("same", "same")], ids=["no guid", "a guid for all"])
def test_keys_stay_when_the_outlet_leaves_feedburner(guids, now):
    paths = [f"https://bao.example/{n}" for n in (1, 2)]
    before = read(now, *((BURNED.format(p[-1]), p, g) for p, g in zip(paths, guids, strict=True)))
    after = read(now, *((p, "", g) for p, g in zip(paths, guids, strict=True)))
    assert [one.key for one in before] == [one.key for one in after]


def test_relative_links_are_those_of_the_publishers_page(now):
    (entry,) = written(
        now,
        f"<link>{BURNED.format(1)}</link><title>x</title>"
        "<feedburner:origLink>https://bao.example/2026/1.html</feedburner:origLink>"
        '<description>&lt;p&gt;&lt;a href="2.html"&gt;x&lt;/a&gt;&lt;/p&gt;</description>',
    )
    assert 'href="https://bao.example/2026/2.html"' in clean_html(entry.summary, entry.base)
