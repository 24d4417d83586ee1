"""What became of an edition: its mails by what happened to them, who left, how late it was.

Answered from rows alone, without tracking (service.store.mailing.edition_numbers). The parts of
`planned` are what PARTS says: each mail is in one of them, so their sum is all that were planned.
What happens after a relay took a mail is counted beside them, in AFTERWARDS.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.model import DeliveryState
from service.newsletter.layout import from_json
from service.publish import editions as published
from service.report.lateness import Lateness, lateness
from service.store.content import page_queries
from service.store.content.page_queries import PublishedEdition
from service.store.core.database import Connection
from service.store.mailing import edition_numbers
from service.store.mailing.edition_numbers import ShownArticle

_S = DeliveryState
PARTS: Mapping[str, frozenset[DeliveryState]] = {
    "waiting": frozenset({_S.PLANNED, _S.CLAIMED, _S.SENDING}),
    "accepted": frozenset({_S.ACCEPTED}),
    "deferred": frozenset({_S.DEFERRED}),
    "rejected": frozenset({_S.REJECTED}),
    "uncertain": frozenset({_S.UNCERTAIN}),
    "suppressed": frozenset({_S.SUPPRESSED}),
    "expired": frozenset({_S.EXPIRED}),
    "dropped": frozenset({_S.DROPPED}),
}
"""Of the mails that were planned: name -> the states in which they stand."""

Counting = Callable[[Connection, Sequence[int]], Mapping[int, int]]

AFTERWARDS: Mapping[str, Counting] = {
    "returned": edition_numbers.returned,
    "complained": edition_numbers.complained,
    "left": edition_numbers.left,
}
"""What came of mails that a relay took: name -> how many for each of some editions (absent: none).
One mail may be in several."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How late news was: medians in seconds, None where nothing tells.

    `collected_s`: from the outlet's publication to our first sight. `mailed_s`: from there to the
    first mail that a relay took, `all_mailed_s` to the last one of this edition.
    """

    collected_s: int | None
    mailed_s: int | None
    all_mailed_s: int | None


@dataclass(frozen=True, slots=True)
class TopicDelays:
    """A topic of the edition, with how many of its stories were frozen there."""

    topic: str
    stories: int
    delays: Delays


@dataclass(frozen=True, slots=True)
class EditionReport:
    """The numbers of one edition. `planned`: its mails. `parts` and `afterwards`: name -> mails.

    `delays`: of all its stories; `topics`: the same by topic, those with the most stories first.
    """

    edition: PublishedEdition
    stories: int
    planned: int
    parts: Mapping[str, int]
    afterwards: Mapping[str, int]
    delays: Delays
    topics: tuple[TopicDelays, ...]


def of_digest(
    connection: Connection, digest: str, *, limit: int | None = None, cut_at: datetime | None = None
) -> list[EditionReport]:
    """The newest editions of a digest, of all cadences; `cut_at`: those of this cut alone."""
    found = page_queries.editions(
        connection, digest, listed=False, hidden=True, cut_at=cut_at, limit=limit
    )
    return _reports(connection, found)


def one(connection: Connection, digest: str, name: str) -> EditionReport | None:
    """That of the edition whose page is, or will be, `/editions/DIGEST/NAME/`; None: none."""
    found = published.find(connection, digest, name, hidden=True)
    return None if found is None else _reports(connection, [found])[0]


def _reports(connection: Connection, editions: Sequence[PublishedEdition]) -> list[EditionReport]:
    ids = [edition.id for edition in editions]
    states = edition_numbers.by_state(connection, ids)
    after = {name: count(connection, ids) for name, count in AFTERWARDS.items()}
    sizes = page_queries.sizes(connection, ids)
    shown = edition_numbers.shown(connection, ids)
    accepted = _accepted(connection, ids)
    return [
        EditionReport(
            edition=edition,
            stories=sizes[edition.id],
            planned=sum(states[edition.id].values()),
            parts={
                name: sum(states[edition.id].get(state, 0) for state in part)
                for name, part in PARTS.items()
            },
            afterwards={name: counts.get(edition.id, 0) for name, counts in after.items()},
            delays=_delays(shown[edition.id], accepted[edition.id]),
            topics=_by_topic(shown[edition.id], accepted[edition.id]),
        )
        for edition in editions
    ]


_Taken = dict[int, tuple[datetime, datetime]]
"""Story -> when a relay took the first and the last mail that shows it."""


def _accepted(connection: Connection, editions: Sequence[int]) -> dict[int, _Taken]:
    found: dict[int, _Taken] = defaultdict(dict)
    for segment in edition_numbers.accepted(connection, editions):
        taken = found[segment.edition_id]
        for story in from_json(segment.stories).stories:
            first, last = taken.get(story, (segment.first_at, segment.last_at))
            taken[story] = min(first, segment.first_at), max(last, segment.last_at)
    return found


def _by_topic(shown: Iterable[ShownArticle], taken: _Taken) -> tuple[TopicDelays, ...]:
    inside: dict[str, list[ShownArticle]] = defaultdict(list)
    for story in shown:
        for topic in story.topics:
            inside[topic].append(story)
    told = [TopicDelays(name, len(some), _delays(some, taken)) for name, some in inside.items()]
    return tuple(sorted(told, key=lambda topic: (-topic.stories, topic.topic)))


def _delays(shown: Iterable[ShownArticle], taken: _Taken) -> Delays:
    rows = [(story, *taken.get(story.story_id, (None, None))) for story in shown]
    first = _lateness((story, at) for story, at, _ in rows)
    last = _lateness((story, at) for story, _, at in rows)
    return Delays(first.collected_s, first.mailed_s, last.mailed_s)


def _lateness(rows: Iterable[tuple[ShownArticle, datetime | None]]) -> Lateness:
    return lateness([(story.published_at, story.first_seen_at, at) for story, at in rows])


# -- for programs -------------------------------------------------------------------------------


def as_json(report: EditionReport) -> dict[str, object]:
    """The numbers of one edition, a shape that scripts rely on. Instants are ISO 8601 in UTC."""
    return {
        **_line(report),
        "topics": [
            {"id": topic.topic, "stories": topic.stories, **_seconds(topic.delays)}
            for topic in report.topics
        ],
    }


def as_csv(reports: Iterable[EditionReport]) -> str:
    """A line for each edition, with the heads of `as_json`; RFC 4180."""
    return _csv([_line(report) for report in reports], list(_HEADS))


def topics_as_csv(reports: Iterable[EditionReport]) -> str:
    """A line for each topic of each edition: how late its news was."""
    lines = [
        {**_key(report), "topic": topic.topic, "stories": topic.stories, **_seconds(topic.delays)}
        for report in reports
        for topic in report.topics
    ]
    return _csv(lines, [*_KEY, "topic", "stories", *_SECONDS])


_KEY = ("digest", "cadence", "cut_at")
_SECONDS = ("collected_s", "mailed_s", "all_mailed_s")
_HEADS = (*_KEY, "listed", "stories", "planned", *PARTS, *AFTERWARDS, *_SECONDS)


def _line(report: EditionReport) -> dict[str, object]:
    return {
        **_key(report),
        "listed": report.edition.listed,
        "stories": report.stories,
        "planned": report.planned,
        **report.parts,
        **report.afterwards,
        **_seconds(report.delays),
    }


def _key(report: EditionReport) -> dict[str, object]:
    edition = report.edition
    return {
        "digest": edition.digest,
        "cadence": edition.cadence,
        "cut_at": edition.cut_at.isoformat(),
    }


def _seconds(delays: Delays) -> dict[str, object]:
    return {name: getattr(delays, name) for name in _SECONDS}


def _csv(lines: Iterable[Mapping[str, object]], heads: Sequence[str]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, heads)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in line.items()} for line in lines)
    return written.getvalue()


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
