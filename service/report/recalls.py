"""What was taken back, by whose word, and who has been told so: from rows alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.render.addresses import story_page
from service.store.core.database import Connection
from service.store.recalled import articles, corrections, mails
from service.store.recalled.articles import Recall
from service.store.recalled.corrections import CorrectionCounts


@dataclass(frozen=True, slots=True)
class RecallReport:
    """A recall, in force or not. `readers`: who was told of the story, and is told of this."""

    recall: Recall
    readers: CorrectionCounts

    @property
    def page(self) -> str:
        return story_page(self.recall.public_id)


@dataclass(frozen=True, slots=True)
class RecallStatus:
    """The recalls in force, the newest first. `remaking`: segments that wait to be made anew."""

    recalls: tuple[RecallReport, ...] = ()
    remaking: int = 0


def of_story(connection: Connection, story_id: int) -> tuple[RecallReport, ...]:
    """All recalls of a story, the oldest first; a reprint's is that of what it prints again."""
    found = {one.id: one for one in articles.history(connection, [story_id])}
    said = articles.of_story(connection, story_id)
    if said is not None:
        found[said.id] = said
    return _reports(connection, [found[one] for one in sorted(found)])


def status(connection: Connection, now: datetime) -> RecallStatus:
    """What readers may still have to be told of. `now`: for how long that is."""
    found = articles.in_force(connection, now - corrections.TOLD_FOR)
    return RecallStatus(_reports(connection, found[::-1]), len(mails.stale(connection)))


def as_json(one: RecallReport) -> dict[str, object]:
    """The shape in which commands give it."""
    said = one.recall
    return {
        "id": said.id,
        "story": said.public_id,
        "title": said.title,
        "by": said.actor,
        "reason": said.reason,
        "recalled_at": said.recalled_at,
        "undone_by": said.undone_by,
        "undone_at": said.undone_at,
        "corrected": one.readers.told,
        "waiting": one.readers.waiting,
    }


def _reports(connection: Connection, found: Iterable[Recall]) -> tuple[RecallReport, ...]:
    every = list(found)
    counts = corrections.counts(connection, [one.id for one in every])
    return tuple(RecallReport(one, counts[one.id]) for one in every)
