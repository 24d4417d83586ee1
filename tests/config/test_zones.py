"""The zone that was meant, by city, country, or a slip of the pen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.config.values import zone_name
from service.config.zones import DEFAULT, suggestion
from tests.levels import table

MEANT = [
    ("Asia/Hanoi", "Asia/Ho_Chi_Minh"),
    ("Hà Nội", "Asia/Ho_Chi_Minh"),
    ("Vietnam", "Asia/Ho_Chi_Minh"),
    ("Việt Nam", "Asia/Ho_Chi_Minh"),
    ("VN", "Asia/Ho_Chi_Minh"),
    ("asia/ho chi minh", "Asia/Ho_Chi_Minh"),
    ("Europe/Berln", "Europe/Berlin"),
    ("Berlin", "Europe/Berlin"),
    ("Germany", "Europe/Berlin"),
    ("USA", "America/New_York"),
    ("Russia", "Europe/Moscow"),
    ("Thailand", "Asia/Bangkok"),
    ("xyzzy", DEFAULT),
    ("", DEFAULT),
]


@table(("written", "meant"), MEANT)
def test_the_zone_that_was_meant(written, meant):
    assert suggestion(written) == meant


@given(st.text(max_size=40))
def test_whatever_is_written_the_suggestion_is_a_zone(written):
    assert zone_name(suggestion(written))
