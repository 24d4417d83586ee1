"""What a worker brings back of one body: the document, and its entries ready to be admitted.

Runs in a process of its own that has no store, no network and no configuration; all that it needs
comes with the job.
"""

from __future__ import annotations

from dataclasses import replace

from service.collect.workers.task import ParseTask, PreparedResult
from service.curate.prepare import prepare
from service.curate.rules import matcher
from service.parse.compressed import unpacked
from service.parse.entry_limits import bounded
from service.parse.incremental import decide, snapshot
from service.parse.kinds import KINDS

MOST_REMEMBERED = 5000
"""Entries. Of a longer document nothing is remembered: it is read whole, and compared in the
store."""


def bring(job: ParseTask) -> PreparedResult:
    """Read a body as little as needed. Raises ParseError with a reason in plain words."""
    job = _unpacked(job)
    options = job.entry_options
    before = options.before if options else None
    parsed: PreparedResult = decide.glean(
        job.body, job.headers, job.url, job.reading, job.now, before
    )
    bounds_itself = KINDS[job.reading.kind].bounds_itself
    if not bounds_itself:
        parsed = replace(parsed, document=bounded(parsed.document))
    if options is None:
        return parsed
    on = snapshot.basis(job.reading.fingerprint, job.url)
    known = snapshot.entries_in(before, on)
    made, hashes = prepare(parsed.document, options.told, matcher.unpacked(options.rules), known)
    memory = parsed.memory or snapshot.of_entries(hashes, on)
    return replace(
        parsed,
        document=replace(parsed.document, entries=()),
        made=tuple(made),
        memory=memory if parsed.listed <= MOST_REMEMBERED or bounds_itself else None,
    )


def _unpacked(job: ParseTask) -> ParseTask:
    """What is larger than any body may be is cut off, and repaired."""
    if KINDS[job.reading.kind].bounds_itself:
        return job
    plain, _ = unpacked(job.body)
    return job if plain is job.body else replace(job, body=plain)
