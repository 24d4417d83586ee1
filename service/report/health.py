"""`/readyz`: is the service ready, and what is late? Answered from rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from service.report import mailing
from service.report.mailing import NOTHING, Beside
from service.report.sentence import Sentence, SourceId, in_english, sentence
from service.report.standing import LATE_AFTER, TROUBLE, reason, state
from service.report.trouble import Trouble
from service.store import status_counts
from service.store.core.database import Connection

MOST_OF_A_KIND = 50
"""Sources in one state that are named; the others are counted. `bantin status` has them all."""


@dataclass(frozen=True, slots=True)
class Health:
    """`ready` is False while a part is not working; `troubles` and `late` say what is.

    `late`: editions and sources, a sentence each. `sources`: state -> how many that are told.
    """

    ready: bool
    late: tuple[Sentence, ...]
    troubles: tuple[Trouble, ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)

    @property
    def fine(self) -> bool:
        """Everything is running, and nothing has to be told."""
        return self.ready and not self.late and not self.troubles

    def lines(self) -> list[str]:
        """All that has to be told, in English, to who may know names; instants in UTC."""
        english = in_english()
        return [
            english.tell(one) for one in (*(each.sentence for each in self.troubles), *self.late)
        ]


def health(connection: Connection, now: datetime, beside: Beside = NOTHING) -> Health:
    """Failing sources are told but do not make the service unready: one bad part stops nothing."""
    told: dict[str, list[Sentence]] = {kind: [] for kind in TROUBLE}
    for source in status_counts.troubled(connection, now, now - LATE_AFTER):
        told[state(source, now)].append(
            sentence("late.source", source=SourceId(source.name), reason=reason(source, now))
        )
    broken, stuck = _broken(connection)
    _, troubles = mailing.reported(connection, now, beside)
    most_are_late = len(told["late"]) * 2 > status_counts.polled(connection, now) > 0
    ready = not (stuck or most_are_late or any(one.stops for one in troubles))
    lines = (line for kind in TROUBLE for line in _few(told[kind], kind))
    counts = {kind: len(those) for kind, those in told.items() if those}
    return Health(ready, (*broken, *lines), troubles, counts)


def _few(lines: list[Sentence], kind: str) -> list[Sentence]:
    """A probe every few seconds need not list thousands."""
    more = len(lines) - MOST_OF_A_KIND
    if more <= 0:
        return lines
    rest = sentence("late.more", n=more, state=sentence(f"admin.state.{kind}"))
    return [*lines[:MOST_OF_A_KIND], rest]


def _broken(connection: Connection) -> tuple[list[Sentence], bool]:
    """The editions that could not be rendered, and whether one of them still holds up its digest.

    Where a later one of the digest was planned, nobody may be left who waits for the broken one:
    its cadence has left the TOML. And where mails of it went, only some of its readers wait. Both
    are told, and make nothing unready.
    """
    told, stuck, going_on = [], False, set()
    for row in status_counts.editions(connection):  # the newest first
        if row.planned:
            going_on.add(row.digest)
        elif row.error:
            told.append(
                sentence("late.edition", digest=row.digest, cut=row.cut_at, error=row.error)
            )
            stuck = stuck or not (row.mailed or row.digest in going_on)
    return told, stuck
