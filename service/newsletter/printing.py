"""Rendering the mails of one edition, here or in processes that are given the edition with them.

Pure but for templates, which are read from the disk; whoever calls brings the processes.
"""

from __future__ import annotations

import pickle
from asyncio import AbstractEventLoop, run_coroutine_threadsafe
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from service.errors import TemplateError
from service.model import Parts
from service.newsletter import layout
from service.newsletter.layout import Frame, Layout
from service.newsletter.views import CorrectionView, LineView
from service.render.engine import Renderer
from service.render.pieces import Pieces
from service.render.views import SiteView, StoryView
from service.render.words import Words
from service.store.mailing.message_parts import pack

AT_ONCE = 25
"""Mails in one task: some 50 ms."""

PATIENCE_S = 60.0
"""How long others are waited for, with all mails that they were asked for together."""

_LINES = 10_000
"""Stories as they stand in mails that are at hand, each with its number: some 2 MB."""

_BASE64_IN, _BASE64_OUT = 57, 78  # bytes in a line, characters with its CRLF

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Plate:
    """All that an edition's mails are printed from, but for which stories each has.

    `overrides`: the admin's folder of templates. `corrections`: recall -> what is said of it.
    `words`: language -> the sentences that whoever plans has read: the files may say others by now.
    """

    site: SiteView
    overrides: Path | None
    template: str
    frame: Frame
    stories: Mapping[int, StoryView]
    notes: Mapping[int, str]
    corrections: Mapping[int, CorrectionView]
    words: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WantedMail:
    """Which mail of an edition; `coming` as EditionView has it."""

    layout: Layout
    language: str
    coming: str


@dataclass(frozen=True, slots=True)
class PrintedMail:
    """`size`: of its HTML on the way. `said`: the corrections that its reader sees."""

    size: int
    packed: bytes
    said: tuple[int, ...]


Waiting = Callable[[], Sequence[PrintedMail | None] | None]
"""Waits for what was asked for; None: it, or one of it, could not be printed there."""

Press = Callable[[bytes, bytes, Sequence[WantedMail]], Waiting]
"""Asks for mails of the edition with this key, whose pickled Plate is given with it."""


class Printer:
    """Renders the mails of an edition. Not for several threads at once."""

    def __init__(
        self, renderer: Renderer, plate: Plate, beside: Mapping[str, object] = _NOTHING
    ) -> None:
        """`beside`: what the template is given besides `edition` and `once`."""
        self._renderer, self._plate, self._beside = renderer, plate, beside
        self._pieces = Pieces()
        self._lines: dict[object, LineView] = {}

    def render(self, wanted: Layout, language: str, coming: str) -> Parts:
        """The parts, with marks for the personal values. Raises TemplateError."""
        plate = self._plate
        if len(self._lines) > _LINES:
            self._lines.clear()
        edition = layout.view(
            wanted,
            plate.frame,
            plate.stories,
            plate.site.zone,
            language,
            plate.notes,
            coming,
            plate.corrections,
            self._lines,
        )
        return self._renderer.mail(
            plate.template, language, pieces=self._pieces, edition=edition, **self._beside
        )

    def printed(self, parts: Parts, wanted: Layout) -> PrintedMail:
        """What planning needs of a mail that was rendered."""
        return PrintedMail(encoded_size(parts.html), pack(parts), self._said(parts, wanted))

    def _said(self, parts: Parts, wanted: Layout) -> tuple[int, ...]:
        """The corrections that its reader sees, whichever part they read.

        A site's own template of one part may know of none; then the other part must not tell it
        either, for a mail of its own will.
        """
        known = self._plate.corrections
        return tuple(
            one
            for one in wanted.corrections
            if one in known and known[one].page in parts.html and known[one].page in parts.text
        )


_printers: dict[bytes, Printer] = {}
"""In each of the processes: the edition that it printed last."""


def print_mails(key: bytes, plate: bytes, wanted: Sequence[WantedMail]) -> list[PrintedMail | None]:
    """Runs in a process. None: a template raised for this one; the others are printed."""
    printer = _printers.get(key)
    if printer is None:
        own = pickle.loads(plate)  # noqa: S301 - our own
        _printers.clear()
        printer = _printers[key] = Printer(Renderer(own.site, own.overrides, own.words), own)
    return [_print(printer, one) for one in wanted]


def _print(printer: Printer, wanted: WantedMail) -> PrintedMail | None:
    try:
        parts = printer.render(wanted.layout, wanted.language, wanted.coming)
    except TemplateError:
        return None
    return printer.printed(parts, wanted.layout)


def press_of(
    call: Callable[..., Coroutine[Any, Any, Any]],
    loop: AbstractEventLoop,
    patience_s: float = PATIENCE_S,
) -> Press:
    """Processes that print. `call` has one of them run a function, on the event loop `loop`.

    Ask them from another thread than the loop's. Once a task fails, or `patience_s` are over, the
    others of these mails are called off.
    """

    def press(key: bytes, plate: bytes, wanted: Sequence[WantedMail]) -> Waiting:
        asked: list[Future[list[PrintedMail | None]]] = []
        for at in range(0, len(wanted), AT_ONCE):
            task = call(print_mails, key, plate, wanted[at : at + AT_ONCE])
            try:
                asked.append(run_coroutine_threadsafe(task, loop))
            except RuntimeError:  # the loop was closed: the service ends
                task.close()
                return lambda: None

        def wait() -> Sequence[PrintedMail | None] | None:
            wait_for(asked, patience_s, FIRST_EXCEPTION)
            try:
                return [one for some in asked for one in some.result(0)]
            except Exception:  # noqa: BLE001 - whoever prints them itself learns why
                return None
            finally:
                for some in asked:
                    some.cancel()

        return wait

    return press


def encoded_size(html: str) -> int:
    """Bytes of the HTML part on the way: base64, or almost as it is where it is plain ASCII."""
    size = len(html.encode("utf-8", "replace")) + html.count("\n")
    if html.isascii():
        return size + html.count("=") * 2 + size // 36  # soft line breaks
    return -(-size // _BASE64_IN) * _BASE64_OUT
