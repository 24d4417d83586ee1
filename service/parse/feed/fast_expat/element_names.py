"""How feedparser calls an element of a document and its attributes: see `strict_parser`."""

from __future__ import annotations

from typing import Any

from service.parse.feed.fast_expat.element_texts import Texts
from service.parse.feed.fast_expat.plain_entries import BASE

ENTRIES = frozenset({"item", "entry"})
UNUSUAL = frozenset({"feed", "rss", "rdf:RDF"})  # their language is the feed's
MARKUP = ("math", "svg")
LOWERED = ("rel", "type")

_USERLAND = "http://backend.userland.com/rss"
_ODD = "backend.userland.com/rss"  # an element there has one name at its start, another at its end
_MARKUP_NAMESPACES = frozenset(
    {("math", "http://www.w3.org/1998/Math/MathML"), ("svg", "http://www.w3.org/2000/svg")}
)
_XML_BASE = "http://www.w3.org/XML/1998/namespace base xml"


class ElementNames(Texts):
    """A parser that resolves each name once, until a namespace is bound anew."""

    decls: dict[str, str]

    def __init__(self, baseuri: str, baselang: str | None, encoding: str) -> None:
        super().__init__(baseuri, baselang, encoding)
        self._start_names: dict[str, str] = {}
        self._end_names: dict[str, str] = {}
        self._leaf_names: dict[str, str] = {}
        self._starts: dict[str, tuple[Any, str, bool, bool]] = {}
        self._ends: dict[str, tuple[Any, str]] = {}
        self._names: tuple[Any, ...] | None = None

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        super().track_namespace(prefix, uri)
        self._names = None
        names = (self._start_names, self._end_names, self._leaf_names)
        for remembered in (*names, self._starts, self._ends):
            remembered.clear()

    def _name(self, written: str, *, start: bool) -> str:
        """The tag of an element, from expat's "address local prefix"."""
        namespace, local, _ = parted(written)
        lower = (namespace or "").lower()
        if start and _ODD in lower:
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
            namespace, local, own_prefix = parted(name)
            prefix = self._matchnamespaces.get((namespace or "").lower(), "")
            found[(f"{prefix}:{local}" if prefix else local).lower()] = value
            own.append((f"{own_prefix}:{local}" if own_prefix else local, value))
        for name, value in own:
            found[name.lower()] = value
        return found

    def _leaf_name(self, written: str) -> str:
        """As the handlers of this element are called; "" where it is none to be plain."""
        name = self._leaf_names.get(written)
        if name is None:
            tag = self._name(written, start=True)
            odd = tag in UNUSUAL or tag in ENTRIES or tag.endswith(MARKUP) or _ODD in written
            name = self._leaf_names[written] = "" if odd else self._mapped(tag)[1]
        return name

    def _mapped(self, tag: str) -> tuple[bool, str]:
        """Whether a tag has no prefix, and how its handlers are called."""
        prefix, suffix = tag.split(":", 1) if ":" in tag else ("", tag)
        prefix = self.namespacemap.get(prefix, prefix)
        return not prefix, f"{prefix}_{suffix}" if prefix else suffix


def plain_names(written: dict[str, str]) -> dict[str, str] | None:
    """Attributes by their names in small letters. None: one is bound to a namespace but XML's."""
    found: dict[str, str] = {}
    for name, value in written.items():
        known = BASE if name == _XML_BASE else name.lower()
        if " " in known or known in found:
            return None
        found[known] = value.lower() if known in LOWERED else value
    return found


def parted(written: str) -> tuple[str | None, str, str]:
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


def markup_namespace(written: str) -> str | None:
    namespace, local, _ = parted(written)
    return namespace if (local.lower(), namespace) in _MARKUP_NAMESPACES else None
