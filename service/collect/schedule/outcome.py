"""What an answer or a failure means for how a source is asked from now on. Pure.

(what was known, what came) -> when it is asked next, and what is known now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from yarl import URL

from service.collect.schedule import next_poll, redirects
from service.collect.schedule import publish_rate as rhythm
from service.collect.schedule.next_poll import Bounds, PublisherHint
from service.collect.schedule.publish_rate import PublishRate
from service.collect.workers.task import PreparedResult
from service.errors import BantinError, HttpError, ParseError, QuarantinedError
from service.net.answers import Hop
from service.store.sources.poll_state import PollState
from service.store.sources.polling_queue import BodyFingerprint, ClaimedSource

LOST_AFTER = 3
"""Failures in a row at an address that a source had moved to, before its own is asked again."""

_LONGEST_S = 10 * 365 * 86400


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When a source is asked next. `gone`: it is not, until somebody says so.

    `held_until`: until when its server asked to be left alone, None: it did not.
    """

    at: datetime
    poll_state: PollState
    gone: bool = False
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PollTerms:
    """What the configuration says.

    `said_here`: in the source's own table, which is enough. `tied`: it has a login or headers,
    which are told to its own origin alone, so that it cannot be fetched from another one.
    """

    bounds: Bounds
    said_here: bool = False
    tied: bool = False


def answered(
    source: ClaimedSource,
    terms: PollTerms,
    now: datetime,
    *,
    fingerprint: BodyFingerprint,
    fresh_s: float | None,
    hops: Sequence[Hop],
    whole: bool,
    random: float,
    parsed: PreparedResult | None = None,
    new: int = 0,
    pushed: bool = False,
) -> NextPoll:
    """After a document (with `new` new entries), or the same as last time. `whole`: a body came.

    `pushed`: a hub brings its news.
    """
    known = source.poll_state
    if parsed is not None:
        known = _as_told(known, parsed, new, now)
    at_home = not hops or URL(hops[-1].url).origin() == URL(source.url).origin()
    known = _moving(known, source, hops if at_home or not terms.tied else (), now)
    hint = PublisherHint(fresh_s, known.every_s, known.phase_s, known.skips or 0)
    # A server that cannot be asked "only if it changed", and says nothing else, gets the longer
    # waits that the public rules want of those who do not ask so.
    plain = whole and parsed is None
    costly = plain or not (fingerprint.etag or fingerprint.last_modified)
    mute = fresh_s is None and known.every_s is None and not terms.said_here
    then = next_poll.after_answer(
        now,
        terms.bounds,
        PublishRate(known.usual_gap_s, known.longest_gap_s, known.last_news_at),
        hint,
        interval_s=known.interval_s,
        news=new > 0,
        costly=costly and mute,
        early=source.due_at is not None and source.due_at > now,
        random=random,
        pushed=pushed,
    )
    return NextPoll(
        then.at,
        replace(
            known,
            interval_s=then.interval_s,
            fresh_s=None if fresh_s is None else round(min(fresh_s, _LONGEST_S)),
            full_fetch_at=now if whole else known.full_fetch_at,
        ),
    )


def failed(
    source: ClaimedSource,
    terms: PollTerms,
    now: datetime,
    error: BantinError,
    *,
    for_all: bool,
    random: float,
) -> NextPoll:
    """After a failure. `for_all`: it was asked without validators, which is done once a day."""
    known = source.poll_state
    if for_all and known.full_fetch_at is not None:
        known = replace(known, full_fetch_at=now)
    failures = source.failures + 1
    http = error if isinstance(error, HttpError) else None
    gone = http is not None and http.status == HTTPStatus.GONE and http.for_good
    if known.moved_url is not None and (gone or failures >= LOST_AFTER):
        # Its own address may know better by now.
        gone = False
        known = replace(
            known, moved_url=None, redirect_url=None, redirect_since=None, redirect_seen=None
        )
    at = next_poll.after_failure(
        now,
        terms.bounds,
        failures=failures,
        interval_s=known.interval_s,
        retry_after_s=None if http is None else http.retry_after_s,
        fresh_s=None if http is None else http.fresh_s,
        too_many=is_too_many(error),
        skips=known.skips or 0,
        random=random,
    )
    return NextPoll(at, known, gone, _held_until(error, now, at))


def taught(known: PollState, parsed: PreparedResult, new: int, now: datetime) -> PollState:
    """After what a hub delivered: it tells of the source's rhythm, and of nothing else."""
    learned = _as_told(known, parsed, new, now)
    return replace(
        known,
        usual_gap_s=learned.usual_gap_s,
        longest_gap_s=learned.longest_gap_s,
        last_news_at=learned.last_news_at,
    )


def is_dead(error: BantinError) -> bool:
    """Whether the address gives no such document any more: 404, 410, or something else."""
    if isinstance(error, HttpError):
        return error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
    return isinstance(error, ParseError) and not isinstance(error, QuarantinedError)


def is_too_many(error: BantinError) -> bool:
    """Whether the server said 429: it speaks of all that we ask of its site."""
    return isinstance(error, HttpError) and error.status == HTTPStatus.TOO_MANY_REQUESTS


def _held_until(error: BantinError, now: datetime, at: datetime) -> datetime | None:
    """The hour that the server named; where it named none, when we ask again after a 429."""
    asked_s = error.retry_after_s if isinstance(error, HttpError) else None
    if asked_s:
        return now + min(timedelta(seconds=min(asked_s, _LONGEST_S)), next_poll.LONGEST_RETRY)
    return at if is_too_many(error) else None


def _as_told(known: PollState, parsed: PreparedResult, new: int, now: datetime) -> PollState:
    document = parsed.document
    before = PublishRate(known.usual_gap_s, known.longest_gap_s, known.last_news_at)
    published = [one.published for one in parsed.made if one.published is not None]
    after = rhythm.learn(before, published, new, now)
    return replace(
        known,
        usual_gap_s=after.usual_gap_s,
        longest_gap_s=after.longest_gap_s,
        last_news_at=after.last_news_at,
        every_s=None if document.ttl_s is None else min(document.ttl_s, _LONGEST_S),
        phase_s=document.phase_s,
        skips=document.skips or None,
    )


def _moving(
    known: PollState, source: ClaimedSource, hops: Sequence[Hop], now: datetime
) -> PollState:
    if not hops and known.redirect_url is None:
        return known
    move = None
    if known.redirect_url is not None and known.redirect_since is not None:
        move = redirects.WatchedRedirect(
            known.redirect_url, known.redirect_since, known.redirect_seen or 0
        )
    move = redirects.seen(move, source.address, hops, now)
    if move is not None and move.is_settled(now):
        known, move = replace(known, moved_url=move.to), None
    return replace(
        known,
        redirect_url=move.to if move else None,
        redirect_since=move.since if move else None,
        redirect_seen=move.seen if move else None,
    )
