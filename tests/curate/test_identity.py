"""Which entries are one article, over renames, reused names and addresses of any length."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.config.schema import Settings
from service.curate import identity
from service.curate.lookup import find_article
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.curate.desk import Desk, entry


def test_the_address_is_the_first_key_where_it_is_one():
    assert identity.keys(entry("9", "http://a.vn/1?fbclid=x"), 7) == (
        "https://a.vn/1",
        "entry:7:9",
    )
    assert identity.keys(entry("9", link_is_key=False), 7) == ("entry:7:9",)
    assert identity.keys(entry("9", None), 7) == ("entry:7:9",)


BURNED = "http://feedproxy.google.com/~r/a/~3/1/"


def test_an_entry_leads_by_the_publishers_address_and_by_its_link():
    both = entry("9", BURNED, origin="http://a.vn/1?utm_source=x", origin_is_key=True)
    link = "https://feedproxy.google.com/~r/a/~3/1/"
    assert identity.keys(both, 7) == ("https://a.vn/1", link, "entry:7:9")
    assert identity.keys(replace(both, origin_is_key=False), 7) == (link, "entry:7:9")
    assert identity.keys(replace(both, link_is_key=False), 7) == ("https://a.vn/1", "entry:7:9")


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(entry("b1", "https://a.vn/1"), id="the publisher's address"),
        pytest.param(entry("b1", BURNED), id="the link that counts clicks"),
    ],
)
def test_who_tells_either_address_tells_the_same_article(desk, again):
    desk.says("a", entry("9", BURNED, origin="https://a.vn/1", origin_is_key=True))
    desk.says("b", again)
    assert [one.link for one in desk.articles()] == ["https://a.vn/1"]
    assert desk.story(BURNED).public_id == desk.story("https://a.vn/1").public_id


@given(st.text(max_size=30), st.text(max_size=30))
@example("á" * 600, "á" * 601)
@example("x" * 1000, "x" * 1001)
def test_keys_are_bounded_and_different(one, two):
    first, second = identity.bounded(one), identity.bounded(two)
    assert len(first.encode("utf-8", "replace")) <= identity.LONGEST_KEY
    assert (first == second) is (one == two)


@given(st.text(max_size=50), st.integers(0, 3))
def test_public_ids_are_24_characters_and_stand_for_ever(key, attempt):
    made = identity.public_id(key, attempt)
    assert made == identity.public_id(key, attempt)
    assert len(made) == 24
    assert made.isalnum()


def test_an_address_as_long_as_they_come_is_a_key(desk):
    noise = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(100))  # not compressible
    long = f"https://a.vn/{noise}?id="
    desk.says("a", entry("1", long + "1"), entry("2", long + "2"))
    desk.says("b", entry("b1", long + "1&utm_source=x"))
    assert desk.count(t.article) == 2
    assert desk.story(long + "1").others != ()


def renamed(desk, source):
    """The desk after the TOML changed to these sources."""
    settings = Settings.model_validate({"source": source, "topic": {"t": {"any": ["học sinh"]}}})
    return Desk(desk.store, desk.now + timedelta(days=1), settings)


def test_a_renamed_source_knows_its_articles_and_a_new_one_of_its_old_name_does_not(desk):
    desk.says("a", entry("1", None, "Học sinh một"))
    after = renamed(
        desk,
        {
            "old": {"url": "https://a.vn/rss", "was": "a"},
            "b": {"url": "https://b.vn/rss"},
        },
    )
    assert after.says("old", entry("1", None, "Học sinh một")).new == 0
    after = renamed(
        desk,
        {
            "old": {"url": "https://a.vn/rss"},
            "b": {"url": "https://b.vn/rss"},
            "a": {"url": "https://khac.vn/rss"},
        },
    )
    assert after.says("a", entry("1", None, "Học sinh khác")).new == 1
    assert {one.title for one in after.articles()} == {"Học sinh một", "Học sinh khác"}
    assert len({one.public_id for one in after.articles()}) == 2
    assert after.says("a", entry("1", None, "Học sinh khác")).new == 0


def test_a_key_that_is_too_long_leads_to_its_article_after_a_rename_as_before(desk):
    long = "x" * 2000
    desk.says("a", entry(long, None, "Học sinh một"))
    sources = {"moi": {"url": "https://a.vn/rss", "was": "a"}, "b": {"url": "https://b.vn/rss"}}
    after = renamed(desk, sources)
    after.says("moi", entry("2", None, "Học sinh một", twins=(long,)))
    assert len(after.articles()) == 1


def test_what_was_being_read_while_its_source_was_renamed_is_not_another_sources(desk):
    """The names of a poll are those of its beginning."""
    sources = {"moi": {"url": "https://a.vn/rss", "was": "a"}, "b": {"url": "https://b.vn/rss"}}
    after = renamed(desk, sources)
    desk.says("a", entry("1", None, "Học sinh một"))
    after = renamed(after, {**sources, "a": {"url": "https://khac.vn/rss"}})
    after.says("a", entry("1", None, "Học sinh khác"))
    assert {one.title for one in after.articles()} == {"Học sinh một", "Học sinh khác"}


def test_a_public_id_does_not_change_with_the_number_of_its_source(desk, tmp_path):
    """A store that is made anew from the same TOML may number its sources otherwise."""
    desk.says("b", entry("1", None, "Học sinh một"))
    url = f"sqlite:///{tmp_path / 'again.db'}"
    other = Store(url)
    migrate(other)
    sources = {"b": {"url": "https://b.vn/rss"}}
    again = Desk(other, desk.now, Settings.model_validate({"source": sources}))
    again.says("b", entry("1", None, "Học sinh một"))
    assert again.ids["b"] != desk.ids["b"]
    assert [one.public_id for one in again.articles()] == [one.public_id for one in desk.articles()]
    other.close()


@pytest.mark.parametrize(
    "asked",
    [
        "https://a.vn/1",
        " http://A.vn/1?utm_source=x#top ",
        "https://a.vn/cu",  # where it stood before
        "https://a.vn/chung?id=7",  # an address that was not a key
        "https://tin.example/stories/{}/",
        "/stories/{}/index.html?x=1",
        "{}",
    ],
)
def test_an_article_is_found_by_any_address_it_ever_had(desk, asked):
    desk.says("a", entry("1", "https://a.vn/cu"))
    desk.says("a", entry("1", "https://a.vn/1"))
    desk.says("a", entry("1", "https://a.vn/chung?id=7", link_is_key=False))
    public_id = desk.articles()[0].public_id
    with desk.store.read() as connection:
        assert find_article(connection, asked.format(public_id)) is not None


@pytest.mark.parametrize(
    "asked", ["", "http://[", "https://a.vn/2", "a" * 24, "/stories/x/", "\x00"]
)
def test_what_is_unknown_is_none(desk, asked):
    desk.says("a", entry())
    with desk.store.read() as connection:
        assert find_article(connection, asked) is None


def test_a_merged_article_is_found_as_what_it_became(desk):
    desk.says("a", entry("1", "https://a.vn/1"))
    desk.says("b", entry("b1", "https://b.vn/9", "Học sinh và lũ"))
    ids = {one.source: one.public_id for one in desk.articles()}
    desk.says("b", entry("b1", "https://a.vn/1", "Học sinh và lũ"))
    with desk.store.read() as connection:
        assert find_article(connection, ids["b"]) == find_article(connection, ids["a"])


def test_chains_of_merges_end_in_the_oldest(desk):
    """All entries of a document through one another: each goes where the one before stood."""
    for n in (1, 2, 3):
        desk.says("a", entry(f"{n}", f"https://a.vn/{n}", f"Học sinh {n}"))
    desk.says("a", entry("3", "https://a.vn/2"), entry("2", "https://a.vn/1"))
    assert len(desk.articles()) == 1
    story = desk.story("https://a.vn/3")
    assert len(story.article_ids) == 3
    with desk.store.read() as connection:
        found = {find_article(connection, f"https://a.vn/{n}") for n in (1, 2, 3)}
    assert found == {story.article_ids[0]}
