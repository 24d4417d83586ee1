"""The checker itself: it finds what feedgen alone gets wrong, and what a slip would break."""

from __future__ import annotations

import json

import pytest
from feedgen.feed import FeedGenerator

from service.publish.json_feed import VERSION
from tests.publish.validity import atom_faults, json_faults, rss_faults


def _by_feedgen_alone(now):
    feed = FeedGenerator()
    feed.id("tag:a.example,2026:x")
    feed.title("T")
    feed.description("D")
    feed.author(name="A")
    feed.updated(now)
    feed.link(href="https://a.example/feed", rel="self")
    feed.link(href="https://a.example/", rel="alternate")
    entry = feed.add_entry()
    entry.id("tag:a.example,2026:y")
    entry.title("E")
    entry.updated(now)
    entry.author(name="B")
    entry.link(href="https://a.example/1", rel="alternate")
    entry.link(href="https://a.example/1.mp3", rel="enclosure", type="audio/mpeg", length="5")
    return feed


def test_the_faults_of_feedgen_are_found(now):
    assert "entry: link without rel" in atom_faults(_by_feedgen_alone(now).atom_str())
    assert "item: no description" in rss_faults(_by_feedgen_alone(now).rss_str())


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        (b"<id>tag:a.example,2026:x</id>", b"", "feed: 0 id instead of one"),
        (b"tag:a.example,2026:x", b"x", "feed: id is not an absolute IRI"),
        (b'rel="self"', b'rel="other"', "the feed has not one link to itself"),
        (b"+00:00</updated>", b"</updated>", "feed: updated is no RFC 3339 date"),
        (b"<title>E</title>", b"<title> </title>", "entry: no title"),
        (b"<name>B</name>", b"<name></name>", "entry: author without name"),
    ],
)
def test_a_slip_in_atom_is_found(now, good, bad, fault):
    body = _by_feedgen_alone(now).atom_str()
    assert good in body
    assert fault in atom_faults(body.replace(good, bad))


def test_a_slip_in_json_is_found():
    feed = {"version": VERSION, "title": "T", "items": [{"id": "1"}, {"id": "1", "author": "x"}]}
    faults = json_faults(json.dumps(feed).encode())
    assert {"two items have one id", "item: no content"} <= set(faults)
    assert "item: no such keys: {'author'}" in faults
