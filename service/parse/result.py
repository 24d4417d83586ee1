"""What a document says, how far down it had to be taken for that, and what to remember of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from service.model import Document

Made = TypeVar("Made")


class ParseLevel(StrEnum):
    """One parse level, cheapest first (see `incremental.decide`); its count in `bantin status`."""

    NOT_MODIFIED = "304"
    BODY = "body"
    SLICES = "slices"
    PART = "part"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class ParseResult(Generic[Made]):
    """A document, with the entries that had to be read. `listed`: how many it has in all.

    `memory`: what to remember for the next time (`incremental.snapshot`), None = nothing.
    `made`: what a worker has made of the entries, which stay with it: the document has none then.
    """

    document: Document
    listed: int
    level: ParseLevel
    memory: bytes | None = None
    made: tuple[Made, ...] = ()
