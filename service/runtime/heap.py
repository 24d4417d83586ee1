"""How the service's process holds its memory: set once, when all is loaded and before any job."""

from __future__ import annotations

import ctypes
import gc

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
    _share_arenas()


def _share_arenas() -> None:
    """Only where the C library knows how to."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, _ARENAS)
