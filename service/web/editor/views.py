"""What the template of the review page is given. Names here are a promise to restylers.

Paths are on the site; `url(path)` makes links of them. Instants are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.audience import address as addresses
from service.mail.personal import review_path
from service.model import ReviewAct, ReviewState
from service.newsletter.layout import shortened
from service.newsletter.review import meanwhile, states
from service.newsletter.review.acts import OpenReview, ReviewWish
from service.newsletter.review.meanwhile import FieldWords
from service.newsletter.review.whole import WholeEdition
from service.newsletter.review.words import NOTE_CHARS, OPENING_CHARS
from service.newsletter.rules import Schedule
from service.render.views import StoryView, TopicLink, is_recalled, thaw
from service.store.mailing.editions import Frozen
from service.store.reviews.reviews import PastAct


@dataclass(frozen=True, slots=True)
class ReviewedStory:
    """A story on the page. `number`: its place in the mail, None where the mail does not show it.

    `first`, `last`: within its topic, so that it moves no further. `note`: as it is written, or as
    it was sent and not taken. `older`: it was told before this edition, and put first it would
    stand first for nobody who has got it.
    """

    story: StoryView
    number: int | None
    note: str
    first: bool = True
    last: bool = True
    older: bool = False


@dataclass(frozen=True, slots=True)
class ReviewedSection:
    """The stories of a topic, in the mail's order."""

    topic: TopicLink
    stories: tuple[ReviewedStory, ...]


@dataclass(frozen=True, slots=True)
class ActLine:
    """What was done: the sentence `review.act.ACT`, by whom (masked, "" = forgotten), and when.

    `headline` "": it concerns no story, or one that is not there any more.
    """

    act: str
    who: str
    mine: bool
    headline: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OthersWords:
    """What another editor wrote meanwhile where this one did too. `headline` "": opening words."""

    headline: str
    words: str


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """The whole page. `state`: a ReviewState. `open`: it may still be changed.

    `me`: whose link it is, masked. `problem`: the key of a sentence, "" = none; `most` belongs to
    it. `did`: the key of what was just done, "" = nothing. `lost`: words that were written and have
    no field any more. `theirs`: words that those in a field would take the place of. `goes_at`:
    when it goes if it is approved; `soon`: that is over. `quiet_until`: it is quiet now, until
    then; None: it is not. `goes_over_at`: it would go no sooner than the next edition, which takes
    its place then; None: it goes before.
    """

    title: str
    path: str
    page: str
    cut_at: datetime
    state: ReviewState
    required: bool
    open: bool
    version: int
    settled_at: datetime | None
    past: bool
    me: str
    readers: int
    opening: str
    opening_chars: int
    note_chars: int
    sections: tuple[ReviewedSection, ...]
    rest: tuple[ReviewedStory, ...]
    dropped: tuple[ReviewedStory, ...]
    history: tuple[ActLine, ...]
    did: str = ""
    problem: str = ""
    most: int = 0
    lost: tuple[str, ...] = ()
    theirs: tuple[OthersWords, ...] = ()
    goes_at: datetime | None = None
    soon: bool = False
    quiet_until: datetime | None = None
    goes_over_at: datetime | None = None


def review_page(
    found: OpenReview,
    seen: WholeEdition,
    dropped: Sequence[Frozen],
    acts: Sequence[PastAct],
    titles: Mapping[str, str],
    now: datetime,
    *,
    own: Schedule,
    next_cut: datetime,
    page: str,
    readers: int,
    sent: ReviewWish | None = None,
    did: str = "",
    problem: str = "",
    most: int = 0,
) -> ReviewPage:
    """The page as it is shown. `sent`: a form whose words were not taken, and are kept in fields.

    `titles`: of topics. `own`: of the digest. `next_cut`: when another edition takes its place.
    """
    review = found.review
    stories = {one.story_id: one for one in seen.frozen}
    quiet = own.quiet_at(now)
    if review.state is ReviewState.APPROVED:
        waits = states.waits_until(own, review.cut_at, review.let_go_at, now)
    else:
        waits = states.quiet_until(own, review.cut_at, now)
    goes_at = max(review.cut_at, waits or review.cut_at)
    opening, notes = _words(seen, dropped, acts, sent)
    sections = _sections(seen, stories, notes, titles)
    told = (one.story for section in sections for one in section.stories)
    here = {"": "", **{one.public_id: one.title for one in told}}  # field -> its headline
    headlines = {one.story_id: thaw(one.view).title for one in (*seen.frozen, *dropped)}
    return ReviewPage(
        title=seen.title,
        path=review_path(found.link.token),
        page=page,
        cut_at=review.cut_at,
        state=review.state,
        required=review.required,
        open=review.open,
        version=review.version,
        settled_at=review.settled_at,
        past=now >= review.cut_at,
        me=masked(found.link.address),
        readers=readers,
        opening=opening.shown,
        opening_chars=OPENING_CHARS,
        note_chars=NOTE_CHARS,
        sections=sections,
        rest=tuple(
            _story(stories[one], None, notes, older=one in seen.older)
            for one in seen.rest
            if not is_recalled(stories[one].view)
        ),
        dropped=tuple(_story(one, None, notes) for one in dropped),
        history=tuple(
            ActLine(
                act=one.act.value,
                who=masked(one.address),
                mine=one.address == found.link.address,
                headline=headlines.get(one.story_id, "") if one.story_id else "",
                at=one.happened_at,
            )
            for one in reversed(acts)
        ),
        did=did,
        problem=problem,
        most=most,
        lost=tuple(
            one.own
            for name, one in {"": opening, **notes}.items()
            if one.own and name not in (here if review.open else ())
        ),
        theirs=tuple(
            OthersWords(here[name], one.theirs)
            for name, one in {"": opening, **notes}.items()
            if one.theirs and review.open and name in here
        ),
        goes_at=goes_at,
        soon=now >= goes_at,
        quiet_until=None if quiet is None else quiet[1],
        goes_over_at=next_cut if goes_at >= next_cut else None,
    )


def _words(
    seen: WholeEdition, dropped: Sequence[Frozen], acts: Sequence[PastAct], sent: ReviewWish | None
) -> tuple[FieldWords, dict[str, FieldWords]]:
    """The opening words, and public id -> note."""
    kept = {one.view["public_id"]: one for one in (*seen.frozen, *dropped)}
    opening = seen.edition.opening
    if sent is None:
        return FieldWords(opening), {name: FieldWords(one.note) for name, one in kept.items()}
    before = meanwhile.then(acts, sent.version)
    notes: dict[str, FieldWords] = {}
    for name in {**kept, **sent.notes}:
        one = kept.get(name)
        was = before.notes.get(one.story_id, "") if one is not None else ""
        now = one.note if one is not None else ""
        notes[name] = meanwhile.beside(was, sent.notes.get(name), now)
    return meanwhile.beside(before.opening, sent.opening, opening), notes


def masked(address: str) -> str:
    """An editor's address as the page shows it, for its link may be forwarded; "" = forgotten."""
    return addresses.masked(address) if address else ""


def action_of(text: str) -> tuple[ReviewAct | None, str] | None:
    """The button that was pressed: "hold", "drop:PUBLIC_ID"; "save" does words alone.

    None: there is no such button.
    """
    name, _, story = text.partition(":")
    if name == "save":
        return None, ""
    try:
        return ReviewAct(name), story
    except ValueError:
        return None


def _sections(
    seen: WholeEdition,
    stories: Mapping[int, Frozen],
    notes: Mapping[str, FieldWords],
    titles: Mapping[str, str],
) -> tuple[ReviewedSection, ...]:
    if seen.mail is None:
        return ()
    layout = seen.mail.layout
    topic_of = {story: topic for topic, some in layout.sections for story in some}
    topic_of[layout.lead[1]] = layout.lead[0]
    found, number = [], 0
    for group in seen.groups:
        shown = []
        for place, one in enumerate(group):
            number += 1
            shown.append(
                _story(stories[one], number, notes, first=place == 0, last=place == len(group) - 1)
            )
        name = topic_of[group[0]]
        found.append(ReviewedSection(TopicLink(name, titles.get(name, name)), tuple(shown)))
    return tuple(found)


def _story(
    one: Frozen,
    number: int | None,
    notes: Mapping[str, FieldWords],
    *,
    first: bool = True,
    last: bool = True,
    older: bool = False,
) -> ReviewedStory:
    view = shortened(thaw(one.view))
    return ReviewedStory(view, number, notes[view.public_id].shown, first, last, older)
