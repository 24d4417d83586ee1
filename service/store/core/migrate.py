"""Is the database at the declared schema? If not, it is brought there."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from socket import socket

from service.errors import BantinError
from service.store.core import facts
from service.store.core.database import Store, errors_as_ours
from service.store.core.revisions import OLDEST, UNFINISHED, newest, revision_of


def migrate(store: Store) -> None:
    """Apply the migrations that are missing. Raises StoreError, SchemaError among them.

    Those of a later version stay as they are, where it lets this one go on.

    A database that has them all is known by one row, without Alembic: importing that costs more
    than a whole command.
    """
    if may_go_on(store):
        return
    from service.store.core.upgrade import upgrade  # noqa: PLC0415 - see above

    upgrade(store)


def is_current(store: Store) -> bool:
    """Whether its tables are those of this version. Raises StoreError."""
    with errors_as_ours(), store.engine.connect() as connection:
        return revision_of(connection) == newest()


def may_go_on(store: Store) -> bool:
    """Whether its tables are those of this version, or of a later one on which it may work.

    A later version adds what this one does not know, and says in the store whom it left behind:
    while several machines are upgraded one by one, those of before may also be started again.
    Raises StoreError.
    """
    with errors_as_ours(), store.engine.connect() as connection:
        revision = revision_of(connection)
        if revision is None or revision in UNFINISHED or revision <= newest():
            return revision == newest()
        oldest = facts.get(connection, OLDEST)
        return oldest is not None and oldest <= newest()


def migrate_apart(url: str, listening: socket | None = None) -> None:
    """The same in a process of its own, which ends with it: what migrates takes 10 MB.

    For a start that is to run for months, before it has threads. Says nothing of what goes wrong:
    `migrate` comes after it, and meets that again. `listening`: what is the caller's alone.
    """
    process = multiprocessing.get_context("fork").Process(target=_migrate, args=(url, listening))
    process.start()
    process.join()


def _migrate(url: str, listening: socket | None) -> None:
    if listening is not None:
        # A start that is killed leaves this to end by itself, for minutes where there is much to
        # migrate; the next start would find its port taken.
        listening.close()
    with suppress(BantinError):
        store = Store(url)
        try:
            migrate(store)
        finally:
            store.close()
