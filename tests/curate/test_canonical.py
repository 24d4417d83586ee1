"""Addresses of one article are one; addresses of two stay two."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from service.text.web.canonical import canonical, display_link, is_home, is_web
from tests.levels import table

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
    ("https://bao.vn", "https://bao.vn/?"),
    ("https://bao.vn/a?UTM_Source=x", "https://bao.vn/a"),
    ("https://bao.vn/a?%75tm_source=x", "https://bao.vn/a"),
    ("https://www.bbc.com/a?at_medium=RSS&at_campaign=rss", "https://www.bbc.com/a"),
    ("https://bao.vn/x/../a/./", "https://bao.vn/a/"),
    ("https://bao.vn/\na", "https://bao.vn/a"),
    ("https://minh:mat-khau@bao.vn/a", "https://bao.vn/a"),
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
    ("https://bao.vn/a", "https://bao.vn/a/"),
    ("https://bao.vn/a", "https://www.bao.vn/a"),
    ("https://bao.vn/?p=9&lang=vi", "https://bao.vn/?lang=vi&p=9"),
    ("https://bao.vn/a?ref=1", "https://bao.vn/a"),
    ("https://bao.vn/#/a", "https://bao.vn/#/b"),
    ("https://bao.vn/a?x=%26", "https://bao.vn/a?x=&"),
]


@table(("one", "two"), SAME)
def test_two_addresses_of_one_article(one, two):
    assert canonical(one) == canonical(two)


@table(("one", "two"), DIFFERENT)
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


@table(
    ("written", "shown"),
    [
        ("http://bao.vn/a?utm_source=rss&id=1#top", "http://bao.vn/a?id=1#top"),
        ("https://bao.vn/a?b=%20x&c", "https://bao.vn/a?b=%20x&c"),
        ("https://bao.vn/a?utm_campaign=x", "https://bao.vn/a"),
        ("https://bao.vn/bài", "https://bao.vn/bài"),
        ("https://bao.vn/a?b=2&a=1", "https://bao.vn/a?b=2&a=1"),
        ("https://bao.vn/bài viết?q=a b", "https://bao.vn/bài%20viết?q=a%20b"),
        ("https://bao.fr/a#xtor=RSS-1", "https://bao.fr/a"),
        ("https://minh:mat-khau@bao.vn/a", "https://bao.vn/a"),
        ("mailto:a@bao.vn", "mailto:a@bao.vn"),
    ],
)
def test_readers_get_the_outlets_own_address_without_what_follows_them(written, shown):
    assert display_link(written) == shown


@table(
    ("url", "web"),
    [
        ("https://bao.vn/", True),
        ("http://[::1]/", True),
        ("javascript:alert(1)", False),
        ("http:///a", False),
        ("http://[::1", False),
        ("http://bao.vn:port/", False),
        ("HTTP:// ?", False),
        ("https://bao vn/a", False),
        ("urn:uuid:1", False),
        ("/a", False),
        ("", False),
    ],
)
def test_what_a_reader_may_be_sent_to(url, web):
    assert is_web(url) is web
    if not web:
        assert canonical(url) == url


@table(
    ("url", "home"),
    [
        ("https://bao.vn", True),
        ("http://bao.vn/?utm_source=rss", True),
        ("https://bao.vn/#top", True),
        ("https://bao.vn/?p=1", False),
        ("https://bao.vn/#!/1", False),
        ("https://bao.vn/tin", False),
    ],
)
def test_a_home_page_is_told_from_an_article(url, home):
    assert is_home(url) is home


ADDRESSES = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["http://", "HTTPS://", "https://u@", "ftp://", "http://["]),
        st.text("abcÁđ.:-_0 8@]", max_size=12),
        st.text("/.%2eE5aá ~\\?", max_size=20),
        st.text("?&=%utm_source+a4Bá;", max_size=20),
        st.text("#!/a=&utm_x%", max_size=10),
    ),
)


@given(ADDRESSES)
@example("HTTP:// ?")
@example("http://bao.vn? &")
@example("http://bao.vn?0 &")
def test_what_readers_get_is_its_own_and_leads_to_the_same_article(url):
    shown = display_link(url)
    assert display_link(shown) == shown
    assert canonical(shown) == canonical(url) == canonical(canonical(url))
