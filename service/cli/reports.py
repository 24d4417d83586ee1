"""How an explanation, a status and the numbers of editions look on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from zoneinfo import ZoneInfo

from service.cli.output import local, number, printable, say, table
from service.cli.processes import tell_processes
from service.render.addresses import absolute
from service.render.words import Words
from service.report import hubs
from service.report.digest_list import ListedDigest
from service.report.edition_report import AFTERWARDS, PARTS, Delays, EditionReport
from service.report.explain import Explanation
from service.report.explanation_lines import Detail, parts
from service.report.reviews import ReviewStanding
from service.report.sentence import english, english_span, in_english
from service.report.standing import advice, reason, state
from service.report.status import RETURNED, Status, put_off
from service.report.trouble import said
from service.store.status_counts import DigestRow, EditionRow

ALL_SHOWN = 100
"""Up to so many sources, those that are well are listed with the others."""


_ALWAYS = ("planned", "accepted", *AFTERWARDS)
"""Columns of an edition's numbers that are shown even if all of them are 0."""


_RETURNED = {
    "hard": "hard bounce: nothing is sent there any more",
    "soft": "soft bounce: counted, too many end all mail to the address",
    "complaint": "complaint: nothing is sent there any more",
    "about_us": "our sender, relay or that mail was refused: says nothing of the address",
    "unread": "it could not be read: `bantin why` says why",
}


def tell_status(found: Status, zone: str, english: Words) -> None:
    """What is wrong first, then tables of everything; hours are the site's."""
    for one in found.troubles:
        say(f"! {printable(said(one, english, lambda at: local(at, zone)))}")
    _tell_sources(found, zone)
    table(
        "Topics",
        ("topic", "articles", "newest", "published to collected", "collected to mailed"),
        [
            (
                topic.name,
                topic.articles,
                local(topic.newest, zone),
                english_span(late.collected_s),
                english_span(late.mailed_s),
            )
            for topic, late in found.topics
        ],
    )
    table(
        "Digests",
        ("digest", "next cut", "subscribers", "what to know"),
        [
            (one.name, local(one.next_cut_at, zone), one.subscribers, _put_off(one, zone))
            for one in found.digests
        ],
    )
    table(
        "Editions",
        ("digest", "cadence", "cut", "stories", "what to know"),
        [
            (
                one.digest,
                one.cadence,
                local(one.cut_at, zone),
                one.stories,
                one.error or _reviewed(found, one, zone),
            )
            for one in found.editions
        ],
    )
    _tell_mail(found)
    _tell_recalled(found, zone)
    if found.unindexed:
        say(f"not indexed for search yet: {number(found.unindexed, 'article')}")
    _tell_relays(found, zone)
    tell_processes(found)


def _tell_mail(found: Status) -> None:
    table("Deliveries", ("state", "mails"), sorted(found.deliveries.items()))
    back = [(_RETURNED[kind], n) for kind, n in found.returned.items() if n]
    if back:
        table(f"Returned within {RETURNED.days} days", ("what it was", "mails"), back)


def _tell_recalled(found: Status, zone: str) -> None:
    table(
        "Recalled",
        ("when", "by", "title", "reason", "corrected", "still to be corrected"),
        [
            (
                local(one.recall.recalled_at, zone),
                one.recall.actor,
                one.recall.title,
                one.recall.reason,
                one.readers.told,
                one.readers.waiting,
            )
            for one in found.recalled.recalls
        ],
    )
    if found.recalled.remaking:
        waiting = number(found.recalled.remaking, "segment")
        say(f"mail waits to be made anew without what was taken back: {waiting}")


def _tell_relays(found: Status, zone: str) -> None:
    table(
        "Relays",
        ("relay", "state", "since", "next try", "last answer"),
        [
            (
                one.name,
                "ok" if one.failing_since is None else "takes no mail",
                local(one.failing_since or one.answered_at, zone),
                local(one.next_try_at, zone),
                one.answer,
            )
            for one in found.mailing.relays
        ],
    )


def tell_digests(found: Sequence[ListedDigest], zone: str) -> None:
    """`bantin digest list`, with the hours of the site."""
    table(
        "Digests",
        ("digest", "cadences", "day", "at", "readers", "next cut", "scope", "waits", "reviews"),
        [
            (
                one.id,
                ", ".join(one.cadences),
                one.day or "",
                one.at or "",
                one.readers,
                local(one.next_cut, zone),
                one.scope,
                _waits(one, zone),
                "; ".join(
                    f"{local(each.review.cut_at, zone)}: {stands(each, zone)}"
                    for each in one.reviews
                ),
            )
            for one in found
        ],
    )


def _waits(one: ListedDigest, zone: str) -> str:
    """What its mails wait for, and whether the next one does."""
    said = [
        one.quiet and f"quiet {one.quiet}",
        one.bundle and f"bundled within {one.bundle}",
        one.holidays and f"{one.holidays} holiday{'s' if one.holidays > 1 else ''}",
        one.put_off_from and f"put off from {local(one.put_off_from, zone)}",
    ]
    return "; ".join(str(part) for part in said if part)


def _reviewed(found: Status, one: EditionRow, zone: str) -> str:
    standing = found.review_of(one)
    return "" if standing is None else stands(standing, zone)


def stands(one: ReviewStanding, zone: str) -> str:
    """How an edition under review stands, in words."""
    teller = in_english(ZoneInfo(zone))
    return "; ".join(teller.tell(said) for said in one.sentences)


def _put_off(digest: DigestRow, zone: str) -> str:
    waits = put_off(digest)
    if waits is None:
        return ""
    because = "a holiday" if waits.holiday else "a quiet time"
    return f"put off from {local(waits.since, zone)}: {because}"


def _tell_sources(found: Status, zone: str) -> None:
    english = in_english(ZoneInfo(zone))
    states = {one.name: state(one, found.now) for one in found.sources}
    shown = [one for one in found.sources if states[one.name] != "ok" or advice(one)]
    if len(found.sources) <= ALL_SHOWN:
        shown = list(found.sources)
    table(
        "Sources",
        ("source", "state", "last fine", "next", "entries", "refused", "what to know"),
        [
            (
                one.name,
                states[one.name],
                local(one.last_ok_at, zone),
                local(None if one.gone_at else one.next_poll_at, zone),
                one.entries,
                one.refused,
                english.tell(
                    reason(one, found.now) or advice(one) or hubs.words(one.hub, found.now)
                )
                or (f"repaired: {', '.join(one.repairs)}" if one.repairs else ""),
            )
            for one in shown
        ],
    )
    if len(shown) < len(found.sources):
        counts = Counter(states.values())
        told = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
        say(f"{len(found.sources)} sources: {told}; `bantin sources list` shows all")


def tell_editions(found: Sequence[EditionReport], zone: str, *, by_topic: bool) -> None:
    """What became of each edition's mails; `by_topic`: how late each topic's news was instead."""
    spans = ("published to collected", "collected to first mail", "to last mail")
    if by_topic:
        table(
            "Lateness by topic",
            ("cut", "cadence", "topic", "stories", *spans),
            [
                (
                    *_cut(one, zone),
                    topic.topic,
                    topic.stories,
                    *_spans(topic.delays),
                )
                for one in found
                for topic in one.topics
            ],
        )
        return
    numbers = [{"planned": one.planned, **one.parts, **one.afterwards} for one in found]
    named = [
        name
        for name in ("planned", *PARTS, *AFTERWARDS)
        if name in _ALWAYS or any(one[name] for one in numbers)
    ]
    table(
        "Editions",
        ("cut", "cadence", "stories", *named, *spans),
        [
            (
                *_cut(one, zone),
                one.stories,
                *(number[name] for name in named),
                *_spans(one.delays),
            )
            for one, number in zip(found, numbers, strict=True)
        ],
    )


def _cut(one: EditionReport, zone: str) -> tuple[str, str]:
    return local(one.edition.cut_at, zone), one.edition.cadence


def _spans(delays: Delays) -> tuple[str, str, str]:
    return (
        english_span(delays.collected_s),
        english_span(delays.mailed_s),
        english_span(delays.all_mailed_s),
    )


def tell_explanation(explanation: Explanation, zone: str, base_url: str) -> None:
    """An article with its way through the service."""
    say(printable(explanation.found.title))
    say(f"  {printable(explanation.found.link or '(no address)')}")
    for part in parts(explanation):
        say(english().say(part.heading))
        tell_lines(part.lines, zone, base_url, say)


def tell_lines(
    lines: Iterable[Detail], zone: str, base_url: str, to: Callable[[str], None]
) -> None:
    """Sentences below a heading, each with what it is about. `to`: where they are written."""
    writer = in_english(ZoneInfo(zone))
    for line in lines:
        link = "" if line.link is None else f"  {absolute(line.link, base_url)}"
        to(printable(f"  {writer.tell(line.said)}{link}"))
