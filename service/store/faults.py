"""Judges `[store]`: a database whose driver is not installed."""

from __future__ import annotations

from importlib.util import find_spec

from service.config.schema import Settings
from service.errors import Finding

DRIVER = "psycopg"


def faults(settings: Settings) -> list[Finding]:
    """The service would fail at its first statement; `check` says so beforehand."""
    if settings.store.url.startswith("sqlite:") or find_spec(DRIVER) is not None:
        return []
    problem = "PostgreSQL needs its driver, which is not installed"
    return [(("store", "url"), problem, "install the extra: pip install 'bantin[postgres]'")]
