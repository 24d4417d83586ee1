"""How much a run tries, and in which order.

- `make quick`, which an edit waits for: rooms without processes, browsers and PostgreSQL.
- `make test`: everything, what waits for processes first; of what has very many cases, or stands on
  both databases, a sample of them.
- `make soak`: all cases of these, what is marked `soak`, and hypothesis with all its examples.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from hashlib import blake2b
from inspect import signature
from itertools import groupby
from typing import Any, TypeVar

import pytest

Case = TypeVar("Case")
Check = TypeVar("Check", bound=Callable[..., None])


WHOLE = bool(os.environ.get("BANTIN_TEST_WHOLE"))
"""Every case is tried."""

EXAMPLES = 100 if WHOLE else 10
"""Which hypothesis makes for a test that does not say how many."""

QUICK_ROOMS = {
    "text", "parse", "config", "store", "render", "curate", "publish", "audience", "newsletter",
    "report",
}  # fmt: skip

LEAVE_OUT = ("sampled", "large", "processes", "postgres", "browser")
"""Markers of what is not quick, in any room; what reads the corpus is not quick either."""


def sample(cases: Iterable[Case], one_in: int, name: Callable[[Case], str] = str) -> list[Case]:
    """One of so many cases, or all of them where WHOLE.

    A hash of the name chooses: the same ones in each run, whichever others come or go.
    """
    every = list(cases)
    taken = [one for one in every if WHOLE or _number(name(one)) % one_in == 0]
    return taken or every[:1]


def each(cases: Sequence[Case], of: str) -> Sequence[Case]:
    """All cases of this kind; in a sample one of them, another one for another kind."""
    return cases if WHOLE or not cases else [cases[_number(of) % len(cases)]]


def table(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Check], Check]:
    """As pytest.mark.parametrize, but all cases are one test.

    For tables of dozens of values alone, since an id costs each worker more than such a case; and
    for questions that leave nothing behind, since a site that is made anew costs more than to ask
    it: they are all asked of one. All that are wrong are named, with what they said.
    """
    named = (names,) if isinstance(names, str) else names

    def of(check: Check) -> Check:
        @wraps(check)
        def all_of_them(*own: object, **fixtures: object) -> None:
            wrong = []
            for case in cases:
                values = (case,) if isinstance(names, str) else case
                try:
                    check(*own, **fixtures, **dict(zip(named, values, strict=True)))
                except (AssertionError, pytest.fail.Exception) as error:
                    wrong.append(f"{values!r}: {error}")
                except Exception as error:
                    error.add_note(f"with {values!r}")
                    raise
            assert not wrong, "\n\n".join(wrong)

        del all_of_them.__wrapped__  # or pytest would look for fixtures of these names
        whole = signature(check)
        assert set(named) <= set(whole.parameters)
        left = [one for name, one in whole.parameters.items() if name not in named]
        all_of_them.__signature__ = whole.replace(parameters=left)  # type: ignore[attr-defined]
        return all_of_them  # type: ignore[return-value]

    return of


def some(every: int, sampled: int) -> int:
    """How many, where cases are numbered or random."""
    return every if WHOLE else sampled


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode()).digest())


def left_to_soak(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Those that a sample leaves out: marked `soak`, and a part of the tests on both databases.

    All SQL stands in `store`, whose tests run on both, and so does what races (`both_engines`).
    Above it a database shows only in what the store tells: all else is tried on SQLite, and one in
    twelve on PostgreSQL besides. What PostgreSQL alone promises has tests of its own.
    """
    pairs: dict[tuple[str, ...], dict[str, pytest.Item]] = {}
    wholly: list[pytest.Item] = []
    for item in items:
        if item.get_closest_marker("soak"):
            wholly.append(item)
            continue
        engine, case = _engine(item)
        if engine and not item.get_closest_marker("both_engines") and not _is_in(item, "store"):
            pairs.setdefault(case, {})[engine] = item
    both = {case: pair for case, pair in pairs.items() if len(pair) == 2}
    return [*wholly, *(item for case, pair in both.items() for item in _left_out(case, pair))]


def _engine(item: pytest.Item) -> tuple[str, tuple[str, ...]]:
    """The database that a case is for, "" if it is for none, and the case without it."""
    words = item.nodeid.partition("[")[2].removesuffix("]").split("-")
    engine = next((one for one in words if one in ("sqlite", "postgres")), "")
    return engine, (item.nodeid.partition("[")[0], *(one for one in words if one != engine))


def _left_out(case: tuple[str, ...], pair: dict[str, pytest.Item]) -> list[pytest.Item]:
    return [pair["postgres"]] if _number("-".join(case)) % 12 else []


def _is_in(item: pytest.Item, room: str) -> bool:
    return _room(item) == room


def _room(item: pytest.Item) -> str:
    return item.nodeid.split("/")[1]


def is_quick(item: pytest.Item) -> bool:
    """Whether an edit waits for this test."""
    if _room(item) not in QUICK_ROOMS:
        return False
    marked = {one.name for one in item.iter_markers()}
    return marked.isdisjoint(LEAVE_OUT) and "corpus" not in getattr(item, "fixturenames", ())


def ordered(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Quick ones first and the attacks on the whole service last; as written within each.

    The other way round in the share of each of several workers, since attacks wait for most of
    their time: at the end there would be nothing else left to do meanwhile.
    """
    if workers < 2:
        return sorted(items, key=_rank)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    # As many each as `--dist worksteal` cuts off for them.
    room = [(len(items) + worker) // workers for worker in range(workers)]
    ranked = sorted(items, key=_rank, reverse=True)
    for _, module in groupby(ranked, key=_together):
        left = list(module)
        while left:
            to = max(range(workers), key=lambda worker: room[worker])
            fits = left[: room[to]]
            shares[to] += fits
            room[to] -= len(fits)
            del left[: len(fits)]
    return [item for share in shares for item in share]


def _together(item: pytest.Item) -> str:
    """What one worker does: a module; all that needs a browser, of which one is started; all that
    trains, for which libraries are loaded that take longer than to learn.
    """
    if _is_in(item, "browser"):
        return "browser"
    module = item.nodeid.partition("::")[0]
    return "learned" if module.startswith("tests/curate/learned/") else module


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("quick"):
        return 0
    return 2 if _is_in(item, "contract") else 1
