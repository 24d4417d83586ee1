"""The key of an entry within its source, as `article_key` holds it."""

from __future__ import annotations

_PREFIX = "entry:"


def source_key(source: str, entry_key: str) -> str:
    """The key by which an entry leads to its article, whatever its address."""
    return f"{_PREFIX}{source}:{entry_key}"
