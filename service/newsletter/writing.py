"""Writing what was planned, one batch after the other, beside whoever plans the next one.

PostgreSQL is another process: it writes while this one decides and lays out. SQLite is this process
itself, and lets whoever asks first go first for each row: there a batch is written at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from service.store.core.database import Store

Result = TypeVar("Result")


class BeginWriting(Protocol):
    """Begins to write; what it gives waits for the end, and raises what the writing raised."""

    def __call__(self, write: Callable[[], Result], /) -> Callable[[], Result]: ...


@contextmanager
def writer(store: Store) -> Iterator[BeginWriting]:
    """One after the other, as they were begun; at its end all of them are written.

    What goes wrong in one is raised for those behind it as well, and nothing of them is written.
    """
    if store.is_sqlite:
        yield _at_once
        return
    with ThreadPoolExecutor(1, "planning") as thread:
        last: Future[Any] | None = None

        def beside(write: Callable[[], Result]) -> Callable[[], Result]:
            nonlocal last
            begun = thread.submit(_after, last, write)
            last = begun
            return begun.result

        yield beside


def _after(before: Future[Any] | None, write: Callable[[], Result]) -> Result:
    if before is not None:
        before.result()
    return write()


def _at_once(write: Callable[[], Result]) -> Callable[[], Result]:
    written = write()
    return lambda: written
