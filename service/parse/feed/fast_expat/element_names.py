"""How feedparser calls an element of a document and its attributes: see `strict_parser`."""

from __future__ import annotations

from typing import Any

from service.parse.feed.fast_expat.element_texts import Texts

ENTRIES = frozenset({"item", "entry"})
UNUSUAL = frozenset({"feed", "rss", "rdf:RDF"})  # their language is the feed's
MARKUP = ("math", "svg")
LOWERED = ("rel", "type")

_USERLAND = "http://backend.userland.com/rss"
_ODD = "backend.userland.com/rss"  # an element there has one name at its start, another at its end
_MARKUP_NAMESPACES = frozenset(
    {("math", "http://www.w3.org/1998/Math/MathML"), ("svg", "http://www.w3.org/2000/svg")}
)


class ElementNames(Texts):
    """A parser that resolves each name once, until a namespace is bound anew."""

    decls: dict[str, str]

    def __init__(self, baseuri: str, baselang: str | None, encoding: str) -> None:
        super().__init__(baseuri, baselang, encoding)
        self._start_names: dict[str, str] = {}
        self._end_names: dict[str, str] = {}
        self._starts: dict[str, tuple[Any, str, bool, bool]] = {}
        self._ends: dict[str, tuple[Any, str]] = {}
        self._names: tuple[Any, ...] | None = None

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        super().track_namespace(prefix, uri)
        self._names = None
        for remembered in (self._start_names, self._end_names, self._starts, self._ends):
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
        """Attributes as startElementNS gathers them: by their known prefix, then by their own."""
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

    def _mapped(self, tag: str) -> tuple[bool, str]:
        """Whether a tag has no prefix, and how its handlers are called."""
        prefix, suffix = tag.split(":", 1) if ":" in tag else ("", tag)
        prefix = self.namespacemap.get(prefix, prefix)
        return not prefix, f"{prefix}_{suffix}" if prefix else suffix


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
