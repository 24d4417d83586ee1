"""Writing what was planned, one batch after the other, beside whoever plans the next one.

PostgreSQL is another process: it writes while this one decides and lays out. SQLite is this process
itself, and lets whoever asks first go first for each row: there a batch is written at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

from service.store.core.database import Store

Result = TypeVar("Result")


class BeginWriting(Protocol):
    """Begins to write; what it gives waits for the end, and raises what the writing raised."""

    def __call__(self, write: Callable[[], Result], /) -> Callable[[], Result]: ...


@contextmanager
def writer(store: Store) -> Iterator[BeginWriting]:
    """At its end all that was begun is written. Wait for one before the next is begun."""
    if store.is_sqlite:
        yield _at_once
        return
    with ThreadPoolExecutor(1, "planning") as thread:

        def beside(write: Callable[[], Result]) -> Callable[[], Result]:
            return thread.submit(write).result

        yield beside


def _at_once(write: Callable[[], Result]) -> Callable[[], Result]:
    written = write()
    return lambda: written
