"""How far down a document had to be taken, cheapest first (see `decide`)."""

from __future__ import annotations

from enum import StrEnum


class ParseLevel(StrEnum):
    """One parse level; also the name of its count in `bantin status`."""

    NOT_MODIFIED = "304"
    BODY = "body"
    SLICES = "slices"
    PART = "part"
    WHOLE = "whole"
