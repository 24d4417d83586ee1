"""What feedparser's strict parser makes of an element's text, on a shorter way.

See `strict_parser`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from service.parse.feed.deferred import Unparsed, looks_like_html
from service.parse.feed.feedparser_private import (
    KEYMAP,
    FeedParserDict,
    StrictFeedParser,
    join_addresses,
    make_safe_absolute_uri,
    windows_1252,
)
from service.text.web.plain_addresses import PLAIN_ADDRESS

XHTML = "application/xhtml+xml"
_NOT_KEPT = frozenset({"category", "tags", "itunes_keywords"})  # their handlers keep them
_NAMED = re.compile("&([A-Za-z0-9_]+);")
_C1 = re.compile("[\x80-\x9f]")
_PLAIN_NAME = re.compile(r"(?:tag|urn|yt):\w[\w.,:/@+=-]*", re.ASCII)  # never joined to a base
_ODD_KEYS = frozenset({*KEYMAP, "category", "enclosures", "license", "updated"})

joined = lru_cache(maxsize=512)(join_addresses)
safe = lru_cache(maxsize=512)(make_safe_absolute_uri)


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


class Texts(StrictFeedParser):  # type: ignore[misc]
    """A parser whose texts, dates and addresses are settled once, where feedparser looks twice."""

    resolve_relative_uris = False
    sanitize_html = False
    baseuri: str
    lang: str | None
    contentparams: dict[str, Any]

    def __init__(self, baseuri: str, baselang: str | None, encoding: str) -> None:
        super().__init__(baseuri, baselang, encoding)
        self._depths: dict[str, int] = {}  # of the properties of the last entry
        self.last_written = ""  # what the last id was before it was joined
        self._steady = True  # whether no entry took from the stack what it did not put there
        self._floor = 0  # how many open elements are not the entry's own

    def pop(self, element: str, strip_whitespace: int = 1) -> Any:
        """The same as feedparser's, for text that is neither base64 nor markup written as XML."""
        stack, params = self.elementstack, self.contentparams
        if not stack or stack[-1][0] != element:
            return None
        if len(stack) <= self._floor:
            self._steady = False
        if params and (params.get("base64") or dict.get(params, "type") == XHTML):
            return super().pop(element, strip_whitespace)
        _, expecting_text, pieces = stack.pop()
        output = pieces[0] if len(pieces) == 1 else "".join(pieces)
        if strip_whitespace:
            output = output.strip()
        if not expecting_text:
            return output
        if output and element in self.can_be_relative_uri:
            output = self.address(element, output)
        if params:
            self._settle_type(output)
        if not output.isascii():
            output = repaired(output)
        self._put(element, output)
        return output

    def _put(self, element: str, output: str) -> None:
        if element in _NOT_KEPT or (element == "title" and -1 < self.title_depth <= self.depth):
            return
        if self.inentry and not self.insource:
            self._keep(element, output)
        elif self.infeed or self.insource:
            self._keep_of_feed(element, output)

    def address(self, element: str, written: str) -> str:
        self.last_written = written
        if element == "id" and not self.guidislink:
            return written
        return self.resolve_uri(written)

    def _settle_type(self, output: str) -> None:
        params = self.contentparams
        guessing = dict.get(params, "type") == "text/plain" and not self.version.startswith("atom")
        if guessing and looks_like_html(output):
            params["type"] = "text/html"
        params.pop("mode", None)
        params.pop("base64", None)

    def _keep(self, element: str, output: str) -> None:
        entry = self.entries[-1]
        if element == "content":
            dict.setdefault(entry, "content", []).append(self._detail(output))
        elif element == "link":
            if not self.inimage:
                entry["link"] = output = whole_link(output)
                if output:
                    entry["links"][-1]["href"] = output
        else:
            name = "summary" if element == "description" else element
            before = self._depths.get(name)
            if before is None or self.depth <= before:
                self._depths[name] = self.depth
                entry[name] = output
                if name == "id":
                    dict.__setitem__(entry, "written_id", self.last_written)
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
        if PLAIN_ADDRESS.fullmatch(uri) or _PLAIN_NAME.fullmatch(uri):
            return uri
        return str(joined(self.baseuri or "", uri))

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

    def _start_item(self, attrs_d: dict[str, str]) -> None:
        super()._start_item(attrs_d)
        self.entries[-1] = entry = _Record(self.entries[-1])
        self._depths = self.property_depth_map.setdefault(entry, {})  # as feedparser's own pop

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


def whole_link(written: str) -> str:
    """A link's text whose "&" was taken for the beginning of an entity."""
    return _NAMED.sub(r"&\g<1>", written.replace("&amp;", "&"))


def repaired(text: str) -> str:
    """Text that was encoded twice, and Windows-1252 in the place of control characters."""
    text = _decoded_once_more(text)
    return text.translate(windows_1252) if not text.isprintable() and _C1.search(text) else text


def _decoded_once_more(text: str) -> str:
    try:
        return text.encode("iso-8859-1").decode("utf-8")
    except UnicodeError:
        return text
