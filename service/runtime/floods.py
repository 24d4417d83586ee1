"""One log line a minute for one cause: what happens a thousand times is told once, with its number.

An attacker, or a full disk, must not be able to fill the disk with what we say about it.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

SPAN_S = 60.0

CAUSES_KEPT = 1000
"""Causes that are remembered; of more, the oldest is told again."""

_CHANGING = frozenset({"timestamp", "exception", "level", "trace", "_record", "_from_structlog"})
"""Fields of a structured line that do not make it another cause."""


@dataclass
class _Cause:
    told_at: float
    more: int = 0


class OncePerSpan(logging.Filter):
    """Lets the first warning or error of each cause through, then one every SPAN_S seconds.

    A cause is the line's text with its fields and the kind of its exception; of a library's line,
    the text before values are put in, since these are often a stranger's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._causes: OrderedDict[Hashable, _Cause] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        key, now = _key(record), self._clock()
        known = self._causes.get(key)
        if known is not None and now - known.told_at < SPAN_S:
            known.more += 1
            return False
        if known is not None and known.more:
            _add_number(record, known.more)
        self._causes[key] = _Cause(now)
        self._causes.move_to_end(key)
        if len(self._causes) > CAUSES_KEPT:
            self._causes.popitem(last=False)
        return True


def _key(record: logging.LogRecord) -> Hashable:
    if isinstance(record.msg, dict):  # of structlog, on its way to the formatter
        fields = sorted(
            (name, repr(value)) for name, value in record.msg.items() if name not in _CHANGING
        )
        trace = str(record.msg.get("exception", "")).rstrip()
        return record.name, tuple(fields), trace.rpartition("\n")[2]
    kind = record.exc_info[0] if record.exc_info else None
    return record.name, str(record.msg).partition("\n")[0], kind


def _add_number(record: logging.LogRecord, more: int) -> None:
    if isinstance(record.msg, dict):
        record.msg["more_since"] = more
        return
    record.msg = f"{record.getMessage()} (and {more} more since the last such line)"
    record.args = ()
