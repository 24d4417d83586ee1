"""What the templates of `mail/edition` and `mail/welcome` are given, as `edition`.

Beside it they are given `once`: `{% call once("html", line.story.public_id) %}…{% endcall %}`
renders its inside once per language and key, and repeats that in every other mail of the edition.

Each class is a promise to those who restyle: names here stay. Instants are aware UTC, addresses
beginning with "/" are paths on the site.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.render.views import StoryView, TopicLink

CONTENTS_NAMED = 4
"""Topics in the line of what a mail has, where there are more than one besides."""


@dataclass(frozen=True, slots=True)
class LineView:
    """One story in a mail. `number` counts from 1 in reading order, `lead` is two sentences.

    `today`: it was published on the day of the edition, so that its clock says enough.
    `language` None: that of the mail. `note`: an editor's words below it, plain text as it was
    written, "" = none; `linked(line.note)` makes HTML of it.
    """

    number: int
    story: StoryView
    title: str
    lead: str
    today: bool
    language: str | None
    note: str = ""

    @property
    def href(self) -> str:
        """Where the headline leads: the original, else our page of it."""
        return self.story.href


@dataclass(frozen=True, slots=True)
class SectionView:
    """A topic with its stories; the lead story is not repeated here."""

    topic: TopicLink
    lines: tuple[LineView, ...]

    @property
    def story_ids(self) -> tuple[str, ...]:
        """With its topic they say what it looks like, but for numbers: for the key of a piece."""
        return tuple(line.story.public_id for line in self.lines)


@dataclass(frozen=True, slots=True)
class ContentsView:
    """How many of the stories shown stand under a topic, the lead story included."""

    topic: TopicLink
    count: int


@dataclass(frozen=True, slots=True)
class CorrectionView:
    """Something that an earlier mail told, and that was taken back since.

    `title`: its headline, "" where that was taken back too. `page` says the same on the web.
    `reason` is in the words of who did it.
    """

    title: str
    outlet: str
    page: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class EditionView:
    """A mail's news, top to bottom.

    `headline` is the lead story's, short enough for a subject; `preheader` has other headlines for
    the line that mail programs show beside the subject. `more` stories wait on the web, on `page`.
    `contents` has every topic; `contents_named` the first few of them, and `contents_more` how many
    are left, for a line that is no inventory. `accent_dark` is the site's colour as it can be read
    on a dark ground. `look` names a template of mail/looks/. `coming` is when the next edition of
    these readers is due, written out in the language of the mail; "" if that is not known.
    `opening`: an editor's words before the stories, plain text as it was written, "" = none;
    `linked(edition.opening)` makes HTML of it. `corrections`: what earlier mails told this reader,
    and what does not hold any more. `review`: "quarterly" or "half-yearly" where it looks back at
    what was told before, else "".
    """

    digest: str
    title: str
    cut_at: datetime
    page: str
    archive: str
    signup: str
    headline: str
    preheader: str
    contents: tuple[ContentsView, ...]
    lead: LineView
    lead_topic: TopicLink
    sections: tuple[SectionView, ...]
    count: int
    more: int
    accent_dark: str
    look: str
    coming: str
    opening: str = ""
    corrections: tuple[CorrectionView, ...] = ()
    review: str = ""

    @property
    def contents_named(self) -> tuple[ContentsView, ...]:
        few = len(self.contents) <= CONTENTS_NAMED + 1
        return self.contents if few else self.contents[:CONTENTS_NAMED]

    @property
    def contents_more(self) -> int:
        return len(self.contents) - len(self.contents_named)
