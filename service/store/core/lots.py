"""Many values in one statement, as lists for its IN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

MOST = 5000
"""Values in one list: under the limit of bound values of both databases."""

Value = TypeVar("Value")


def lots(values: Iterable[Value], most: int = MOST) -> Iterator[list[Value]]:
    """The values in lists of 1, 2, 4, 8 … of them, the last value repeated to fill its list.

    A statement is another one for each length of its list, and SQLite keeps 128 of them prepared
    on every connection: left as long as they come, they filled 20 MB and were hardly used again.
    """
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), most):
        some = distinct[start : start + most]
        length = min(most, 1 << (len(some) - 1).bit_length())
        yield some + some[-1:] * (length - len(some))
