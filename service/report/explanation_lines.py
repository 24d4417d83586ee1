"""An explanation as sentences under headings, the same for the terminal and the admin. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from service.curate.rules.reason_text import reason_line
from service.curate.selection.score import StoryScore
from service.model import StoryActKind
from service.report.causes import cause
from service.report.explain import Explanation, Unknown
from service.report.sentence import Sentence, SourceId, counted, sentence
from service.store.content.admin_queries import Explained
from service.store.content.sightings import RefusedEntry


@dataclass(frozen=True, slots=True)
class Detail:
    """A sentence, or plain text. `link`: what it is about, an address or a path on the site."""

    said: Sentence | str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """`heading`: the key of its words."""

    heading: str
    lines: tuple[Detail, ...]


def parts(one: Explanation) -> list[Chapter]:
    """Everything that is known, in the order in which it happened."""
    told = {
        "explain.seen": _seen(one),
        "explain.cleaned": _cleaned(one),
        "explain.story": _story(one),
        "explain.topics": _topics(one),
        "page.references": (Detail(reference) for reference in one.references),
        "explain.published": _published(one),
        "explain.place": _place(one),
        "explain.mailed": _mailed(one),
        "explain.late": _late(one),
        "explain.recalled": _recalled(one),
    }
    found = [Chapter(heading, tuple(lines)) for heading, lines in told.items()]
    return [part for part in found if part.lines]


def unknown(one: Unknown) -> list[Detail]:
    """What there is to say of an address that leads to no article."""
    if one.refused:
        return [Detail(_refused(entry), entry.link) for entry in one.refused]
    if one.sources:
        return [Detail(sentence("explain.unseen", sources=tuple(map(SourceId, one.sources))))]
    return [Detail(sentence("explain.uncollected"))]


def _seen(one: Explanation) -> Iterator[Detail]:
    for entry in one.found.entries:
        key = "explain.seen.old" if entry.quiet else "explain.seen.news"
        said = sentence(key, source=SourceId(entry.source), at=entry.first_seen_at)
        yield Detail(said, entry.link)
    for refused in one.refused:
        yield Detail(_refused(refused), refused.link)


def _recalled(one: Explanation) -> Iterator[Detail]:
    for report in one.recalls:
        said = report.recall
        yield Detail(
            sentence(
                "explain.recalled.said", at=said.recalled_at, who=said.actor, reason=said.reason
            )
        )
        if said.undone_at is not None:
            yield Detail(sentence("explain.recalled.undone", at=said.undone_at, who=said.undone_by))
        readers = report.readers
        if readers.told or readers.waiting:
            told, waiting = readers.told, readers.waiting
            yield Detail(sentence("explain.recalled.readers", told=told, waiting=waiting))


def _refused(one: RefusedEntry) -> Sentence:
    reason = sentence(f"explain.refused.{one.reason}", next=one.next_try_at)
    if one.error:
        reason = sentence("explain.refused.tried", cause=cause(one.error), next=one.next_try_at)
    source = SourceId(one.source)
    return sentence("explain.refused", source=source, at=one.first_seen_at, reason=reason)


def _cleaned(one: Explanation) -> Iterator[Detail]:
    found, source = one.found, SourceId(one.found.source)
    yield Detail(sentence(f"explain.text.{one.text_from}", source=source))
    lead = ("own" if one.lead_is_own else "summary") if found.lead else "none"
    yield Detail(sentence(f"explain.lead.{lead}", source=source))
    yield Detail(_date(found))
    if found.updated is not None:
        yield Detail(sentence("explain.updated", at=found.updated))
    if found.language:
        yield Detail(sentence("explain.language", language=found.language))


def _date(found: Explained) -> Sentence:
    """By whose word it was published when; what is set ahead of our sight is not shown."""
    told = [one.source for one in found.entries if one.published_at == found.published]
    source = SourceId(found.source if found.source in told or not told else told[0])
    seen = found.first_seen_at
    if found.published is None:
        return sentence("explain.date.none", source=source, seen=seen)
    if found.published > seen:
        return sentence("explain.date.ahead", source=source, at=found.published, seen=seen)
    return sentence("explain.date", source=source, at=found.published)


def _story(one: Explanation) -> Iterator[Detail]:
    close = one.closeness
    if one.waits:
        yield Detail(sentence("explain.story.waits"))
    elif not one.others:
        yield Detail(sentence("explain.story.alone"))
    for other in one.others:
        alike = close.alike.get(other.public_id) if close is not None else None
        key = "explain.story.merged" if other.was_merged else "explain.story.other"
        said = sentence(
            key if alike is None else "explain.story.like",
            source=SourceId(other.source),
            title=other.title,
            at=other.first_seen_at,
            n=None if alike is None else round(100 * alike),
        )
        yield Detail(said, other.link)
    for act in one.acts:
        own = act.sides[one.found.article_id]
        is_apart = act.kind is StoryActKind.APART
        n = sum(not is_apart or side != own for side in act.sides.values()) - (not is_apart)
        said = counted(f"explain.story.{act.kind}", n, actor=act.actor, at=act.happened_at)
        yield Detail(said)
    if one.found.hot_at is not None:
        yield Detail(sentence("explain.story.hot", at=one.found.hot_at))
    if close is not None:
        yield Detail(sentence("explain.story.enough", n=round(100 * close.enough)))


def _topics(one: Explanation) -> Iterator[Detail]:
    if not one.found.topics:
        yield Detail(sentence("explain.topics.none"))
    for topic in one.found.topics:
        key = "explain.topic.old" if topic.quiet else "explain.topic.news"
        why = reason_line(topic.reason)
        yield Detail(sentence(key, topic=topic.title, at=topic.entered_at, reason=why))
    if one.label is not None:
        key = "explain.labelled.not" if one.label[0] is None else "explain.labelled"
        yield Detail(sentence(key, topic=one.label[0]))


def _published(one: Explanation) -> Iterator[Detail]:
    key = "explain.feeds" if one.feeds else "explain.feeds.none"
    yield Detail(sentence(key, feeds=one.feeds))
    yield Detail(sentence("explain.page"), one.page)
    for edition in one.editions:
        said = sentence("explain.edition", digest=edition.digest, cut=edition.cut_at)
        yield Detail(said, edition.page)


def _place(one: Explanation) -> Iterator[Detail]:
    front = one.front
    if front is None:
        yield Detail(sentence("explain.place.none"))
    else:
        key = "explain.place.section" if front.topic else "explain.place.top"
        parts = _score(front.score)
        yield Detail(sentence(key, n=front.place, topic=front.topic, parts=parts))
    for edition in one.editions:
        key = "explain.place.edition" if edition.score else "explain.place.unknown"
        yield Detail(
            sentence(
                key,
                digest=edition.digest,
                cut=edition.cut_at,
                n=edition.place,
                of=edition.of,
                parts=edition.score and _score(edition.score),
            )
        )


def _score(one: StoryScore) -> Sentence:
    parts = {name: f"{value:.2f}" for name, value in asdict(one).items() if value is not None}
    key = "explain.place.parts" if one.lasted is None else "explain.place.parts.review"
    return sentence(key, **parts, total=f"{one.total:.2f}")


def _mailed(one: Explanation) -> Iterator[Detail]:
    if not one.mailed:
        key = "explain.mailed.forgotten" if one.editions else "explain.mailed.nobody"
        yield Detail(sentence(key))
    for digest in one.mailed:
        counts = digest.mails - digest.shown
        key = "explain.mailed.counted" if counts else "explain.mailed.shown"
        state = sentence(f"admin.mail.{digest.state}")
        yield Detail(
            sentence(key, digest=digest.digest, state=state, n=digest.mails, counts=counts)
        )
    if one.uncertain:
        yield Detail(sentence("explain.uncertain", messages=one.uncertain))


def _late(one: Explanation) -> Iterator[Detail]:
    if all(entry.quiet for entry in one.found.entries):
        yield Detail(sentence("explain.late.old"))
        return
    collected, mailed = one.late.collected_s, one.late.mailed_s
    if collected is None:
        yield Detail(sentence("explain.late.untold"))
    else:
        yield Detail(sentence("explain.late.collected", span=timedelta(seconds=collected)))
    if mailed is not None:
        yield Detail(sentence("explain.late.mailed", span=timedelta(seconds=mailed)))
