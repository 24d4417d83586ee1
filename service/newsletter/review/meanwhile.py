"""What stands in a field where two editors wrote at one time. Pure.

A form has all words of the page, also those that its editor left alone. Of who came too late these
must not undo what another wrote meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.model import ReviewAct
from service.store.reviews.reviews import PastAct
from service.text.typed import normal


@dataclass(frozen=True, slots=True)
class FieldWords:
    """`shown`: what stands in the field. `own`: what its editor has written there, "" = nothing.

    `theirs`: what another one wrote meanwhile and `shown` would take the place of, "" = nothing.
    """

    shown: str
    own: str = ""
    theirs: str = ""


@dataclass(frozen=True, slots=True)
class WrittenThen:
    """The words of an edition as an earlier version had them. `notes`: story id -> its note."""

    opening: str = ""
    notes: Mapping[int, str] = field(default_factory=dict)


def then(acts: Sequence[PastAct], version: int) -> WrittenThen:
    """`acts`: of the edition, the oldest first. All of its words were written by one of them."""
    opening, notes = "", {}
    for one in acts:
        if one.version > version:
            break
        if one.act is ReviewAct.OPENING:
            opening = one.detail or ""
        elif one.act is ReviewAct.NOTE and one.story_id is not None:
            notes[one.story_id] = one.detail or ""
    return WrittenThen(opening, notes)


def beside(before: str, sent: str | None, now: str) -> FieldWords:
    """`before`: what the page showed that was sent; `sent` None: the field was not there."""
    if sent is None or normal(sent) in (before, now):
        return FieldWords(now)
    return FieldWords(sent, own=sent, theirs=now if now != before else "")
