"""Values for IN, in lists that a statement can take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.store.core.bulk import lots


@given(st.lists(st.integers(0, 50)), st.integers(1, 20))
def test_every_value_once_and_no_other(values, most):
    made = list(lots(values, most))
    assert [one for some in made for one in some] == list(dict.fromkeys(values))
    assert all(1 <= len(some) <= most for some in made)


def test_nothing_is_no_statement():
    assert list(lots([])) == []
