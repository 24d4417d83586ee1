"""Addresses of one article are one; addresses of two stay two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.curate.canonical import canonical, display_link

SAME = [
    ("http://bao.vn/a.html", "https://bao.vn/a.html"),
    ("https://BAO.vn:443/a", "https://bao.vn/a"),
    ("https://bao.vn/a?utm_source=rss&utm_medium=feed", "https://bao.vn/a"),
    ("https://bao.vn/a?id=1&fbclid=xyz", "https://bao.vn/a?id=1"),
    ("https://bao.vn/a?zarsrc=30&gidzl=AbC", "https://bao.vn/a"),
    ("https://bao.vn/a#binh-luan", "https://bao.vn/a"),
    ("https://bao.vn/b%c3%a0i", "https://bao.vn/b%C3%A0i"),
    ("https://bao.vn/bài", "https://bao.vn/b%C3%A0i"),
    ("https://bao.vn/%61", "https://bao.vn/a"),
    ("https://bao.vn./a", "https://bao.vn/a"),
    (" https://bao.vn/a \n", "https://bao.vn/a"),
    ("https://ví-dụ.vn/a", "https://xn--v-d-rma6749a.vn/a"),
]

DIFFERENT = [
    ("https://bao.vn/a", "https://bao.vn/b"),
    ("https://bao.vn/a?id=1", "https://bao.vn/a?id=2"),
    ("https://bao.vn/tin.aspx?id=12&cat=3", "https://bao.vn/tin.aspx?id=12&cat=4"),
    ("https://bao.vn/A", "https://bao.vn/a"),
    ("https://bao.vn/#!/a", "https://bao.vn/#!/b"),
    ("https://giaoduc.bao.vn/a", "https://bao.vn/a"),
    ("https://bao.vn:8080/a", "https://bao.vn/a"),
    ("https://bao.vn/a%2Fb", "https://bao.vn/a/b"),
    ("https://bao.vn/?p=1", "https://bao.vn/"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_two_addresses_of_one_article(one, two):
    assert canonical(one) == canonical(two)


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_addresses_of_two_articles(one, two):
    assert canonical(one) != canonical(two)


@given(st.text(alphabet="abcĐ%20F/?&=#!.:+-é ", max_size=30))
def test_the_canonical_form_is_its_own(path):
    once = canonical(f"http://www.bao.vn/{path}")
    assert canonical(once) == once


@given(st.text(max_size=60))
def test_whatever_stands_in_a_link_is_no_exception(text):
    assert isinstance(canonical(text), str)
    assert isinstance(display_link(text), str)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("http://bao.vn/a?utm_source=rss&id=1#top", "http://bao.vn/a?id=1#top"),
        ("https://bao.vn/a?b=%20x&c", "https://bao.vn/a?b=%20x&c"),
        ("https://bao.vn/a?utm_campaign=x", "https://bao.vn/a"),
        ("https://bao.vn/bài", "https://bao.vn/bài"),
    ],
)
def test_readers_get_the_outlets_own_address_without_what_follows_them(written, shown):
    assert display_link(written) == shown
