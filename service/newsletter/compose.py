"""Rendering: a layout in a language becomes the parts of a mail, never too large to be shown whole.

Gmail cuts a message off at about 102 KB of HTML, the way to unsubscribe with it. So the limit holds
by construction: whole stories move to "N more online" until the mail fits.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import RLock
from types import MappingProxyType

from service.errors import TemplateError
from service.model import DeliveryKind, Parts
from service.newsletter import layout, rules
from service.newsletter.choose import StorySelection
from service.newsletter.layout import Frame, Layout
from service.newsletter.printing import Plate, Press, PrintedMail, Printer, WantedMail
from service.newsletter.rules import Schedule
from service.newsletter.views import CorrectionView
from service.render import dates
from service.render.engine import Renderer
from service.render.views import remade_by, thaw
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

FEW = 50
"""Mails that are rendered here, where others could: to begin with an edition takes them longer."""

LAID_OUT = 6000
"""Layouts that are at hand: those of five batches, to be written, rendered and asked for."""

REMEMBERED = 20_000
"""Choices whose mail is known, without its text: as many as `choose.Chooser` remembers."""

_ROOM = HTML_LIMIT - PERSONAL


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
        """Laid out anew: an edition has many thousands, which are not kept."""
        return _lay_out(self.choice, self.topics, self.corrections)


Question = tuple[StorySelection, str, str, tuple[int, ...]]
"""What `compose` is asked: choice, language, coming, corrections."""


class EditionComposer:
    """Renders the mails of one edition. What it has rendered it keeps, by layout and language.

    Threads may share it: one that writes a batch asks for what another has had rendered.
    """

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
        notes = {one.story_id: one.note for one in frozen if one.note}
        self._plate = Plate(
            site=renderer.site,
            overrides=renderer.overrides,
            template=template or kind.value,
            frame=frame,
            stories={one.story_id: layout.shortened(thaw(one.view)) for one in frozen},
            notes=notes,
            corrections=dict(corrections),
        )
        self._printer = Printer(renderer, self._plate, beside or {})
        self._alone = bool(beside)  # or once others have failed
        shape = (renderer.mail_digest() if digest is None else digest).hex()
        # A mail that is made anew has other bytes under another name, also where its layout stays.
        remade = [(one.story_id, by) for one in frozen if (by := remade_by(one.view)) is not None]
        # Mails to editors are no readers' mails, although they lay out the same.
        told = (self._plate.template, shape, frame, notes, *remade)
        self._shape = repr(told).encode()
        self._rendered: OrderedDict[tuple[str, str, Layout], Parts] = OrderedDict()
        self._packed: dict[bytes, bytes] = {}
        self._layouts: dict[object, tuple[StorySelection, Layout]] = {}
        self._names: dict[object, bytes] = {}
        self._printed: dict[bytes, PrintedMail] = {}
        self._sent: tuple[bytes, bytes] | None = None
        self._known: dict[bytes, tuple[int, bytes, tuple[int, ...]]] = {}
        self._answers: dict[object, tuple[StorySelection, Composed]] = {}
        self._coming: dict[tuple[str, str], str] = {}
        self._failed = renderer.failures()
        self._lock = RLock()

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
        known = self._answers.get(question)
        if known is not None:  # who writes it in a transaction waits for nobody's rendering
            return known[1]
        with self._lock:
            known = self._answers.get(question)
            if known is None:
                if len(self._answers) >= REMEMBERED:
                    self._answers.clear()
                    self._known.clear()
                known = choice, self._compose(choice, language, coming, corrections)
                self._answers[question] = known
            return known[1]

    def _compose(
        self, choice: StorySelection, language: str, coming: str, corrections: tuple[int, ...]
    ) -> Composed:
        _, wanted = self._named(choice, language, coming, corrections)
        if wanted in self._failed:
            raise TemplateError(self._failed[wanted])  # what it said is all that is needed
        if wanted not in self._known:
            try:
                self._known[wanted] = self._tried(choice, language, coming, corrections)
            except TemplateError as error:
                if not isinstance(error.__cause__, OSError):  # that may be over in a moment
                    self._failed[wanted] = str(error)
                raise
        shown, key, said = self._known[wanted]
        if shown < len(choice.shown):
            choice = choice.cut_to(shown)
        return Composed(choice, self._topics, said, language, coming, key)

    def _tried(
        self, choice: StorySelection, language: str, coming: str, corrections: tuple[int, ...]
    ) -> tuple[int, bytes, tuple[int, ...]]:
        shown, key, said = self._fit(choice, language, coming, corrections)
        if said != corrections:
            shown, key, said = self._fit(choice, language, coming, said)
        return shown, key, said

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
        """How many stories may be shown; of the mail with so many its hash, and what is `said`."""
        while True:
            shown = len(choice.shown)
            fitting, key = self._named(choice, language, coming, corrections)
            made = self._printed.pop(key, None)
            if made is None:
                parts = self._render(fitting, language, coming)
                made = self._printer.printed(parts, fitting)
            if made.size <= _ROOM or shown == 1:
                self._packed[key] = made.packed
                return shown, key, made.said
            choice = choice.cut_to(max(1, min(shown - 1, shown * _ROOM // made.size)))

    def ask_for(self, questions: Iterable[Question], press: Press) -> Callable[[], None]:
        """Have what is new of these rendered by others. Call what this returns before `compose`.

        What they cannot render is rendered by `compose`, which says why, and so is all else of this
        edition from then on: whom one batch has waited for in vain, the next would as well.
        """
        with self._lock:
            wanted = self._unknown(questions)
        if len(wanted) < FEW or self._alone:
            return lambda: None
        if self._sent is None:
            plate = pickle.dumps(replace(self._plate, words=self._renderer.words_in_use()))
            self._sent = hashlib.sha256(self._shape + plate).digest(), plate
        waiting = press(*self._sent, list(wanted.values()))

        def wait() -> None:
            printed = waiting()
            with self._lock:
                if printed is None:
                    self._alone = True
                else:
                    made = zip(wanted, printed, strict=True)
                    self._printed.update({key: one for key, one in made if one is not None})

        return wait

    def _unknown(self, questions: Iterable[Question]) -> dict[bytes, WantedMail]:
        """Hash -> what is asked for, of those mails that nobody has rendered yet."""
        wanted: dict[bytes, WantedMail] = {}
        for choice, language, coming, corrections in questions:
            if (id(choice), language, coming, corrections) in self._answers:
                continue
            made, key = self._named(choice, language, coming, corrections)
            if key not in self._known and key not in self._failed:
                wanted[key] = WantedMail(made, language, coming)
        return wanted

    def render(self, wanted: Layout, language: str, coming: str = "") -> Parts:
        """The parts, with marks for the personal values. Raises TemplateError."""
        with self._lock:
            return self._render(wanted, language, coming)

    def _render(self, wanted: Layout, language: str, coming: str) -> Parts:
        key = (language, coming, wanted)
        if key not in self._rendered:
            if len(self._rendered) >= KEPT:
                self._rendered.popitem(last=False)
            self._rendered[key] = self._printer.render(wanted, language, coming)
        return self._rendered[key]

    def layout(self, mail: Composed) -> Layout:
        """The same as `mail.layout`: the one at hand, while its batch is planned."""
        known = self._layouts.get((id(mail.choice), mail.corrections))
        return mail.layout if known is None else known[1]

    def packed(self, mail: Composed) -> bytes:
        """Its parts as `segment.parts` keeps them. Raises TemplateError."""
        packed = self._packed.get(mail.hash)
        return packed or pack(self.render(mail.layout, mail.language, mail.coming))

    def hash(self, wanted: Layout, language: str, coming: str = "") -> bytes:
        """The name of what `render` gives."""
        return hashlib.sha256(self._shape + repr((language, coming, wanted)).encode()).digest()

    def _named(
        self, choice: StorySelection, language: str, coming: str, corrections: tuple[int, ...]
    ) -> tuple[Layout, bytes]:
        """The layout of a choice, and the name of its mail: both are asked for a few times."""
        made = self._laid_out(choice, corrections)
        question = id(choice), corrections, language, coming
        name = self._names.get(question)
        if name is None:
            name = self._names[question] = self.hash(made, language, coming)
        return made, name

    def _laid_out(self, choice: StorySelection, corrections: tuple[int, ...]) -> Layout:
        """The layout of a choice. It is asked for a few times, while its batch is planned."""
        key = (id(choice), corrections)
        if key not in self._layouts:  # the choice is kept with it, so that its id stays its own
            if len(self._layouts) >= LAID_OUT:
                self._layouts.clear()
                self._names.clear()
            self._layouts[key] = choice, _lay_out(choice, self._topics, corrections)
        return self._layouts[key][1]

    def forget(self, mails: Iterable[bytes]) -> None:
        """Let go of the text of these mails, by their hashes: an edition may have thousands."""
        for one in mails:
            self._packed.pop(one, None)


def _lay_out(choice: StorySelection, topics: Sequence[str], corrections: tuple[int, ...]) -> Layout:
    made = layout.lay_out(choice, topics)
    return replace(made, corrections=corrections) if corrections else made
