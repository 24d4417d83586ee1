"""What was deleted is gone from the files as well.

SQLite: `secure_delete` writes zeros over what is deleted, but pages that were split keep copies of
rows that have moved, and the log keeps every page as it was. So the log is carried over and cut,
then the file itself is searched; where the words still stand, VACUUM writes it anew.

PostgreSQL: rows that were changed stay in their pages until VACUUM makes room of them, and their
bytes until that room is used again; only VACUUM FULL writes a table anew. Its log (WAL) and backups
are its administrator's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from service.store.core.database import Store, errors_as_ours
from service.store.core.file_search import stands_in

_TABLES = ("subscriber", "subscription", "delivery", "attempt", "suppression")

PATIENCE_S = 10.0
"""How long to wait for readers that hold the log; a page takes milliseconds."""

_PAUSE_S = 0.1


def erase(store: Store, words: Sequence[str]) -> bool:
    """Make sure that none of these words stands in the database's files, in whatever case.

    Call it when the rows are changed. False: somebody else is still reading or writing, and the log
    could not be cut; call it again.
    """
    if store.path is None:
        with errors_as_ours(), store.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text(f"VACUUM {', '.join(_TABLES)}"))
        return True
    with store.alone() as driver:
        _cut_log(driver)
        if stands_in(store.path, words):
            driver.execute("VACUUM")
            _cut_log(driver)
    log = store.path.with_name(store.path.name + "-wal")
    return not (stands_in(store.path, words) or stands_in(log, words))


def rewrite(store: Store) -> bool:
    """The same whatever the words were: nobody remembers them. It writes the file anew.

    False: the log could not be cut; call it again.
    """
    if store.path is None:
        return erase(store, ())
    with store.alone() as driver:
        _cut_log(driver)
        driver.execute("VACUUM")
        _cut_log(driver)
    log = store.path.with_name(store.path.name + "-wal")
    return not log.exists() or log.stat().st_size == 0


def _cut_log(driver: Any) -> None:
    """Carry the log over into the file and make it empty, as soon as nobody reads it."""
    give_up = time.monotonic() + PATIENCE_S
    while driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > give_up:
            return
        time.sleep(_PAUSE_S)
