"""Pieces of mails that many mails of an edition share: each is written, and styled, once.

    template ── once(key) ──> text of a piece ──┐
    html ──> without its pieces ── styles inlined ──> with its pieces, each inlined where it stands

What stands there is what inlining the whole gives, byte for byte, and for a third of the time. That
is so where no selector looks beside or behind an element (`p + p`, `:last-child`): then the style
of an element follows from itself and what it stands in. Where a template has others, or a piece is
no tree of its own, the mail is inlined as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from service.render.shapes import TEXT_MARK, are_texts, parted

_MOST_CHARS = 3_000_000
"""Of what is kept, in all; then it is begun anew. An edition of a hundred topics has a tenth."""

_COMPARED = 3
"""Mails of a style that are inlined both ways, before pieces are trusted with it."""

_MOST_SHAPES = 200
"""That are known: an edition has some dozens. Where each mail has its own, nothing is gained."""

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
_OTHER_TREES = frozenset(
    ("base", "frameset", "iframe", "link", "math", "noembed", "noframes", "noscript", "plaintext",
     "script", "select", "svg", "template", "textarea", "xmp")
)  # fmt: skip
"""What is read by rules of its own, or brings styles from elsewhere."""

_TOKEN = re.compile(
    r"<!--(?P<comment>.*?)-->|<!(?!--)(?P<doctype>[^>]*)>"
    r"|(?P<raw><(?P<kind>style|title)\b[^>]*>.*?</(?P=kind)\s*>)"
    r"|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*)(?:[^>\"']|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL,
)
_MARK = re.compile(r"<!--piece (\d+)-->")
_HERE, _THERE = "<!--from here-->", "<!--to here-->"
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_PLAIN_SELECTORS = re.compile(r"(?:[\w\s.#,>*-]|:root\b)*")

Inline = Callable[[str], str]
_Tag = tuple[str, str]
"""Name of an element, and its whole start tag."""


_Place = tuple[str, str, tuple[_Tag, ...]]
"""Where a piece stands: the document's type, its styles, the elements around."""

_OF_THE_DOCUMENT = frozenset(("html", "head", "body"))


class _PieceKind(Enum):
    """Of a piece. TREE: what it opens it closes, so that it can be taken out.

    PART: of what is open before it or behind it, but whole tags. OTHER: all else.
    """

    TREE = auto()
    PART = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class _TagSteps:
    """What a text closes of what is open before it, the last one first, and leaves open."""

    closed: tuple[str, ...]
    opened: tuple[_Tag, ...]


@dataclass(frozen=True, slots=True)
class _InlinedShape:
    """What is the same in mails of one shape, and between each two of these what differs.

    Slots: the number of a piece and its place, or of a text and None.
    """

    literals: list[str]
    slots: list[tuple[int, _Place | None]]

    def add(self, made: str) -> None:
        """What comes next, with marks of texts in it."""
        first, *rest = TEXT_MARK.split(made)
        self.literals.append(first)
        self.slots.extend((int(number), None) for number in rest[::2])
        self.literals.extend(rest[1::2])

    def join(self, made: str) -> None:
        """The same, where nothing stands between it and what came before."""
        before = self.literals.pop()
        at = len(self.literals)
        self.add(made)
        self.literals[at] = before + self.literals[at]


class Pieces:
    """Those of one edition's mails, for a template that says which they are (`once`)."""

    def __init__(self) -> None:
        self._texts: dict[Hashable, str] = {}
        self._given: list[str] = []
        self._depth = 0
        self._inlined: dict[tuple[str, _Place], str | None] = {}
        self._around: dict[_Place, tuple[str, str] | None] = {}
        self._kinds: dict[str, _PieceKind] = {}
        self._steps: dict[str, _TagSteps | None] = {}
        self._heads: dict[str, str] = {}
        self._trusted: dict[str, int] = {}
        self._shapes: dict[tuple[str, tuple[bool, ...]], _InlinedShape | None] = {}
        self._chars = 0
        self._is_first = True

    def once(self, language: str, *key: Hashable, caller: Callable[[], str]) -> str:
        """A piece of a template under a key that says all it depends on in this language."""
        whole = (language, *key)
        known = self._texts.get(whole)
        if known is None:
            self._depth += 1
            try:
                known = caller()
            finally:
                self._depth -= 1
            self._texts[whole] = known
            self._chars += len(known)
        if not self._depth:
            self._given.append(known)
        return known

    def begin(self) -> None:
        """A mail's HTML is about to be written."""
        self._given.clear()
        if self._chars > _MOST_CHARS:
            self._texts.clear()
            self._inlined.clear()
            self._around.clear()
            self._kinds.clear()
            self._steps.clear()
            self._heads.clear()
            self._shapes.clear()
            self._chars = 0

    def inline(self, html: str, inline: Inline) -> str:
        """What `inline` makes of this mail, which was written since `begin`.

        Raises what `inline` raises.
        """
        if self._is_first:  # many an edition has no other, and then nothing is shared
            self._is_first = False
            return inline(html)
        skeleton, taken = self._without(html)
        styles = self._styles(skeleton) if taken else None
        if styles is None or self._trusted[styles] < 0:
            return inline(html)
        made = self._made(skeleton, taken, styles, inline)
        if made is None:
            return inline(html)
        if self._trusted[styles] >= _COMPARED:
            return made
        whole = inline(html)
        self._trusted[styles] = self._trusted[styles] + 1 if made == whole else -1
        return whole

    def _without(self, html: str) -> tuple[str, list[str | None]]:
        """The mail with marks instead of pieces that are trees, and around others.

        By the number of each mark, its piece; None: it marks a place, and what it is about is left.
        """
        parts: list[str] = []
        taken: list[str | None] = []
        at = 0
        for piece in self._given:
            if piece not in self._kinds:
                self._kinds[piece] = _kind_of(piece)
            kind = self._kinds[piece]
            found = -1 if kind is _PieceKind.OTHER else html.find(piece, at)
            if found < 0:
                continue  # it stays in the rest
            parts.append(html[at:found])
            if kind is _PieceKind.TREE:
                parts.append(f"<!--piece {len(taken)}-->")
                taken.append(piece)
            else:
                parts += [f"<!--piece {len(taken)}-->", piece, f"<!--piece {len(taken) + 1}-->"]
                taken += [None, None]
            at = found + len(piece)
        parts.append(html[at:])
        return "".join(parts), taken

    def _styles(self, skeleton: str) -> str | None:
        """The style elements of its head. None: it has others, or no body."""
        end = skeleton.find("<body")
        if end < 0 or "<style" in skeleton[end:]:
            return None
        head = skeleton[:end]
        if head not in self._heads:
            found = (token["raw"] for token in _TOKEN.finditer(head) if token["kind"] == "style")
            styles = self._heads[head] = "".join(found)
            plain = all(_PLAIN_SELECTORS.fullmatch(one) for one in _selectors(styles))
            self._trusted.setdefault(styles, 0 if plain else -1)
        return self._heads[head]

    def _made(
        self, skeleton: str, taken: Sequence[str | None], styles: str, inline: Inline
    ) -> str | None:
        """The mail put together, by what is known of its shape. None: it cannot be."""
        parts = parted(skeleton)
        if parts is None:
            return None
        shape, texts = parts
        key = shape, tuple(piece is None for piece in taken)
        known = self._shapes.get(key)
        if known is not None:
            return self._filled(known, taken, texts, inline)
        made = self._put_together(skeleton, taken, styles, inline)
        if made is not None and key not in self._shapes and len(self._shapes) < _MOST_SHAPES:
            laid = None
            if are_texts(shape, _TOKEN, _OTHER_TREES.__contains__):
                laid = self._laid(shape, inline(shape), taken, styles)
            if laid is not None and self._filled(laid, taken, texts, inline) != made:
                laid = None
            self._shapes[key] = laid
            self._chars += 2 * len(shape)
        return made

    def _put_together(
        self, skeleton: str, taken: Sequence[str | None], styles: str, inline: Inline
    ) -> str | None:
        """None: a piece does not stand where its mark did as a tree of its own."""
        laid = self._laid(skeleton, inline(skeleton), taken, styles)
        return None if laid is None else self._filled(laid, taken, (), inline)

    def _laid(
        self, skeleton: str, made: str, taken: Sequence[str | None], styles: str
    ) -> _InlinedShape | None:
        """Where the pieces stand in what a skeleton was made, and the texts of a shape.

        None: one does not stand where its mark did as a tree of its own. It does where the parser
        has the same elements open at its mark as are written before it.
        """
        first, *rest = _MARK.split(made)
        if [int(number) for number in rest[::2]] != list(range(len(taken))):
            return None
        doctype = _MARK.sub("", made[: made.find("<html")])
        written = _MARK.split(skeleton)[::2]
        laid = _InlinedShape([], [])
        laid.add(first)
        open_tags, source = self._walk((), first), self._walk((), written[0])
        texts = zip(rest[1::2], written[1:], strict=True)
        for number, (piece, (text, as_written)) in enumerate(zip(taken, texts, strict=True)):
            if open_tags is None or source is None or _names(open_tags) != _names(source):
                return None
            if piece is not None:
                laid.slots.append((number, (doctype, styles, open_tags)))
                laid.add(text)
            else:
                laid.join(text)
            open_tags, source = self._walk(open_tags, text), self._walk(source, as_written)
        return laid if open_tags == () == source else None

    def _filled(
        self, laid: _InlinedShape, taken: Sequence[str | None], texts: Sequence[str], inline: Inline
    ) -> str | None:
        parts = [laid.literals[0]]
        for (number, place), literal in zip(laid.slots, laid.literals[1:], strict=True):
            if place is None:
                parts.append(texts[number])
            else:
                piece = taken[number]
                styled = None if piece is None else self._styled(piece, place, inline)
                if styled is None:
                    return None
                parts.append(styled)
            parts.append(literal)
        return "".join(parts)

    def _walk(self, open_tags: tuple[_Tag, ...], text: str) -> tuple[_Tag, ...] | None:
        """Which elements are open behind this text. None: it is not known."""
        if text not in self._steps:
            self._steps[text] = _step(text)
            self._chars += len(text)
        step = self._steps[text]
        if step is None or len(step.closed) > len(open_tags):
            return None
        left = len(open_tags) - len(step.closed)
        ended = tuple(name for name, _ in reversed(open_tags[left:]))
        return open_tags[:left] + step.opened if ended == step.closed else None

    def _styled(
        self,
        piece: str,
        place: _Place,
        inline: Inline,
    ) -> str | None:
        """A piece with its styles inlined, inside of these elements."""
        if (piece, place) not in self._inlined:
            if place not in self._around:
                before, mark, after = inline(_alone("", place)).partition(_HERE + _THERE)
                self._around[place] = (before, after) if mark else None
            around = self._around[place]
            made = None if around is None else inline(_alone(piece, place))
            if made is not None and around is not None:
                before, after = around[0] + _HERE, _THERE + around[1]
                is_alone = made.startswith(before) and made.endswith(after)
                made = made[len(before) : len(made) - len(after)] if is_alone else None
            self._inlined[piece, place] = made
            self._chars += len(made or "")
        return self._inlined[piece, place]


def _alone(piece: str, place: _Place) -> str:
    """A document that has this piece in these elements, and nothing else but the styles."""
    doctype, styles, tags = place
    (_, html), *inside = tags or (("html", "<html>"),)
    opened = "".join(tag for _, tag in inside)
    closed = "".join(f"</{name}>" for name, _ in reversed(inside))
    head = f"{doctype}{html}<head>{styles}</head>"
    return f"{head}{opened}{_HERE}{piece}{_THERE}{closed}</html>"


def _names(open_tags: Sequence[_Tag]) -> list[str]:
    """But for the one that tables are given where nobody wrote it."""
    return [name for name, _ in open_tags if name != "tbody"]


def _step(text: str) -> _TagSteps | None:
    """None: it has what is read by rules of its own, or ends within a tag."""
    closed: list[str] = []
    opened: list[_Tag] = []
    if "<" in _TOKEN.sub("", text):
        return None
    for token in _TOKEN.finditer(text):
        if token["name"] is None:
            continue
        name = token["name"].lower()
        if name in _OTHER_TREES:
            return None
        if not token["end"]:
            if name not in _VOID:
                opened.append((name, token[0]))
        elif not opened:
            closed.append(name)
        elif opened.pop()[0] != name:
            return None
    return _TagSteps(tuple(closed), tuple(opened))


def _kind_of(piece: str) -> _PieceKind:
    step = _step(piece)
    if step is None:
        return _PieceKind.OTHER
    says = any(
        token["raw"] or token["doctype"] or (token["name"] or "").lower() in _OF_THE_DOCUMENT
        for token in _TOKEN.finditer(piece)
    )
    return _PieceKind.PART if says or step.closed or step.opened else _PieceKind.TREE


def _selectors(styles: str) -> Iterator[str]:
    """What stands before each block but those of at-rules, which are not inlined."""
    css = _CSS_COMMENT.sub("", re.sub(r"</?style\b[^>]*>", "", styles))
    at, depth = 0, 0
    for found in re.finditer(r"[{};]", css):
        if found[0] == "{":
            if not depth:
                selector = css[at : found.start()].strip()
                if not selector.startswith("@"):
                    yield selector
            depth += 1
        elif found[0] == "}":
            depth = max(0, depth - 1)
        if not depth:
            at = found.end()
