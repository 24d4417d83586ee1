"""feedparser's strict parser, driven straight from expat: the same answer for a third of the time.

What feedparser does to each element goes through xml.sax, attribute lists and dictionaries that
think at every look-up. This subclass keeps its handlers, which decide every meaning, and shortens
the way to them: names are resolved once, bases and links are joined once, dates are parsed only
when somebody asks for them. Nothing is decided here that feedparser does not decide.

It stands on private names (`feedparser_private`), so it is asked with one release of feedparser
alone; it says None for anything out of the ordinary (a DOCTYPE, broken XML, an exception), and the
caller asks `feedparser.parse`. tests/parse/feed/test_strict_parser.py compares the two over the
corpus, feedparser's own suite and generated documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from service.parse.feed.fast_expat import plain_entries
from service.parse.feed.fast_expat.element_names import (
    ENTRIES,
    LOWERED,
    MARKUP,
    UNUSUAL,
    ElementNames,
    markup_namespace,
    plain_names,
)
from service.parse.feed.fast_expat.element_texts import XHTML, joined, safe
from service.parse.feed.fast_expat.plain_entries import Leaf
from service.parse.feed.feedparser_private import FeedParserDict

_KEEPS_TEXT_INPUT = frozenset({"title", "link", "description", "name"})
_KEEPS_IMAGE = frozenset({"title", "link", "description", "url", "href", "width", "height"})
_INHERITED = frozenset({"xml:base", "base", "xml:lang", "lang"})
_END, _START, _NAMESPACE = 1, 2, 3
"""How long an event is that is held: (name), (name, attributes), (this, prefix, address)."""
_DIVS = frozenset({"xhtml:div", "div"})

_MOST_EVENTS = 300
"""Of an entry whose elements are kept until it is over; a plain one has some forty."""


def parse(text: bytes, url: str) -> FeedParserDict | None:
    """What `feedparser.parse` says of UTF-8 without XML declaration, sanitizing and resolving off.

    `url` is the document's base. Dates stand as `Unparsed`, and `written_id` is an entry's id
    before it was joined to a base. None: ask feedparser itself.

    `state` is the parser's state in front of the first entry, as 8 bytes, if it was the same in
    front of every entry and behind the last: then each entry means what its bytes mean in this
    state, whichever entries stand beside it. Else it is None.
    """
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        return None
    try:
        parser = _Straight(safe(url) or "", None, "utf-8")
        parser.read(text)
    except Exception:  # noqa: BLE001 - whatever it is, feedparser has its own way with it
        return None
    return FeedParserDict(
        bozo=False,
        feed=parser.feeddata,
        entries=parser.entries,
        version=parser.version,
        namespaces=parser.namespaces_in_use,
        state=parser.state,
    )


class _Straight(ElementNames):
    """One document. Its state is feedparser's; what is remembered besides is only for speed."""

    def __init__(self, baseuri: str, baselang: str | None, encoding: str) -> None:
        super().__init__(baseuri, baselang, encoding)
        self._held: list[Any] = []  # events of the entry that goes on: text, or a tuple
        self._open = 0  # of its elements
        self._catching_up = False  # what was held back happens now
        self._settled = ""  # a base that joined with itself gives itself
        self._first_state: tuple[Any, ...] | None = None

    def read(self, text: bytes) -> None:
        """Feed the whole document. Raises expat.ExpatError and whatever the handlers raise."""
        parser = self._expat = expat.ParserCreate("utf-8", " ")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        self._handle()
        parser.Parse(text, True)

    @property
    def state(self) -> bytes | None:
        if self._first_state is None or not self._steady:
            return None
        return hashlib.blake2b(repr(self._first_state).encode(), digest_size=8).digest()

    def _watch(self) -> None:
        """Look at everything that an entry could inherit from what stands before it.

        Left out is what cannot matter: what `_start_item` and every unprefixed tag set anew, names
        of namespaces that lead where they would lead anyway, and what lies in the stack of open
        elements, as long as no entry takes from it what it did not put there (`_floor`).
        """
        if self._names is None:
            self._names = self._telling_names()
        state = (
            self.depth, len(self.basestack), len(self.langstack), self.baseuri, self.lang,
            self.infeed, self.inentry, self.incontent, self.inauthor, self.incontributor,
            self.inpublisher, self.insource, self.svgOK, self.hasContent, self._summaryKey,
            self.version, self.ingeometry, self.psc_chapters_flag, tuple(self.decls.items()),
            "image" in self.feeddata, "textinput" in self.feeddata, self._names,
            tuple(self.contentparams.items()), tuple(self.sourcedata.items()),
        )  # fmt: skip
        if self._first_state is None:
            self._first_state = state
        elif state != self._first_state:
            self._steady = False

    def _telling_names(self) -> tuple[Any, ...]:
        known = self._matchnamespaces
        names = ((k, v) for k, v in self.namespacemap.items() if k is not None and k != v)
        spaces = ((k, v) for k, v in self.namespaces_in_use.items() if k and v.lower() not in known)
        return (*names, None, *spaces)

    # --- entries that may be plain -----------------------------------------------------------

    def _handle(self) -> None:
        """Let each event do at once what it does."""
        parser = self._expat
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text
        parser.StartNamespaceDeclHandler = self.startPrefixMapping

    def _hold(self) -> None:
        """Keep what happens in the entry that has just begun, until it is over."""
        parser = self._expat
        parser.StartElementHandler = self._hear_start
        parser.EndElementHandler = self._hear_end
        self._held = []
        parser.CharacterDataHandler = self._held.append
        parser.StartNamespaceDeclHandler = self._hear_namespace
        self._open = 0

    def _hear_start(self, written: str, attributes: dict[str, str]) -> None:
        self._open += 1
        self._held.append((written, attributes))
        if len(self._held) > _MOST_EVENTS:
            self._let_go()

    def _hear_namespace(self, prefix: str | None, uri: str) -> None:
        self._held.append((_NAMESPACE, prefix, uri))

    def _hear_end(self, written: str) -> None:
        if self._open:
            self._open -= 1
            self._held.append((written,))
            return
        leaves = self._leaves(self._held) or self._leaves_and_others()
        if leaves is not None and plain_entries.take(self, leaves, self._replay):
            self._handle()
            self._close(written)
            return
        self._let_go()
        self._on_end(written)

    def _let_go(self) -> None:
        """The entry is not plain: its events do what they do."""
        self._handle()
        held, self._held = self._held, []
        self._catching_up = True
        self._replay(held)
        self._catching_up = False

    def _replay(self, events: Sequence[Any]) -> None:
        for event in events:
            if isinstance(event, str):
                self._on_text(event)
            elif len(event) == _START:
                self._on_start(*event)
            elif len(event) == _END:
                self._on_end(*event)
            else:
                self.startPrefixMapping(*event[1:])

    def _opens_a_leaf(self, event: tuple[Any, ...], depth: int, inner: str | None) -> bool:
        if len(event) != _START:
            return False
        name = self._leaf_name(event[0])
        if depth == 0:
            return name in plain_entries.KINDS
        return depth == 1 and inner is None and name == "name" and not event[1]

    def _leaves(self, events: Sequence[Any]) -> list[Leaf] | None:
        """Elements in order. None: they stand in each other, bind names or are not to be plain."""
        leaves: list[Leaf] = []
        depth = 0
        name, text = "", ""
        given: dict[str, str] = {}
        inside = inner = None  # the text of a name that stands in it: while it goes on, then
        for event in events:
            if event.__class__ is str:
                if depth == 1:
                    text += event
                elif inside is not None:
                    inside += event
            elif len(event) == _END:
                depth -= 1
                if depth:
                    inner, inside = inside, None
                else:
                    leaves.append(Leaf(name, plain_names(given) if given else {}, text, inner))
            elif not self._opens_a_leaf(event, depth, inner):
                return None
            elif depth == 0:
                depth, text, inner, given = 1, "", None, event[1]
                name = self._leaf_name(event[0])
            else:
                depth, inside = 2, ""
        return leaves

    def _leaves_and_others(self) -> list[Leaf] | None:
        """As `_leaves`, where some of them go through their handlers."""
        leaves: list[Leaf] = []
        depth = begin = 0
        for at, event in enumerate(self._held):
            if event.__class__ is str:
                continue
            if len(event) == _NAMESPACE:
                return None
            if len(event) == _START:
                begin = begin if depth else at
                depth += 1
                continue
            depth -= 1
            if not depth:
                leaf = self._leaf_or_other(self._held[begin : at + 1])
                if leaf is None:
                    return None
                leaves.append(leaf)
        return leaves

    def _leaf_or_other(self, events: Sequence[Any]) -> Leaf | None:
        leaves = self._leaves(events)
        if leaves is not None:
            return leaves[0]
        starts = (one for one in events if one.__class__ is tuple and len(one) == _START)
        names = [self._leaf_name(event[0]) for event in starts]
        may_hold = plain_entries.BY_HANDLERS.get(names[0])
        if may_hold is None or not may_hold.issuperset(names[1:]):
            return None
        return Leaf(names[0], {}, "", None, events)

    # --- events ------------------------------------------------------------------------------

    def _on_text(self, text: str) -> None:
        stack = self.elementstack
        if stack:
            if self.contentparams and dict.get(self.contentparams, "type") == XHTML:
                text = escape(text)
            stack[-1][2].append(text)

    def _on_start(self, written: str, attributes: dict[str, str]) -> None:
        tag = self._start_names.get(written)
        if tag is None:
            tag = self._start_names[written] = self._name(written, start=True)
        if tag in ENTRIES:
            self._watch()
            self._floor = len(self.elementstack)
            self._begin_entry(tag, written, attributes)
            return
        self._start(tag, written, attributes)

    def _begin_entry(self, tag: str, written: str, attributes: dict[str, str]) -> None:
        number, binds = len(self.entries), bool(self.decls)
        self._start(tag, written, attributes)
        begun = len(self.entries) == number + 1 and not (binds or self._catching_up)
        if begun and self.baseuri == self._settled and plain_entries.is_calm(self):
            self._hold()

    def _start(self, tag: str, written: str, attributes: dict[str, str]) -> None:
        if self.incontent or self.decls or tag in UNUSUAL or tag.endswith(MARKUP):
            given = self._attributes(attributes, markup_namespace(written))
            self.unknown_starttag(tag, list(given.items()))
            return
        given = {}
        if attributes:
            given = self._attributes(attributes, None)
            if not _INHERITED.isdisjoint(given):
                self.unknown_starttag(tag, list(given.items()))
                return
            for name in LOWERED:
                if name in given:
                    given[name] = given[name].lower()
        self.depth += 1
        if self.baseuri != self._settled:
            self.baseuri = _joined_with_itself(self.baseuri)
            if self.baseuri == _joined_with_itself(self.baseuri):
                self._settled = self.baseuri
        self.basestack.append(self.baseuri)
        self.langstack.append(self.lang)
        self._begin(tag, given)

    def _begin(self, tag: str, given: dict[str, str]) -> None:
        known = self._starts.get(tag)
        if known is None:
            bare, name = self._mapped(tag)
            known = self._starts[tag] = (
                getattr(self, f"_start_{name}", None),
                name,
                bare and tag not in _KEEPS_TEXT_INPUT,
                bare and tag not in _KEEPS_IMAGE,
            )
        handler, name, ends_text_input, ends_image = known
        if ends_text_input:
            self.intextinput = 0
        if ends_image:
            self.inimage = 0
        if handler is not None:
            with suppress(AttributeError):  # feedparser's own way to say "as if unknown"
                handler(given)
                return
        if given:
            self._get_context()[name] = given
        else:
            self.push(name, 1)

    def _on_end(self, written: str) -> None:
        tag = self._close(written)
        if tag in ENTRIES:
            self._watch()

    def _close(self, written: str) -> str:
        """The tag of what ended. Behind a plain entry nothing is otherwise than in front of it."""
        tag = self._end_names.get(written)
        if tag is None:
            tag = self._end_names[written] = self._name(written, start=False)
        self._end(tag)
        if tag in ENTRIES:
            self._floor = 0
        return tag

    def _end(self, tag: str) -> None:
        if self.svgOK or (self.incontent and dict.get(self.contentparams, "type") == XHTML):
            self.unknown_endtag(tag)
            return
        known = self._ends.get(tag)
        if known is None:
            name = self._mapped(tag)[1]
            known = self._ends[tag] = (getattr(self, f"_end_{name}", None), name)
        handler, name = known
        try:
            if handler is None:
                self.pop(name)
            else:
                handler()
        except AttributeError:
            self.pop(name)
        if not (self.incontent and self._is_div_or_markup(tag)):
            self._go_up()

    def _is_div_or_markup(self, tag: str) -> bool:
        """As feedparser tracks markup that was not declared as such. True: a bare div, skipped."""
        if not self.contentparams.get("type", "xml").endswith("xml"):
            if tag in _DIVS:
                return True
            self.contentparams["type"] = XHTML
        if self.contentparams.get("type") == XHTML:
            self.handle_data(f"</{tag.rpartition(':')[2]}>", escape=0)
        return False

    def _go_up(self) -> None:
        bases, langs = self.basestack, self.langstack
        if bases:
            bases.pop()
            if bases and bases[-1]:
                self.baseuri = bases[-1]
        if langs:
            langs.pop()
            if langs:
                self.lang = langs[-1]
        self.depth -= 1


def _joined_with_itself(base: str) -> str:
    """What an element without xml:base makes of the base in force."""
    return (safe(base, base) or base) if base else joined(base, base)
