"""What the template of the admin page is given: the state, told in the site's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from service.mail.relays import OUTBOX
from service.newsletter.rules import PutOff
from service.render import dates
from service.render.addresses import report_page
from service.render.engine import Renderer
from service.report import hubs
from service.report.health import Health
from service.report.lateness import Lateness
from service.report.sentence import Sentence, SentenceWriter, counted
from service.report.standing import TROUBLE, advice, reason, state
from service.report.status import Status, put_off
from service.store.mailing.relays.relay_states import RelayState
from service.store.status_counts import DigestRow, EditionRow, SourceRow, TopicRow

_COMMAND = re.compile(r"`([^`]+)`")
_NAMED_CADENCES = frozenset(
    {"immediate", "hourly", "daily", "weekly", "monthly", "quarterly", "half-yearly"}
)


@dataclass(frozen=True, slots=True)
class SourceView:
    """`state`: the key of its word; `why`: what is to be known of it, "" = nothing."""

    title: str
    state: str
    why: str
    last_ok_at: datetime | None
    next_poll_at: datetime
    entries: int
    refused: int


@dataclass(frozen=True, slots=True)
class EditionSummary:
    """`title` of its digest; `cadence`: the key of its word; `error`: the template's own words.

    `page`: the path of its numbers. `review`: how its review stands, "" = it is not under review.
    """

    title: str
    cadence: str
    cut_at: datetime
    stories: int
    error: str | None
    page: str
    review: str = ""


@dataclass(frozen=True, slots=True)
class AdminView:
    """The whole page. `late`: what is late or broken; `deliveries`: state and number.

    `returned`: kind and number of what came back within a week.
    `fine`: everything is running. `relays`: the mail servers that were ever offered a message, and
    the outbox if it takes none. `digests`: each with when its next mail would have come, but for
    days off and quiet times (None: it does not wait).

    Sources in trouble stand first, the worst before the others.
    """

    now: datetime
    fine: bool
    late: tuple[str, ...]
    relays: tuple[RelayState, ...]
    sources: tuple[SourceView, ...]
    topics: tuple[tuple[TopicRow, Lateness], ...]
    digests: tuple[tuple[DigestRow, PutOff | None], ...]
    editions: tuple[EditionSummary, ...]
    deliveries: tuple[tuple[str, int], ...]
    returned: tuple[tuple[str, int], ...]


def teller(
    renderer: Renderer, zone: str, titles: Mapping[str, str], found: Status
) -> SentenceWriter:
    """Tells in the site's language, with its hours and the outlets' names.

    `titles`: those that the configuration gives; the others are the sources' own.
    """
    words = renderer.words(renderer.site.language)
    names = {one.name: one.title or one.name for one in found.sources} | dict(titles)
    return SentenceWriter(words, lambda at: dates.moment(at, zone, words), names)


def admin_view(found: Status, health: Health, teller: SentenceWriter) -> AdminView:
    """Everything that the page shows."""
    digests = {one.name: one.title for one in found.digests}
    return AdminView(
        now=found.now,
        fine=health.fine,
        late=tuple(marked(teller, one) for one in _late(found, health)),
        relays=tuple(
            # A folder that takes its mails is not a mail server; one that does not is a trouble.
            one
            for one in found.mailing.relays
            if one.name != OUTBOX or one.failing_since
        ),
        sources=_sources(found, teller),
        topics=found.topics,
        digests=tuple((one, put_off(one)) for one in found.digests),
        editions=tuple(
            EditionSummary(
                title=digests.get(one.digest, one.digest),
                cadence=one.cadence if one.cadence in _NAMED_CADENCES else "cron",
                cut_at=one.cut_at,
                stories=one.stories,
                error=one.error,
                page=report_page(one.digest, one.cut_at, one.cadence, listed=one.listed),
                review=_reviewed(found, one, teller),
            )
            for one in found.editions
        ),
        deliveries=tuple(sorted(found.deliveries.items())),
        returned=tuple((kind, n) for kind, n in found.returned.items() if n),
    )


def _reviewed(found: Status, one: EditionRow, teller: SentenceWriter) -> str:
    standing = found.review_of(one)
    return "" if standing is None else "; ".join(map(teller.tell, standing.sentences))


def _late(found: Status, health: Health) -> list[Sentence]:
    """Sources are counted, for each stands with its reason at the top of its table."""
    sources = sum(state(one, found.now) in TROUBLE for one in found.sources)
    own = [one for one in health.late if one.key not in {"late.source", "late.more"}]
    told = [*(one.sentence for one in health.troubles), *own]
    return [*told, counted("admin.troubled", sources)] if sources else told


def _sources(found: Status, teller: SentenceWriter) -> tuple[SourceView, ...]:
    order = {kind: place for place, kind in enumerate(TROUBLE)}
    states = {one.name: state(one, found.now) for one in found.sources}
    ranked = sorted(found.sources, key=lambda one: order.get(states[one.name], len(order)))
    return tuple(_source(one, states[one.name], found.now, teller) for one in ranked)


def _source(row: SourceRow, kind: str, now: datetime, teller: SentenceWriter) -> SourceView:
    why = reason(row, now) or advice(row) or hubs.words(row.hub, now)
    return SourceView(
        title=teller.names[row.name],
        state=kind,
        why=marked(teller, why),
        last_ok_at=row.last_ok_at,
        next_poll_at=row.next_poll_at,
        entries=row.entries,
        refused=sum(row.refused.values()),
    )


def marked(teller: SentenceWriter, said: Sentence | str | None) -> Markup:
    """The sentence as HTML: commands as code, all else escaped."""
    text = str(escape(teller.tell(said)))
    return Markup(_COMMAND.sub(r"<code>\1</code>", text))  # noqa: S704 - escaped just above
