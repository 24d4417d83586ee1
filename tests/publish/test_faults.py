"""What is wrong in the configuration of what readers see."""

from __future__ import annotations

import pytest

from service.publish.faults import faults
from tests.publish.newsroom import configure


def test_a_good_configuration_has_none():
    assert faults(configure()) == []
    assert faults(configure(site={"base_url": None})) == []
    assert faults(configure(site={"base_url": "https://example.vn/tin/"})) == []


def test_an_accent_that_cannot_be_read_is_named_with_one_that_can():
    [(path, problem, remedy)] = faults(configure(branding={"accent": "#ffcc00"}))
    assert path == ("branding", "accent")
    assert "1.5:1" in problem
    better = remedy.split('"')[1]
    assert faults(configure(branding={"accent": better})) == []


@pytest.mark.parametrize(
    "address",
    ["https://tin.example.vn/?a=1", "https://tin.example.vn/#x", "https://u@tin.example.vn/"],
)
def test_a_base_url_to_which_nothing_can_be_added(address):
    [(path, _problem, _remedy)] = faults(configure(site={"base_url": address}))
    assert path == ("site", "base_url")


def test_a_topic_may_not_be_called_as_the_feed_of_everything():
    [(path, _problem, _remedy)] = faults(configure(topic={"all": {"title": "Tất cả"}}))
    assert path == ("topic", "all")
