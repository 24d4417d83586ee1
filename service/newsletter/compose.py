"""Rendering: a layout in a language becomes the parts of a mail, never too large to be shown whole.

Gmail cuts a message off at about 102 KB of HTML, the way to unsubscribe with it. So the limit holds
by construction: whole stories move to "N more online" until the mail fits.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from service.model import DeliveryKind, Parts
from service.newsletter import layout, rules
from service.newsletter.choose import StorySelection
from service.newsletter.layout import Frame, Layout
from service.newsletter.rules import Schedule
from service.newsletter.views import CorrectionView
from service.render import dates
from service.render.engine import Renderer
from service.render.pieces import Pieces
from service.render.views import StoryView, remade_by, thaw
from service.store.mailing.editions import Frozen
from service.store.mailing.message_parts import pack

HTML_LIMIT = 90_000
"""Bytes of the HTML part as it is encoded for the way, with all that is personal in it."""

PERSONAL = 4_000
"""Of these, kept free for personal values: two addresses on the site, a mail address of 254
characters, the topics (`mail.personal.TOPICS_CHARS`)."""

KEPT = 8
"""Rendered mails that stay in memory as text: some ninety kilobytes each. Those of a batch are
kept packed, a twentieth of it."""

REMEMBERED = 20_000
"""Choices whose mail is known, without its text: as many as `choose.Chooser` remembers."""

_ROOM = HTML_LIMIT - PERSONAL
_BASE64_IN, _BASE64_OUT = 57, 78  # bytes in a line, characters with its CRLF


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail but for its personal values. `choice` is what it shows and counts: what is told.

    `topics` are the digest's, `corrections` the recalls that it does tell of. `hash` names layout,
    language and templates: the segment's key, and its MIME boundary. Its parts are
    `EditionComposer.render(layout, language, coming)`; `coming` as EditionView has it.
    """

    choice: StorySelection
    topics: Sequence[str]
    corrections: tuple[int, ...]
    language: str
    coming: str
    hash: bytes

    @property
    def layout(self) -> Layout:
        """Laid out anew: an edition has many thousands, and of each this is asked once."""
        return _lay_out(self.choice, self.topics, self.corrections)


class EditionComposer:
    """Renders the mails of one edition. What it has rendered it keeps, by layout and language."""

    def __init__(
        self,
        renderer: Renderer,
        kind: DeliveryKind,
        frame: Frame,
        topics: Sequence[str],
        frozen: Sequence[Frozen],
        digest: bytes | None = None,
        beside: Mapping[str, object] | None = None,
        template: str = "",
        corrections: Mapping[int, CorrectionView] = MappingProxyType({}),
    ) -> None:
        """`topics`: the digest's, in its order. `digest`: `renderer.mail_digest()`, if known.

        `template` "": that of the kind. `beside`: what it is given besides `edition` and `once`.
        `corrections`: recall -> what is said of it.
        """
        self._renderer = renderer
        self._frame = frame
        self._topics = topics
        self._stories: Mapping[int, StoryView] = {
            one.story_id: layout.shortened(thaw(one.view)) for one in frozen
        }
        self._notes = {one.story_id: one.note for one in frozen if one.note}
        self._beside = beside or {}
        self._template = template or kind.value
        shape = (renderer.mail_digest() if digest is None else digest).hex()
        # A mail that is made anew has other bytes under another name, also where its layout stays.
        remade = [(one.story_id, by) for one in frozen if (by := remade_by(one.view)) is not None]
        told = (kind.value, shape, frame, self._notes, *remade)
        self._shape = repr(told).encode()
        self._corrections = corrections
        self._rendered: OrderedDict[tuple[str, str, Layout], Parts] = OrderedDict()
        self._packed: dict[bytes, bytes] = {}
        self._pieces = Pieces()
        self._known: dict[bytes, tuple[int, bytes, tuple[int, ...]]] = {}
        self._answers: dict[object, tuple[StorySelection, Composed]] = {}
        self._coming: dict[tuple[str, str], str] = {}

    def compose(
        self,
        choice: StorySelection,
        language: str,
        coming: str = "",
        corrections: tuple[int, ...] = (),
    ) -> Composed:
        """The mail of a choice that shows something. Raises TemplateError.

        It is rendered when its layout is seen for the first time: so its size is known.
        `corrections`: the recalls that it is to tell of; its layout has those that it does.
        """
        # Who has the same choice has the very same one (choose.Chooser), which is kept beside its
        # answer: so it is known by its id, for less than its layout costs.
        question = (id(choice), language, coming, corrections)
        if question not in self._answers:
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
                self._known.clear()
            self._answers[question] = choice, self._compose(choice, language, coming, corrections)
        return self._answers[question][1]

    def _compose(
        self, choice: StorySelection, language: str, coming: str, corrections: tuple[int, ...]
    ) -> Composed:
        wanted = self.hash(_lay_out(choice, self._topics, corrections), language, coming)
        if wanted not in self._known:
            shown, key, said = self._fit(choice, language, coming, corrections)
            if said != corrections:
                shown, key, said = self._fit(choice, language, coming, said)
            self._known[wanted] = shown, key, said
        shown, key, said = self._known[wanted]
        if shown < len(choice.shown):
            choice = choice.cut_to(shown)
        return Composed(choice, self._topics, said, language, coming, key)

    def coming(self, rule: str, language: str) -> str:
        """When the edition after this one is due by a subscription's rule, written out."""
        known = self._coming.get((rule, language))
        if known is None:
            schedule = rules.read(rule)
            known = self.written(schedule, schedule.next_cut(self._frame.cut_at), language)
            self._coming[rule, language] = known
        return known

    def written(self, schedule: Schedule, cut: datetime, language: str) -> str:
        """A cut in the zone of its subscription; "" for a cadence without days."""
        if not schedule.has_days:
            return ""
        return dates.moment(cut, schedule.zone, self._renderer.words(language))

    def _fit(
        self, choice: StorySelection, language: str, coming: str, corrections: tuple[int, ...]
    ) -> tuple[int, bytes, tuple[int, ...]]:
        """How many stories may be shown; of the mail with so many its hash and `_said`."""
        while True:
            shown = len(choice.shown)
            fitting = _lay_out(choice, self._topics, corrections)
            parts = self.render(fitting, language, coming)
            size = encoded_size(parts.html)
            if size <= _ROOM or shown == 1:
                key = self.hash(fitting, language, coming)
                self._packed[key] = pack(parts)
                return shown, key, self._said(fitting, parts)
            choice = choice.cut_to(max(1, min(shown - 1, shown * _ROOM // size)))

    def render(self, wanted: Layout, language: str, coming: str = "") -> Parts:
        """The parts, with marks for the personal values. Raises TemplateError."""
        key = (language, coming, wanted)
        if key not in self._rendered:
            if len(self._rendered) >= KEPT:
                self._rendered.popitem(last=False)
            edition = layout.view(
                wanted,
                self._frame,
                self._stories,
                self._renderer.site.zone,
                language,
                self._notes,
                coming,
                self._corrections,
            )
            self._rendered[key] = self._renderer.mail(
                self._template, language, pieces=self._pieces, edition=edition, **self._beside
            )
        return self._rendered[key]

    def _said(self, wanted: Layout, parts: Parts) -> tuple[int, ...]:
        """The corrections that its reader sees, whichever part they read.

        A site's own template of one part may know of none; then the other part must not tell it
        either, for a mail of its own will.
        """
        known = self._corrections
        return tuple(
            one
            for one in wanted.corrections
            if one in known and known[one].page in parts.html and known[one].page in parts.text
        )

    def packed(self, mail: Composed) -> bytes:
        """Its parts as `segment.parts` keeps them. Raises TemplateError."""
        if mail.hash not in self._packed:
            self._packed[mail.hash] = pack(self.render(mail.layout, mail.language, mail.coming))
        return self._packed[mail.hash]

    def hash(self, wanted: Layout, language: str, coming: str = "") -> bytes:
        """The name of what `render` gives."""
        return hashlib.sha256(self._shape + repr((language, coming, wanted)).encode()).digest()

    def forget(self) -> None:
        """Let go of what was rendered: an edition may have thousands of segments."""
        self._packed.clear()


def _lay_out(choice: StorySelection, topics: Sequence[str], corrections: tuple[int, ...]) -> Layout:
    made = layout.lay_out(choice, topics)
    return replace(made, corrections=corrections) if corrections else made


def everything(choice: StorySelection) -> StorySelection:
    """The choice with every story shown: what is rendered once to see that all can be."""
    return replace(choice, shown=choice.all, counted=())


def encoded_size(html: str) -> int:
    """Bytes of the HTML part on the way: base64, or almost as it is where it is plain ASCII."""
    size = len(html.encode("utf-8", "replace")) + html.count("\n")
    if html.isascii():
        return size + html.count("=") * 2 + size // 36  # soft line breaks
    return -(-size // _BASE64_IN) * _BASE64_OUT
