"""What travels to a worker and back: a body to be read, and what was in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.curate.prepare import Prepared, Told
from service.parse.options import ParseOptions
from service.parse.result import ParseResult


@dataclass(frozen=True, slots=True)
class EntryOptions:
    """What to make of the entries. `rules`: see `curate.rules.matcher.packed`.

    `before`: what is remembered of the last document of this source, None = nothing.
    """

    told: Told
    rules: bytes
    before: bytes | None = None


@dataclass(frozen=True, slots=True)
class ParseTask:
    """A body to be read. `entry_options` None: its entries are given as they were found.

    `suspect`: the last document of this source killed or hung its reader.
    """

    body: bytes
    headers: Mapping[str, str]
    url: str
    reading: ParseOptions
    now: datetime
    entry_options: EntryOptions | None = None
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class ArticlePageTask:
    """An entry that its own page completes; without one it is taken as its list told it.

    `listed`: the entry, packed by `curate.listed`.
    """

    page: ParseTask | None
    listed: bytes
    entry_options: EntryOptions


PreparedResult = ParseResult[Prepared]
"""`made`: what is new in the document, ready to be admitted."""
