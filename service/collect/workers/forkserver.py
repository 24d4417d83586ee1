"""Loaded once by the process that workers are forked from, before there is any.

What is loaded here is frozen: the garbage collector of a worker would write to every object of it,
and so make a copy of memory that all of them share.
"""

from __future__ import annotations

import gc

import pebble.pool.process

# To be there when workers begin: what they do, and what their tasks come with.
from service.collect.workers import article_page_task, parse_task, processes

__all__ = ["article_page_task", "parse_task", "pebble", "processes"]

gc.freeze()
