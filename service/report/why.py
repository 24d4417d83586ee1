"""`bantin why ADDRESS URL`: did this subscriber get it, with the row that proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from service.mail.returned import soft
from service.model import OPEN_STATES, DeliveryState
from service.newsletter import rules
from service.store.audience import subscribers
from service.store.core import hold
from service.store.core.database import Connection
from service.store.mailing import history, returned_mail
from service.store.mailing.history import Entrance, SubscriptionSnapshot, Suppressed, ToldArticle
from service.store.mailing.returned_mail import Returned
from service.store.mailing.told import perhaps
from service.store.recalled import articles, corrections, marks

SENT, PENDING, DEDUPLICATED = "sent", "pending", "deduplicated"
SKIPPED, SUPPRESSED, UNKNOWN = "skipped", "suppressed", "unknown"

_MOST_RETURNED = 20


@dataclass(frozen=True, slots=True)
class Why:
    """`answer` is one of the words above, `reason` a sentence, `proof` the row behind it.

    `returned`: what came back for the address, the newest first; `weight`: of its soft bounces, of
    which soft.LIMIT suppress it. `suppressed`: why nothing is sent to it; None: it is.
    """

    answer: str
    reason: str
    proof: ToldArticle | SubscriptionSnapshot | Entrance | None = None
    returned: tuple[Returned, ...] = ()
    weight: float = 0.0
    suppressed: Suppressed | None = None


def why(
    connection: Connection,
    address_key: bytes,
    article_id: int,
    story_articles: Sequence[int],
    digest_topics: Mapping[str, Sequence[str] | None],
    now: datetime,
    zone: str = "UTC",
) -> Why:
    """Answer from rows. `story_articles` are all articles of the article's story, it included.

    `digest_topics`: digest -> the topics that it sends to who chose none, None = every topic. The
    hours of the reason are of `zone`, and name it.
    """
    person = subscribers.by_key(connection, address_key)
    if person is None:
        return Why(UNKNOWN, "nobody with this address is, or ever was, a subscriber")
    returned = returned_mail.of_address(connection, address_key, _MOST_RETURNED)
    remembered = now - soft.REMEMBERED
    soft_ones = returned_mail.soft_bounces(connection, address_key, remembered)
    answer = _of_person(connection, person.id, address_key, article_id, story_articles,
                        digest_topics, now, zone)  # fmt: skip
    return replace(
        answer,
        reason=answer.reason + _came_back(answer, returned, zone),
        returned=tuple(returned),
        weight=round(soft.weight(soft_ones, now), 2),
        suppressed=history.suppressed(connection, address_key),
    )


def _came_back(answer: Why, returned: Sequence[Returned], zone: str) -> str:
    """What is to be added where the very mail that told it came back."""
    if not isinstance(answer.proof, ToldArticle):
        return ""
    mine = [one for one in returned if one.delivery_id == answer.proof.delivery_id]
    return "".join(f"; came back {hour_of(one.returned_at, zone)}: {kind_of(one)}" for one in mine)


def kind_of(one: Returned) -> str:
    """What it was, such as "hard bounce 5.1.1", "complaint abuse" or "refusal of us 5.7.1"."""
    if one.kind == returned_mail.COMPLAINT:
        return f"complaint {one.reason}".strip()
    if one.kind == returned_mail.UNREAD:
        return "a mail that could not be read"
    if one.kind == returned_mail.ABOUT_US:
        return f"refusal of us {one.status}".strip()
    return f"{'hard' if one.hard else 'soft'} bounce {one.status}".strip()


def _of_person(
    connection: Connection,
    person_id: int,
    address_key: bytes,
    article_id: int,
    story_articles: Sequence[int],
    digest_topics: Mapping[str, Sequence[str] | None],
    now: datetime,
    zone: str,
) -> Why:
    told = history.tellings(connection, person_id, list(story_articles))
    recalled = marks.among(connection, [article_id])
    if recalled:
        return _taken_back(connection, person_id, recalled[article_id], told, article_id, zone)
    if told:
        return _by_the_ledger(told, article_id, zone)
    blocked = history.suppressed(connection, address_key)
    if blocked is not None:
        since = hour_of(blocked.since, zone)
        return Why(SUPPRESSED, f"the address is suppressed since {since}: {blocked.reason}")
    if perhaps(connection, [person_id], set(story_articles)):
        return Why(
            SKIPPED,
            f"its story is older than the restore {hour_of(hold.restored_at(connection), zone)}: "
            "it may have been told before",
        )
    subscriptions = history.subscriptions(connection, person_id)
    entrances = history.entrances(connection, list(story_articles))
    answers = [
        _by_subscription(one, digest_topics.get(one.digest), entrances, now, zone)
        for one in subscriptions
    ]
    if not answers:
        return Why(SKIPPED, "no subscription")
    return min(answers, key=lambda answer: [PENDING, SKIPPED].index(answer.answer))


def _taken_back(
    connection: Connection,
    subscriber_id: int,
    recall_id: int,
    told: Sequence[ToldArticle],
    article_id: int,
    zone: str,
) -> Why:
    said = articles.one(connection, recall_id)
    since = f"it was taken back {hour_of(said.recalled_at, zone)}: {said.reason}"
    if not told:
        return Why(SKIPPED, since)
    before = _by_the_ledger(told, article_id, zone)
    known = corrections.of_reader(connection, subscriber_id, recall_id)
    if known is None:
        after = "the next mail is to say so"
    elif known is False:
        after = "no mail has to say so"
    else:
        after = f"delivery {known} says so"
    return replace(before, reason=f"{before.reason}; {since}; {after}")


def _by_the_ledger(told: Sequence[ToldArticle], article_id: int, zone: str) -> Why:
    own = [row for row in told if row.article_id == article_id]
    row = (own or told)[-1]
    if not own:
        return Why(
            DEDUPLICATED,
            f"told through another article of its story, by {row.digest} ({row.state})",
            row,
        )
    state = DeliveryState(row.state)
    if state is DeliveryState.ACCEPTED:
        how = "shown" if row.shown else "only counted in “more online”"
        return Why(SENT, f"{how} in {row.digest}, accepted {hour_of(row.settled_at, zone)}", row)
    if state in OPEN_STATES:
        return Why(
            PENDING, f"in {row.digest}, {state}, next try {hour_of(row.next_try_at, zone)}", row
        )
    if state is DeliveryState.UNCERTAIN:
        return Why(PENDING, f"in {row.digest}: handed over, but the relay's answer was lost", row)
    reply = f": {row.reply}" if row.reply else ""
    return Why(SKIPPED, f"in {row.digest}, but that mail is {state}{reply}", row)


def _by_subscription(  # noqa: PLR0911 - a return an answer: it reads as the table that it is
    one: SubscriptionSnapshot,
    topics: Sequence[str] | None,
    entrances: Sequence[Entrance],
    now: datetime,
    zone: str,
) -> Why:
    if one.ended_at is not None:
        return Why(
            SKIPPED, f"{one.digest} ended {hour_of(one.ended_at, zone)}: {one.ended_reason}", one
        )
    if one.starts_at is None:
        return Why(SKIPPED, f"{one.digest} was never confirmed", one)
    chosen = topics if one.topics is None else one.topics
    wanted = [entrance for entrance in entrances if chosen is None or entrance.topic in chosen]
    if not wanted:
        return Why(SKIPPED, f"it is in no topic that {one.digest} sends there", one)
    news = [entrance for entrance in wanted if not entrance.quiet]
    if not news:
        return Why(SKIPPED, "it was old when it came to us, and old is not news", wanted[0])
    latest = news[-1]
    if latest.entered_at < one.starts_at:
        return Why(
            SKIPPED, f"it came before {one.digest} began {hour_of(one.starts_at, zone)}", latest
        )
    if one.paused_until is not None and one.paused_until > now:
        return Why(SKIPPED, f"{one.digest} is paused until {hour_of(one.paused_until, zone)}", one)
    if one.covered_to is not None and latest.entered_at < one.covered_to:
        had = "its story had been told, or there were more than its edition holds"
        return Why(SKIPPED, f"{one.digest} left it out: {had}", one)
    return Why(PENDING, f"waits for {one.digest}, next cut {_cut(one, zone)}", one)


def _cut(one: SubscriptionSnapshot, zone: str) -> str:
    """When it comes, and since when it would have come but for holidays and quiet times."""
    if one.rule is None or one.next_cut_at is None:
        return hour_of(one.next_cut_at, zone)
    waits = rules.read(one.rule).put_off(one.next_cut_at)
    if waits is None:
        return hour_of(one.next_cut_at, zone)
    because = "a holiday" if waits.holiday else "a quiet time"
    return f"{hour_of(one.next_cut_at, zone)}, put off from {hour_of(waits.since, zone)}: {because}"


def hour_of(at: datetime | None, zone: str) -> str:
    """2026-11-24 15:00 Asia/Ho_Chi_Minh; None is what the next tick decides."""
    return (
        "at the next tick"
        if at is None
        else f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"
    )
