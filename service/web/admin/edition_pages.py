"""The page of an edition for the admin: what became of its mails, who left, how late its news was.

What `bantin digest report` says, with the same numbers to download as CSV.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.model import ReviewState
from service.publish import editions as published
from service.render.addresses import edition_name, report_page
from service.report import edition_report, reviews
from service.report.edition_report import Delays, EditionReport
from service.report.reviews import ReviewedAct
from service.store.content.page_queries import PublishedEdition
from service.store.reviews.reviews import of_edition
from service.web.admin.admin_pages import with_key
from service.web.answers import PRIVATE, error, page
from service.web.context import Context, context_of

MOST = 100
"""Editions in the CSV of a digest, the newest."""

_CSV = {**PRIVATE, "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class NumberView:
    """A row of the table. `key`: of its words, with KEY.about for what is counted."""

    key: str
    number: int


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic with how many stories the edition has there, and how late they were."""

    title: str
    stories: int
    delays: Delays


@dataclass(frozen=True, slots=True)
class EditionReportView:
    """The whole page. `edition`: its key; `page`: what readers see, a path.

    `page` "": not before its editors let it go. `planned`: all its mails; `parts`: the rows whose
    sum that is; `afterwards`: of those accepted. `acts`: what its editors did, the newest first.
    `csv`, `topics_csv`, `digest_csv`: paths of the downloads.
    """

    edition: PublishedEdition
    page: str
    stories: int
    planned: int
    parts: tuple[NumberView, ...]
    afterwards: tuple[NumberView, ...]
    delays: Delays
    topics: tuple[TopicView, ...]
    acts: tuple[ReviewedAct, ...]
    csv: str
    topics_csv: str
    digest_csv: str


@with_key
async def show(request: Request) -> Response:
    """`/admin/editions/DIGEST/NAME/`: by the name that its public page has."""
    context = context_of(request)
    found = await _one(request)
    if found is None:
        return error(request, 404)
    acts, shown = await asyncio.to_thread(_reviewed, context, found)
    return page(context, "admin_edition", report=_view(context, found, acts, shown=shown))


@with_key
async def numbers(request: Request) -> Response:
    """`/admin/editions/DIGEST/NAME/numbers.csv`: the numbers of this edition."""
    return await _download(request, edition_report.as_csv, "numbers")


@with_key
async def topics(request: Request) -> Response:
    """`/admin/editions/DIGEST/NAME/topics.csv`: how late its news was, by topic."""
    return await _download(request, edition_report.topics_as_csv, "topics")


@with_key
async def of_digest(request: Request) -> Response:
    """`/admin/editions/DIGEST/numbers.csv`: the numbers of its newest editions."""
    context, digest = context_of(request), request.path_params["digest"]

    def read() -> list[EditionReport]:
        with context.store.read() as connection:
            return edition_report.of_digest(connection, digest, limit=MOST)

    found = await asyncio.to_thread(read)
    if not found:
        return error(request, 404)
    return _file(edition_report.as_csv(found), f"{digest}.csv")


async def _one(request: Request) -> EditionReport | None:
    context, asked = context_of(request), request.path_params

    def read() -> EditionReport | None:
        with context.store.read() as connection:
            return edition_report.one(connection, asked["digest"], asked["name"])

    return await asyncio.to_thread(read)


def _reviewed(context: Context, found: EditionReport) -> tuple[list[ReviewedAct], bool]:
    """What its editors did, and whether readers see its page."""
    with context.store.read() as connection:
        review = of_edition(connection, found.edition.id)
        acts = reviews.history(connection, found.edition.id)
    return acts, review is None or review.state is ReviewState.GONE


async def _download(
    request: Request, written: Callable[[list[EditionReport]], str], what: str
) -> Response:
    found = await _one(request)
    if found is None:
        return error(request, 404)
    edition = found.edition
    name = edition_name(edition.cut_at, edition.cadence, listed=edition.listed)
    return _file(written([found]), f"{edition.digest}-{name}-{what}.csv")


def _file(text: str, name: str) -> Response:
    headers = {**_CSV, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _view(
    context: Context, found: EditionReport, acts: list[ReviewedAct], *, shown: bool
) -> EditionReportView:
    one = found.edition
    path = report_page(one.digest, one.cut_at, one.cadence, listed=one.listed)
    written = context.settings.topic
    return EditionReportView(
        edition=found.edition,
        page=published.path(found.edition) if shown else "",
        stories=found.stories,
        planned=found.planned,
        parts=tuple(NumberView(f"report.{name}", n) for name, n in found.parts.items()),
        afterwards=tuple(NumberView(f"report.{name}", n) for name, n in found.afterwards.items()),
        delays=found.delays,
        topics=tuple(
            TopicView(
                (one.topic in written and written[one.topic].title) or one.topic,
                one.stories,
                one.delays,
            )
            for one in found.topics
        ),
        acts=tuple(reversed(acts)),
        csv=f"{path}numbers.csv",
        topics_csv=f"{path}topics.csv",
        digest_csv=f"/admin/editions/{found.edition.digest}/numbers.csv",
    )


ROUTES = [
    Route("/admin/editions/{digest}/numbers.csv", of_digest),
    Route("/admin/editions/{digest}/{name}/", show),
    Route("/admin/editions/{digest}/{name}/numbers.csv", numbers),
    Route("/admin/editions/{digest}/{name}/topics.csv", topics),
]
