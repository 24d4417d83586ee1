"""Loaded by the fork server of the crash matrix, which has then done once what its processes do.

Templates and SQL are compiled by then; each of them took as long as all else that it does.
"""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.contract.plug import Case, serve_once
from tests.contract.test_crash_matrix import NOW, prepare

with tempfile.TemporaryDirectory() as folder:
    url = f"sqlite:///{folder}/bantin.db"
    store = Store(url)
    migrate(store)
    store.close()
    prepare(url, Path(folder))
    serve_once(Case(url, Path(folder), NOW, "nobody", None))
gc.freeze()
