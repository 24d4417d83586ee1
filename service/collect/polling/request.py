"""One source asked once: what to send, and what the answer amounts to before anything is stored.

ask -> Failed | Unchanged | Body ; read -> Failed | Read. Every outcome is a value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from service.collect.politeness.fetch import Fetch
from service.collect.politeness.site_rules import SiteRules, rules_of
from service.collect.polling.advertised_hub import Advertised, advertised
from service.collect.schedule import empty_source
from service.collect.source_options import reading_of, told_of
from service.collect.workers.pool import Parsers
from service.collect.workers.task import EntryOptions, ParseTask, PreparedResult
from service.config.schema import Settings
from service.curate.prepare import Prepared, Told
from service.errors import (
    BantinError,
    DriftError,
    FetchError,
    ParseError,
    QuarantinedError,
    RobotsError,
)
from service.net import agent
from service.net.answers import NOT_MODIFIED, Hop, Response
from service.net.client import Room
from service.parse.kind import Kind
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions
from service.store.core.database import Store
from service.store.core.threads import in_thread
from service.store.sources import snapshots
from service.store.sources.polling_queue import BodyFingerprint, ClaimedSource
from service.text.web import http_headers as http

TRUST = timedelta(days=1)
"""How long a server that says "not modified" each time is believed before it is asked for all."""

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class Asked:
    """A claimed source with what its configuration says about asking and reading it.

    `site`: whose turns it gets, "" where it is not fetched. `again`: read the body even if it is
    known to be unreadable (a person named the source).
    """

    claimed: ClaimedSource
    reading: ParseOptions
    told: Told
    rules: SiteRules
    site: str
    again: bool = False

    @property
    def kind(self) -> Kind:
        """What is expected of its documents."""
        return KINDS[self.reading.kind]

    def task(
        self,
        body: bytes,
        headers: Mapping[str, str],
        url: str,
        now: datetime,
        rules: bytes,
        before: bytes | None = None,
    ) -> ParseTask:
        """One of its documents, to be read. `rules`: see `curate.rules.matcher.packed`."""
        options = EntryOptions(self.told, rules, before)
        suspect = self.claimed.quarantined_since is not None
        return ParseTask(body, dict(headers), url, self.reading, now, options, suspect)


def asked_of(
    claimed: ClaimedSource, settings: Settings, *, site: str = "", again: bool = False
) -> Asked:
    """What the TOML says of a claimed source. `site`, `again`: see `Asked`."""
    told = settings.source[claimed.name]
    return Asked(
        claimed,
        replace(reading_of(told, settings.site), place=claimed.lists.list_path),
        told_of(claimed.id, claimed.name, told, first=claimed.first_collected_at is None),
        rules_of(settings, claimed.name),
        site,
        again=again,
    )


@dataclass(frozen=True, slots=True)
class Failed:
    """`fingerprint`: the body that could not be read, None where there was none.

    `for_all`: it was asked without validators.
    """

    source: ClaimedSource
    error: BantinError
    fingerprint: BodyFingerprint | None = None
    for_all: bool = False


@dataclass(frozen=True, slots=True)
class Unchanged:
    """`fingerprint`: its validators as they are now. `whole`: the body came all the same.

    `hops`: the redirects on the way.
    """

    source: ClaimedSource
    fresh_s: float | None
    fingerprint: BodyFingerprint
    whole: bool = False
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchedBody:
    """A body that must be read."""

    asked: Asked
    response: Response
    fingerprint: BodyFingerprint
    at: datetime


@dataclass(frozen=True, slots=True)
class PolledDocument:
    """A document that must be stored; several, where the visit went on, as one.

    `old`: entries that were there before the source was first collected and come into sight only
    now. `children`: what is to be remembered of an index's sitemaps. `advertised`: the hub that its
    publisher names, None where it names none. `delivery`: the row of what a hub brought, None = it
    was fetched.
    """

    source: ClaimedSource
    parsed: PreparedResult
    fingerprint: BodyFingerprint
    fresh_s: float | None
    hops: tuple[Hop, ...] = ()
    old: tuple[Prepared, ...] = ()
    children: Mapping[str, str] | None = None
    advertised: Advertised | None = None
    delivery: int | None = None


Result = Failed | Unchanged | PolledDocument


async def ask(
    fetch: Fetch, asked: Asked, clock: Callable[[], datetime], room: Room
) -> Failed | Unchanged | FetchedBody | None:
    """Fetch. A body that is the same as last time, and was read the same way, need not be read.

    `room`: see `Client.get`. None: another turn is needed (`Fetch.get`).
    """
    source = asked.claimed
    known = source.read_as == asked.reading.fingerprint
    if source.document_error and asked.again:
        known = False
    whole = source.poll_state.full_fetch_at
    trusted = whole is None or clock() - whole < TRUST
    validators = http.conditional(source.etag, source.last_modified) if known and trusted else {}
    headers = {"User-Agent": agent.for_feed(fetch.client.user_agent, source.id), **validators}
    try:
        response = await fetch.get(
            source.address,
            asked.rules,
            page=asked.kind.for_people,
            site=asked.site,
            headers=headers,
            room=room,
        )
    except FetchError as error:
        was_asked = not isinstance(error, RobotsError)
        return Failed(source, _alone(error), for_all=was_asked and not validators)
    if response is None:
        return None
    now = clock()
    fresh_s = http.fresh_s(response.headers, now)
    if response.status == NOT_MODIFIED:
        return _not_modified(source, response, fresh_s, asked=bool(validators))
    fingerprint = BodyFingerprint(
        response.etag,
        response.last_modified,
        hashlib.blake2b(response.body, digest_size=16).digest(),
        asked.reading.fingerprint,
    )
    if not (known and fingerprint.body_hash == source.body_hash):
        return FetchedBody(asked, response, fingerprint, now)
    if source.document_error:
        return Failed(source, _as_before(source, source.document_error), fingerprint, for_all=True)
    return Unchanged(source, fresh_s, fingerprint, whole=True, hops=response.redirects)


async def read(
    parsers: Parsers, body: FetchedBody, rules: bytes, before: bytes | None
) -> Failed | PolledDocument:
    """Let a worker read the body and make its entries ready. `before`: see `remembered`."""
    response = body.response
    source = body.asked.claimed
    job = body.asked.task(response.body, response.headers, response.url, body.at, rules, before)
    try:
        parsed = await parsers.read(job)
    except ParseError as error:
        lost = empty_source.alarm(body.asked.reading.kind, source.lists.entries_usual, error)
        return Failed(source, lost, body.fingerprint, for_all=True)
    except BantinError as error:  # ours, not the document's: it is read again next time
        return Failed(source, error, for_all=True)
    drifted = empty_source.judge(body.asked.reading.kind, source.lists.entries_usual, parsed)
    if drifted is not None:
        return Failed(source, drifted, body.fingerprint, for_all=True)
    fresh_s = http.fresh_s(response.headers, body.at)
    hub = advertised(response.headers, response.url, response.redirects, parsed.document)
    return PolledDocument(
        source,
        parsed,
        body.fingerprint,
        fresh_s,
        hops=response.redirects,
        advertised=hub,
    )


async def remembered(store: Store, source: ClaimedSource) -> bytes | None:
    """What is to be known of a source's last document; None: nothing."""

    def last() -> bytes | None:
        with store.read() as connection:
            return snapshots.last(connection, source.id)

    return None if source.first_collected_at is None else await in_thread(last)


def unexpected(source: ClaimedSource, error: Exception) -> Failed:
    """The outcome where a bug of ours came in between. It is logged with its way."""
    _log.exception("unexpected error", id=source.name)
    return Failed(source, FetchError(f"an error of ours ({type(error).__name__}: {error})"[:300]))


def _alone(error: FetchError) -> FetchError:
    """The error without its traceback, which would keep some 5 KB in memory until it is noted."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _not_modified(
    source: ClaimedSource, response: Response, fresh_s: float | None, *, asked: bool
) -> Failed | Unchanged:
    if not asked:
        reason = "the server says 'not modified', but nobody asked it"
        return Failed(source, FetchError(reason), for_all=True)
    if source.document_error:
        return Failed(source, _as_before(source, source.document_error))
    # What its last answers said of freshness stands until they say otherwise (RFC 9111, 4.3.4).
    etag, last_modified = _newest(source, response)
    fingerprint = BodyFingerprint(
        etag, last_modified, source.body_hash or b"", source.read_as or b""
    )
    fresh_s = source.poll_state.fresh_s if fresh_s is None else fresh_s
    return Unchanged(source, fresh_s, fingerprint, hops=response.redirects)


def _newest(source: ClaimedSource, response: Response) -> tuple[bytes | None, bytes | None]:
    """ETag and Last-Modified, both from one answer: the newest that gave something new.

    A 304 may leave out what has not changed; what it changes is not paired with what was before.
    """
    given, known = (response.etag, response.last_modified), (source.etag, source.last_modified)
    says_new = any(new and new != old for new, old in zip(given, known, strict=True))
    return given if says_new else known


def _as_before(source: ClaimedSource, error: str) -> ParseError:
    if source.quarantined_since:
        return QuarantinedError(error)
    return DriftError(error) if source.lists.drifting_since else ParseError(error)
