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
from pathlib import Path
from typing import Any

from sqlalchemy import text

from service.errors import StoreError
from service.store.core import file_search
from service.store.core.database import Store, errors_as_ours

_TABLES = ("subscriber", "subscription", "delivery", "attempt", "suppression")

PATIENCE_S = 10.0
"""How long to wait for readers that hold the log; a page takes milliseconds."""

_PAUSE_S = 0.1


def erase(store: Store, words: Sequence[str]) -> bool:
    """Make sure that none of these words is left in the database's files, in whatever case.

    Call it when the rows are changed. What rows hold stands: `an@example.vn` is found in
    `lan@example.vn` too, and in an article that names it. False: somebody else is still reading or
    writing, and the log could not be cut; call it again. Raises StoreError, also where the files
    cannot be searched.
    """
    if store.path is None:
        with errors_as_ours(), store.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text(f"VACUUM {', '.join(_TABLES)}"))
        return True
    with store.alone() as driver:
        is_cut = _cut_log(driver)
        if _stands_in(store.path, words):
            driver.execute("VACUUM")  # now the file, or its log, has what rows hold and no more
            return _cut_log(driver)
    if is_cut:
        return True
    log = store.path.with_name(store.path.name + "-wal")
    return not (_stands_in(store.path, words) or _stands_in(log, words))


def rewrite(store: Store) -> bool:
    """The same whatever the words were: nobody remembers them. It writes the file anew.

    False: the log could not be cut; call it again. Raises StoreError: there is no room for a second
    file, or another process writes all the time.
    """
    if store.path is None:
        return erase(store, ())
    with store.alone() as driver:
        _cut_log(driver)
        driver.execute("VACUUM")
        return _cut_log(driver)  # its own answer: who writes a moment later fills the log again


def _stands_in(path: Path, words: Sequence[str]) -> bool:
    try:
        return file_search.stands_in(path, words)
    except OSError as error:
        raise StoreError(f"{path} cannot be searched: {error}") from error


def _cut_log(driver: Any) -> bool:
    """Carry the log over into the file and make it empty, as soon as nobody reads it.

    False: somebody reads it all the time.
    """
    give_up = time.monotonic() + PATIENCE_S
    while driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > give_up:
            return False
        time.sleep(_PAUSE_S)
    return True
