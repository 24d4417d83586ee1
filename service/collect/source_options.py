"""What the configuration says of one source, as the values that parsing and admitting take."""

from __future__ import annotations

from service.config.schema import Site, Source
from service.curate.listed import Visits
from service.curate.prepare import Told
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions, Selectors

FIRST, MOST = 50, 1000
"""Entries of one document whose pages are read: of what was there at first, and later."""


def reading_of(source: Source, site: Site) -> ParseOptions:
    """What the TOML says about one source; its zone is the site's where it names none."""
    dates = source.dates
    page = source.page
    return ParseOptions(
        kind=source.kind,
        selectors=Selectors(**page.model_dump()) if page else None,
        zone=(dates.zone if dates else None) or site.timezone or "UTC",
        order=dates.order if dates else None,
        language=source.language,
        full=source.full_text,
    )


def visits_of(source: Source, *, first: bool) -> Visits | None:
    """Whose pages are read besides; None: nobody's. `first`: it has never been collected."""
    is_feed = KINDS[source.kind].is_feed
    lacking = not is_feed if source.article_pages is None else source.article_pages
    if not (source.full_text or lacking):
        return None
    return Visits(source.full_text, dates_count=is_feed, most=FIRST if first else MOST)


def told_of(row_id: int, name: str, source: Source, *, first: bool) -> Told:
    """What the TOML says of a source to those who make its entries ready. `first`: as above."""
    title, visits = source.title or None, visits_of(source, first=first)
    return Told(row_id, name, title, source.language, source.topics, visits)
