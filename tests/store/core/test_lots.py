"""Values for IN, in lists of few lengths."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.store.core.lots import lots


@given(st.lists(st.integers(0, 50)), st.integers(1, 20))
def test_every_value_once_more_or_more_often_and_no_other(values, most):
    made = list(lots(values, most))
    assert list(dict.fromkeys(one for some in made for one in some)) == list(dict.fromkeys(values))
    for some in made:
        assert len(some) in {1, 2, 4, 8, 16, most}
        assert len(some) <= most


def test_nothing_is_no_statement():
    assert list(lots([])) == []
