"""What a store is asked."""

from __future__ import annotations

from contextlib import contextmanager

from sqlalchemy import event


@contextmanager
def statements(store):
    """The questions of all that read, in order."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    event.listen(store._readers, "before_cursor_execute", note)
    yield seen
    event.remove(store._readers, "before_cursor_execute", note)


@contextmanager
def written(store, engine=None):
    """All statements of those who write, in order; one for many rows counts once.

    `engine`: of another one than that for ordinary writes.
    """
    engine = engine or store._engine
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
