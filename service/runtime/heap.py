"""How the service's process holds its memory: settled at its start, given back now and then."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from functools import cache

_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's malloc.h."""

_ARENAS = 2


def settle() -> None:
    """What is loaded by now stays: the collector of garbage need not walk over it all the time.

    A pass makes many objects and hardly any garbage, for which a twelfth of its time went. And its
    threads, which come and go, share two arenas: left alone the C library gives each its own, and
    of each keeps what it once held.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    _ask_malloc("mallopt", _ARENA_MAX, _ARENAS)
    give_back()


def give_back() -> None:
    """Let the system have what lies unused, as half of what loading 10,000 sources takes.

    Some milliseconds, in which nobody else gets memory.
    """
    _ask_malloc("malloc_trim", 0)


def _ask_malloc(name: str, *numbers: int) -> None:
    """Only where the C library has it."""
    function = _of_the_c_library(name)
    if function is not None:
        function(*numbers)


@cache
def _of_the_c_library(name: str) -> Callable[..., int] | None:
    """Once: each look makes a class, which only the collector of garbage takes away."""
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return found
