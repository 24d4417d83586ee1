"""What a worker brings back of one body: the document, and its entries ready to be admitted.

Runs in a process of its own that has no store, no network and no configuration; all that it needs
comes with the job.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from service.collect.workers.article_page_task import complete
from service.collect.workers.task import EntryOptions, ParseResult, ParseTask
from service.curate import rules
from service.curate.listed import unpack
from service.curate.prepare import prepare, prepare_listed
from service.curate.rules import Matcher
from service.model import Document, Entry, SourceKind
from service.parse.compressed import unpacked
from service.parse.entry_limits import bounded
from service.parse.incremental import decide, snapshot
from service.parse.incremental.levels import ParseLevel
from service.parse.incremental.snapshot import Entries, Slices

MOST_REMEMBERED = 5000
"""Entries. Of a longer document nothing is remembered: it is read whole, and compared in the
store."""


def bring(job: ParseTask) -> ParseResult:
    """Read a body as little as needed. Raises ParseError with a reason in plain words."""
    job = _unpacked(job)
    entry_options = job.entry_options
    if entry_options is not None and job.listed is not None:
        return _article(job, unpack(job.listed), entry_options)
    on = snapshot.basis(job.reading.fingerprint, job.url)
    before = snapshot.unpacked(entry_options.before if entry_options else None, on)
    parsed = decide.glean(
        job.body,
        job.headers,
        job.url,
        job.reading,
        job.now,
        before if isinstance(before, Slices) else None,
    )
    is_sitemap = job.reading.kind is SourceKind.SITEMAP  # it has its own bound, and no order
    if not is_sitemap:
        parsed = replace(parsed, document=bounded(parsed.document))
    if entry_options is None:
        return ParseResult(parsed.document, parsed.listed, parsed.level)
    known = before.hashes if isinstance(before, Entries) else frozenset[bytes]()
    made, hashes = prepare(
        parsed.document, entry_options.told, _matcher(entry_options.rules), known
    )
    kept = snapshot.packed(parsed.slices or Entries(hashes), on)
    return ParseResult(
        replace(parsed.document, entries=()),
        parsed.listed,
        parsed.level,
        tuple(made),
        kept if parsed.listed <= MOST_REMEMBERED or is_sitemap else None,
    )


def _unpacked(job: ParseTask) -> ParseTask:
    """A sitemap has its own bound. What is larger than any body may be is cut off, and repaired."""
    if job.reading.kind is SourceKind.SITEMAP:
        return job
    plain, _ = unpacked(job.body)
    return job if plain is job.body else replace(job, body=plain)


def _article(job: ParseTask, listed: Entry, entry_options: EntryOptions) -> ParseResult:
    """One entry, made whole by its page."""
    whole = complete(job, listed) if job.body else listed
    made = prepare_listed(listed, whole, entry_options.told, _matcher(entry_options.rules))
    return ParseResult(Document("", None, None, ()), 1, ParseLevel.WHOLE, (made,))


@lru_cache(maxsize=2)
def _matcher(packed: bytes) -> Matcher:
    return rules.unpacked(packed)
