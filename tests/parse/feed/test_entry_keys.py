"""Which addresses lead to an article, and which entries of a document are one."""

from __future__ import annotations

import pytest

from service.model import Entry
from service.parse.feed.entry_keys import Draft, settle

LINK = "https://bao.example/tin/1"
HOME = "https://bao.example/muc/"


def draft(guid=None, title="Lũ về đêm qua", link=LINK, date="", **values):
    return Draft(Entry("", guid, link, False, title, **values), date)


def settled(*drafts):
    return settle(drafts, (HOME,))


def twins(*drafts):
    """The places of the entries that each entry names as its twins."""
    entries = settled(*drafts)
    keys = [entry.key for entry in entries]
    assert len(set(keys)) == len(drafts)
    return [sorted(keys.index(twin) for twin in entry.twins) for entry in entries]


def test_an_address_alone_is_a_key_without_twins():
    entries = settled(draft("1"), draft("2", link="https://bao.example/tin/2"))
    assert [(one.key, one.link_is_key, one.twins) for one in entries] == [
        ("1", True, ()),
        ("2", True, ()),
    ]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(draft("2"), id="a new guid"),
        pytest.param(draft(None), id="no guid"),
        pytest.param(draft("1", date="now"), id="the same guid"),
        pytest.param(draft("2", link="http://BAO.example/tin/1?utm_source=x#"), id="campaign"),
        pytest.param(draft("2", " LŨ VỀ: “Đêm qua”! "), id="case and punctuation"),
        pytest.param(draft("2", "Lu ve dem qua"), id="without marks"),
        pytest.param(draft("2", summary="Khác.", content="<p>Khác</p>"), id="another text"),
        pytest.param(
            draft("2", link="https://dem.example/~r/1", origin=LINK), id="the origin is the link"
        ),
    ],
)
def test_the_same_address_and_headline_are_twins_and_the_address_stays_a_key(again):
    for both in ((draft("1"), again), (again, draft("1"))):
        assert twins(*both) == [[1], [0]]
        assert all(one.origin_is_key or one.link_is_key for one in settled(*both))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(draft("2", "Lũ rút sáng nay"), id="another headline"),
        pytest.param(draft("2", link=f"{LINK}#tra-loi-2"), id="another place in the page"),
        pytest.param(draft("2", "", summary="Lũ rút."), id="no headline, another text"),
    ],
)
def test_an_address_under_several_headlines_is_no_key(other):
    assert twins(draft("1"), other) == [[], []]
    assert not any(one.link_is_key for one in settled(draft("1"), other))


def test_twins_under_an_address_that_is_no_key():
    live = [draft("1"), draft("2", "Lũ rút"), draft("3"), draft("4", "Lũ rút"), draft("5")]
    assert twins(*live) == [[2], [3], [0, 4], [1], [2]]
    assert not any(one.link_is_key for one in settled(*live))


def test_without_headlines_texts_are_compared():
    texts = [draft("1", "", summary="A"), draft("2", "", summary="a."), draft("3", "", summary="b")]
    assert twins(*texts) == [[1], [0], []]


def test_headlines_of_signs_alone_are_compared_as_they_are():
    assert twins(draft("1", "!!!"), draft("2", "???"), draft("3", "!!!")) == [[2], [], [0]]


@pytest.mark.parametrize("home", [HOME, "https://bao.example", "https://khac.example/?utm_id=1"])
def test_a_home_page_says_nothing_of_who_an_entry_is(home):
    assert twins(draft("1", link=home), draft("2", link=home)) == [[], []]
    assert not any(one.link_is_key for one in settled(draft("1", link=home), draft("2", link=home)))
    assert twins(draft("1", link=None), draft("2", link=None)) == [[], []]


def test_each_of_many_twins_names_its_neighbours_alone():
    many = twins(*(draft(str(n)) for n in range(200)))
    assert many[0] == [1]
    assert all(many[n] == [n - 1, n + 1] for n in range(1, 199))
