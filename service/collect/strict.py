"""feedparser's strict parser, driven straight from expat: the same answer for a third of the time.

What feedparser does to each element goes through xml.sax, attribute lists and dictionaries that
think at every look-up. This subclass keeps its handlers, which decide every meaning, and shortens
the way to them: names are resolved once, bases and links are joined once, dates are parsed only
when somebody asks for them. Nothing is decided here that feedparser does not decide.

It stands on private names, so it works with exactly one release of feedparser and says None
otherwise; it says None as well for anything out of the ordinary (a DOCTYPE, broken XML, an
exception), and the caller asks `feedparser.parse`. tests/collect/test_strict.py compares the two
over the corpus, feedparser's own suite and generated documents.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

import feedparser
from feedparser.api import StrictFeedParser
from feedparser.datetimes import _parse_date
from feedparser.html import _cp1252
from feedparser.urls import _urljoin, make_safe_absolute_uri
from feedparser.util import FeedParserDict

from service.text.addresses import PLAIN_ADDRESS

KNOWN_RELEASE = "6.0.14"
"""Another release of feedparser is asked the long way until this module has been compared to it."""

_USERLAND = "http://backend.userland.com/rss"
_XHTML = "application/xhtml+xml"
_KEEPS_TEXT_INPUT = frozenset({"title", "link", "description", "name"})
_KEEPS_IMAGE = frozenset({"title", "link", "description", "url", "href", "width", "height"})
_UNUSUAL = frozenset({"feed", "rss", "rdf:RDF"})  # their language is the feed's
_MARKUP = ("math", "svg")
_MARKUP_NAMESPACES = frozenset(
    {("math", "http://www.w3.org/1998/Math/MathML"), ("svg", "http://www.w3.org/2000/svg")}
)
_INHERITED = frozenset({"xml:base", "base", "xml:lang", "lang"})
_ENTRIES = frozenset({"item", "entry"})
_LOWERED = ("rel", "type")
_DIVS = frozenset({"xhtml:div", "div"})
_NOT_KEPT = frozenset({"category", "tags", "itunes_keywords"})  # their handlers keep them
_NAMED = re.compile("&([A-Za-z0-9_]+);")
_C1 = re.compile("[\x80-\x9f]")
_ODD_KEYS = frozenset({*FeedParserDict.keymap, "category", "enclosures", "license", "updated"})

_join = lru_cache(maxsize=4096)(_urljoin)
_safe = lru_cache(maxsize=4096)(make_safe_absolute_uri)


class Unparsed(str):
    """A date as it is written, in the place of its parsed form; `instant` parses it."""

    __slots__ = ()

    @property
    def instant(self) -> Any:
        """A time.struct_time in UTC as feedparser reads it, None where it cannot."""
        return _parse_date(str(self))


class _Record(FeedParserDict):  # type: ignore[misc]
    """A FeedParserDict that looks up ordinary keys without thinking."""

    def get(self, key: str, default: Any = None) -> Any:
        if key in _ODD_KEYS or key.endswith("_parsed"):
            return super().get(key, default)
        return dict.get(self, key, default)

    def setdefault(self, key: str, default: Any) -> Any:
        if key in _ODD_KEYS or key.endswith("_parsed"):
            return super().setdefault(key, default)
        return dict.setdefault(self, key, default)

    def __contains__(self, key: object) -> bool:
        if key in _ODD_KEYS or str(key).endswith("_parsed"):
            return bool(super().__contains__(key))
        return dict.__contains__(self, key)


def parse(text: bytes, url: str) -> FeedParserDict | None:
    """What `feedparser.parse` says of UTF-8 without XML declaration, sanitizing and resolving off.

    `url` is the document's base. Dates stand as `Unparsed`, and `written_id` is an entry's id
    before it was joined to a base. None: ask feedparser itself.

    `state` is the parser's state in front of the first entry, as 8 bytes, if it was the same in
    front of every entry and behind the last: then each entry means what its bytes mean in this
    state, whichever entries stand beside it. Else it is None.
    """
    if feedparser.__version__ != KNOWN_RELEASE or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        return None
    parser = _Straight(_safe(url) or "", None, "utf-8")
    try:
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


class _Straight(StrictFeedParser):  # type: ignore[misc]
    """One document. Its state is feedparser's; what is remembered besides is only for speed."""

    resolve_relative_uris = False
    sanitize_html = False
    baseuri: str
    lang: str | None
    decls: dict[str, str]
    contentparams: dict[str, Any]

    def __init__(self, baseuri: str, baselang: str | None, encoding: str) -> None:
        super().__init__(baseuri, baselang, encoding)
        self._start_names: dict[str, str] = {}
        self._end_names: dict[str, str] = {}
        self._starts: dict[str, tuple[Any, str, bool, bool]] = {}
        self._ends: dict[str, tuple[Any, str]] = {}
        self._settled = ""  # a base that joined with itself gives itself
        self._depths: dict[str, int] = {}  # of the properties of the last entry
        self._written = ""  # what the last id was before it was joined
        self._names: tuple[Any, ...] | None = None
        self._first_state: tuple[Any, ...] | None = None
        self._steady = True
        self._floor = 0  # how many open elements are not the entry's own

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

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        super().track_namespace(prefix, uri)
        self._names = None
        for remembered in (self._start_names, self._end_names, self._starts, self._ends):
            remembered.clear()

    # --- names -------------------------------------------------------------------------------

    def _name(self, written: str, *, start: bool) -> str:
        """The tag of an element, from expat's "address local prefix"."""
        namespace, local, _ = _parted(written)
        lower = (namespace or "").lower()
        if start and "backend.userland.com/rss" in lower:
            namespace = lower = _USERLAND
        prefix = self._matchnamespaces.get(lower)
        if prefix:
            local = f"{prefix}:{local}"
        elif namespace:
            for name, value in self.namespaces_in_use.items():
                if name and value == namespace:
                    local = f"{name}:{local}"
                    break
        return local.lower()

    def _attributes(self, written: dict[str, str], markup: str | None) -> dict[str, str]:
        """As startElementNS gathers them: by their known prefix, then by their own."""
        found: dict[str, str] = self.decls
        self.decls = {}
        if markup:
            found["xmlns"] = markup
        own = []
        for name, value in written.items():
            namespace, local, own_prefix = _parted(name)
            prefix = self._matchnamespaces.get((namespace or "").lower(), "")
            found[(f"{prefix}:{local}" if prefix else local).lower()] = value
            own.append((f"{own_prefix}:{local}" if own_prefix else local, value))
        for name, value in own:
            found[name.lower()] = value
        return found

    # --- events ------------------------------------------------------------------------------

    def _on_text(self, text: str) -> None:
        stack = self.elementstack
        if stack:
            if self.contentparams and dict.get(self.contentparams, "type") == _XHTML:
                text = escape(text)
            stack[-1][2].append(text)

    def _on_start(self, written: str, attributes: dict[str, str]) -> None:
        tag = self._start_names.get(written)
        if tag is None:
            tag = self._start_names[written] = self._name(written, start=True)
        if tag in _ENTRIES:
            self._watch()
            self._floor = len(self.elementstack)
        if self.incontent or self.decls or tag in _UNUSUAL or tag.endswith(_MARKUP):
            given = self._attributes(attributes, _markup_namespace(written))
            self.unknown_starttag(tag, list(given.items()))
            return
        given = {}
        if attributes:
            given = self._attributes(attributes, None)
            if not _INHERITED.isdisjoint(given):
                self.unknown_starttag(tag, list(given.items()))
                return
            for name in _LOWERED:
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

    def _mapped(self, tag: str) -> tuple[bool, str]:
        """Whether a tag has no prefix, and how its handlers are called."""
        prefix, suffix = tag.split(":", 1) if ":" in tag else ("", tag)
        prefix = self.namespacemap.get(prefix, prefix)
        return not prefix, f"{prefix}_{suffix}" if prefix else suffix

    def _on_end(self, written: str) -> None:
        tag = self._end_names.get(written)
        if tag is None:
            tag = self._end_names[written] = self._name(written, start=False)
        self._end(tag)
        if tag in _ENTRIES:
            self._watch()
            self._floor = 0

    def _end(self, tag: str) -> None:
        if self.svgOK or (self.incontent and dict.get(self.contentparams, "type") == _XHTML):
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
            self.contentparams["type"] = _XHTML
        if self.contentparams.get("type") == _XHTML:
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

    # --- what an element's text becomes --------------------------------------------------------

    def pop(self, element: str, strip_whitespace: int = 1) -> Any:
        """As feedparser's, for text that is neither base64 nor markup written as XML."""
        stack, params = self.elementstack, self.contentparams
        if not stack or stack[-1][0] != element:
            return None
        if len(stack) <= self._floor:
            self._steady = False
        if params and (params.get("base64") or dict.get(params, "type") == _XHTML):
            return super().pop(element, strip_whitespace)
        _, expecting_text, pieces = stack.pop()
        output = pieces[0] if len(pieces) == 1 else "".join(pieces)
        if strip_whitespace:
            output = output.strip()
        if not expecting_text:
            return output
        if output and element in self.can_be_relative_uri:
            output = self._address(element, output)
        if params:
            self._settle_type(output)
        if not output.isascii():
            output = _mended(output)
        self._put(element, output)
        return output

    def _put(self, element: str, output: str) -> None:
        if element in _NOT_KEPT or (element == "title" and -1 < self.title_depth <= self.depth):
            return
        if self.inentry and not self.insource:
            self._keep(element, output)
        elif self.infeed or self.insource:
            self._keep_of_feed(element, output)

    def _address(self, element: str, written: str) -> str:
        self._written = written
        if element == "id" and not self.guidislink:
            return written
        return self.resolve_uri(written)

    def _settle_type(self, output: str) -> None:
        params = self.contentparams
        guessing = dict.get(params, "type") == "text/plain" and not self.version.startswith("atom")
        if guessing and _looks_like_html(output):
            params["type"] = "text/html"
        params.pop("mode", None)
        params.pop("base64", None)

    def _keep(self, element: str, output: str) -> None:
        entry = self.entries[-1]
        if element == "content":
            dict.setdefault(entry, "content", []).append(self._detail(output))
        elif element == "link":
            if not self.inimage:
                output = _NAMED.sub(r"&\g<1>", output.replace("&amp;", "&"))
                entry["link"] = output
                if output:
                    entry["links"][-1]["href"] = output
        else:
            name = "summary" if element == "description" else element
            before = self._depths.get(name)
            if before is None or self.depth <= before:
                self._depths[name] = self.depth
                entry[name] = output
                if name == "id":
                    dict.__setitem__(entry, "written_id", self._written)
            if self.incontent:
                entry[f"{name}_detail"] = self._detail(output)

    def _keep_of_feed(self, element: str, output: str) -> None:
        context = self._get_context()
        name = "subtitle" if element == "description" else element
        context[name] = output
        if name == "link":
            context["link"] = output = _NAMED.sub(r"&\g<1>", output)
            context["links"][-1]["href"] = output
        elif self.incontent:
            context[f"{name}_detail"] = self._detail(output)

    def _detail(self, output: str) -> FeedParserDict:
        detail = FeedParserDict(self.contentparams)
        dict.__setitem__(detail, "value", output)
        return detail

    def resolve_uri(self, uri: str) -> str:
        if PLAIN_ADDRESS.fullmatch(uri):
            return uri
        return str(_join(self.baseuri or "", uri))

    def push_content(
        self, tag: str, attrs_d: dict[str, str], default_content_type: str, expecting_text: int
    ) -> None:
        self.incontent += 1
        if self.lang:
            self.lang = self.lang.replace("_", "-")
        kind = self.map_content_type(attrs_d.get("type", default_content_type))
        plain = kind.startswith("text/") or kind.endswith(("+xml", "/xml"))
        encoded = int(attrs_d.get("mode", "") == "base64" or not plain)
        told = {"type": kind, "language": self.lang, "base": self.baseuri, "base64": encoded}
        self.contentparams = _Record(told)
        self.push(tag, expecting_text)

    # --- handlers --------------------------------------------------------------------------------

    def _start_item(self, attrs_d: dict[str, str]) -> None:
        super()._start_item(attrs_d)
        self.entries[-1] = _Record(self.entries[-1])
        self._depths = {}

    _start_entry = _start_item

    def _end_published(self) -> None:
        self._save("published_parsed", Unparsed(self.pop("published")), overwrite=True)

    _end_issued = _end_published
    _end_pubdate = _end_published
    _end_dcterms_issued = _end_published

    def _end_updated(self) -> None:
        self._save("updated_parsed", Unparsed(self.pop("updated")), overwrite=True)

    _end_modified = _end_updated
    _end_lastbuilddate = _end_updated

    def _end_created(self) -> None:
        self._save("created_parsed", Unparsed(self.pop("created")), overwrite=True)


def _parted(written: str) -> tuple[str | None, str, str]:
    """Address, local name and prefix of what expat writes with blanks between.

    Raises ValueError for an address with blanks of its own, as xml.sax does.
    """
    parts = written.split()
    if len(parts) == 1:
        return None, written, ""
    namespace, local, *prefix = parts
    if len(prefix) > 1:
        raise ValueError(f"a namespace with blanks: {written}")
    return namespace, local, prefix[0] if prefix else ""


def _markup_namespace(written: str) -> str | None:
    namespace, local, _ = _parted(written)
    return namespace if (local.lower(), namespace) in _MARKUP_NAMESPACES else None


def _joined_with_itself(base: str) -> str:
    """What an element without xml:base makes of the base in force."""
    return (_safe(base, base) or base) if base else _join(base, base)


def _looks_like_html(text: str) -> bool:
    """Feedparser's `looks_like_html`, asked only where there is something to look at."""
    if "<" not in text and "&" not in text:
        return False
    return bool(StrictFeedParser.looks_like_html(text))


def _mended(text: str) -> str:
    """Text that was encoded twice, and Windows-1252 in the place of control characters."""
    with suppress(UnicodeEncodeError, UnicodeDecodeError):
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(_cp1252) if _C1.search(text) else text
