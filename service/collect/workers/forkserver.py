"""Loaded once by the process that workers are forked from, before there is any.

What is loaded here is frozen: the garbage collector of a worker would write to every object of it,
and so make a copy of memory that all of them share.
"""

from __future__ import annotations

import gc
import sys
from types import TracebackType

import pebble.pool.process

# To be there when workers begin: what they do, and what their tasks come with.
from service.collect.workers import article_page_task, parse_task, processes

__all__ = ["article_page_task", "parse_task", "pebble", "processes"]


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of a worker that could not begin, but not of one whose pool was stopped meanwhile.

    Such a one finds that the pool's locks or its pipe are gone. Whoever waits for a worker learns
    from its end; a stop waits for none.
    """
    if not issubclass(kind, (FileNotFoundError, EOFError)):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _say
gc.freeze()
