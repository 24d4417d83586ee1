"""Memory that the C library holds without need goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""glibc has it. Looked up once: each look makes a class, which only the garbage collector takes."""


def give_back() -> None:
    """Give back what lies unused: some 3 % of the peak (docs/performance.md, "Fast paths").

    Takes some milliseconds, in which nobody else gets memory.
    """
    if _trim is not None:
        _trim(0)
