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
from contextlib import suppress
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from service.parse.feed.fast_expat.element_names import (
    ENTRIES,
    LOWERED,
    MARKUP,
    UNUSUAL,
    ElementNames,
    markup_namespace,
)
from service.parse.feed.fast_expat.element_texts import XHTML, joined, safe
from service.parse.feed.feedparser_private import FeedParserDict

_KEEPS_TEXT_INPUT = frozenset({"title", "link", "description", "name"})
_KEEPS_IMAGE = frozenset({"title", "link", "description", "url", "href", "width", "height"})
_INHERITED = frozenset({"xml:base", "base", "xml:lang", "lang"})
_DIVS = frozenset({"xhtml:div", "div"})


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
        self._settled = ""  # a base that joined with itself gives itself
        self._first_state: tuple[Any, ...] | None = None

    def read(self, text: bytes) -> None:
        """Feed the whole document. Raises expat.ExpatError and whatever the handlers raise."""
        parser = expat.ParserCreate("utf-8", " ")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text
        parser.StartNamespaceDeclHandler = self.startPrefixMapping
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
        self._start(tag, written, attributes)

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
        tag = self._end_names.get(written)
        if tag is None:
            tag = self._end_names[written] = self._name(written, start=False)
        self._end(tag)
        if tag in ENTRIES:
            self._floor = 0
            self._watch()

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
        """Tracks undeclared markup as feedparser does. True: a bare div, skipped."""
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
