"""Many values in one statement, as lists for its IN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

MOST = 5000
"""Values in one list: under the limit of bound values of both databases."""

Value = TypeVar("Value")


def lots(values: Iterable[Value], most: int = MOST) -> Iterator[list[Value]]:
    """Each value once, in lists of `most` at the most."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), most):
        yield distinct[start : start + most]
