"""Markup that strangers wrote wrongly, brought to where a parser of HTML loses nothing of it. Pure.

A quote that is never closed swallows the link and the text behind it; so does a `<noscript>` or an
`<iframe>`, whose content HTML reads as text that only other programs than a browser show: we are
one.
"""

from __future__ import annotations

import re
from itertools import pairwise

_LONGEST_TAG = 5000
"""Characters of a tag that is repaired; what is longer is left as it is."""

_PIECES = r"(?:[^<>\"']++|\"[^\"<>]*+\"|'[^'<>]*+')*+"
"""Of a tag: what is quoted properly, and what is not quoted."""

_ODD = re.compile(rf"<[a-zA-Z]{_PIECES}(?P<quote>[\"'])")
_ODD_OR_HIDDEN = re.compile(
    rf"<!--|<(?P<hidden>script|style|textarea|title|xmp)(?=[\s/>])|{_ODD.pattern}", re.IGNORECASE
)
_REST = re.compile(rf"{_PIECES}(?P<quote>[\"'])?")
_NAME_BEFORE = re.compile(r"([\w:.-]+)\s*=\s*\Z")
_ADDRESSES = frozenset({"href", "src", "cite", "poster", "data-src", "data-original", "action"})
_PLAIN = _ADDRESSES | {
    "title", "alt", "class", "id", "name", "width", "height", "target", "rel", "style", "align",
    "border", "lang", "dir", "type", "color", "face", "size", "valign", "colspan", "rowspan",
}  # fmt: skip
_ENDS_A_VALUE = frozenset(" \t\r\n\f/>")
_NAME = re.compile(r"<([a-zA-Z][\w:-]*)")
_VOID = frozenset({"br", "hr", "img", "source", "embed", "input", "link", "meta"})
_ATTRIBUTE = re.compile(
    r"([a-zA-Z_:][\w:.-]*)(?: ?= ?(.*?))?(?= [a-zA-Z_:][\w:.-]* ?=|(?: /)? ?\Z)", re.DOTALL
)
_QUOTES = " \"'\u201c\u201d\u2033"

_STRANGE_QUOTE = re.compile(
    r"<[a-zA-Z](?:[^<>\"'=]++|\"[^\"<>]*+\"|'[^'<>]*+'|=(?!\s*(?:\\[\"']|&quot;|&#34;|[\u201c\u201d\u2033])))*+"
    r"=\s*(?P<quote>\\\"|\\'|&quot;|&#34;|[\u201c\u201d\u2033])[^<>]*>"
)
_CURLY = re.compile("[\u201c\u201d\u2033]")

_SWALLOWING = re.compile(
    r"<(button|select|style|script|template|textarea|title)(?=[\s/>])([^<>]*)>", re.IGNORECASE
)
_NO_TAG = re.compile(r"<(?=![^\w\[>-])")
_UNWRAPPED = (
    "canvas|dialog|dir|embed|fieldset|form|hgroup|input|legend|listing|menu|object|optgroup|option|"
    "search|xmp"
)
"""Tags that a browser shows as boxes of their own, and cleaning drops."""

_BOX_BEHIND_A_WORD = re.compile(
    rf"(?<=[^\s>])<(?:{_UNWRAPPED})(?=[\s/>])[^<>]*>(?=[^\s<]|<(?!/))", re.IGNORECASE
)
_END_BEFORE_A_WORD = re.compile(
    rf"</(?:{_UNWRAPPED}|button|math|select|svg|textarea)\s*>(?=[^\s<]|<(?:{_UNWRAPPED})[\s/>])",
    re.IGNORECASE,
)

_CELL = re.compile(r"</?(?:td|th|tr|caption)(?=[\s/>])", re.IGNORECASE)
_TABLE = re.compile(r"<table(?=[\s>])", re.IGNORECASE)

_INSTEAD = re.compile(
    r"<(/?)(iframe|noembed|noframes|noscript)(?=[\s/>])"
    r"(?:[^<>\"']++|\"[^\"]{0,5000}+\"|'[^']{0,5000}+')*+>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_OF_BROWSERS = re.compile(
    r"java\s?script|i?frames?\b|browser|navigateur|navegador|trình duyệt|"
    r"flash player|браузер",
    re.IGNORECASE,
)
_PICTURE_BEFORE = re.compile(
    r"<img\b([^<>]*)>\s*(?:</(?:a|picture|span|div)>\s*)?\Z", re.IGNORECASE
)
_SHOWN_PICTURE = re.compile(
    r"(?:\s|^)(?:data-src|data-original)\s*=|\ssrc\s*=\s*[\"']?(?!\s*data:)[^\s\"'>]", re.IGNORECASE
)
_NEAR = 3000


def with_closed_ends(html: str) -> str:
    """Removes tags that would swallow all that follows: an open `<select>`, `<script … />`.

    HTML closes neither, so the rest of the article would be lost. A `<!` that begins nothing is
    text. Scripts and styles that are never closed go on hiding what they hold. What stands in for
    frames and scripts is shown, unless it only says so of browsers, or shows a picture once more.
    """
    if "<!" in html:
        html = _NO_TAG.sub("&lt;", html)
    if "\\" in html or "&" in html or _CURLY.search(html):
        html = _STRANGE_QUOTE.sub(_with_plain_quotes, html)
    html = _BOX_BEHIND_A_WORD.sub(r" \g<0>", with_closed_quotes(html))
    html = _END_BEFORE_A_WORD.sub(r"\g<0> ", html)
    if _CELL.search(html) and not _TABLE.search(html):
        html = _CELL.sub(r" \g<0>", html)  # HTML forgets the tags of cells without a table
    if _INSTEAD.search(html):
        html = _with_what_stands_in(html)
    if not _SWALLOWING.search(html):
        return html
    small = html.lower()
    last: dict[str, int] = {}

    def repair(tag: re.Match[str]) -> str:
        name = tag[1].lower()
        if tag[2].endswith("/"):
            return ""
        if name not in last:
            last[name] = small.rfind(f"</{name}")
        kept = last[name] >= tag.end() or name in {"script", "style"}
        return tag[0] if kept else ""

    return _SWALLOWING.sub(repair, html)


def _with_what_stands_in(html: str) -> str:
    """The content of frames and of what stands in for scripts, without their own tags."""
    pieces: list[str] = []
    at = 0
    begun: re.Match[str] | None = None  # the last tag that opened, if nothing closed it yet
    for tag in _INSTEAD.finditer(html):
        inner = html[at : tag.start()]
        if tag[1] and begun is not None and begun[2].lower() == tag[2].lower():
            before = html[max(0, begun.start() - _NEAR) : begun.start()]
            inner = inner if _is_worth_showing(inner, before) else ""
        pieces.append(inner)
        at = tag.end()
        begun = None if tag[1] or tag[0].endswith("/>") else tag
    return _joined([*pieces, html[at:]])


def _joined(pieces: list[str]) -> str:
    """The text, with a blank where a tag stood between two words."""
    told = [piece for piece in pieces if piece]
    gaps = (
        " " if not (one[-1].isspace() or other[0].isspace() or one[-1] + other[0] == "><") else ""
        for one, other in pairwise(told)
    )
    return "".join(part for pair in zip(told, (*gaps, ""), strict=False) for part in pair)


def _is_worth_showing(inner: str, before: str) -> bool:
    text = _TAG.sub("", inner).strip()
    if text:
        return "href" in inner or not _OF_BROWSERS.search(text)
    if "<img" not in inner.lower():
        return False
    picture = _PICTURE_BEFORE.search(before)
    return picture is None or not _SHOWN_PICTURE.search(picture[1])


def with_closed_quotes(html: str) -> str:
    """Each attribute's quote closed where its value must end; what is well written stays as it is.

    `<a href="https://a.example/1>text</a>` has lost a quote; `title="a > b"` has not. Scripts,
    styles and comments are not looked into.
    """
    if not _ODD.search(html):
        return html
    pieces: list[str] = []
    at = look_from = 0
    comments = True
    while found := _ODD_OR_HIDDEN.search(html, look_from):
        if found["quote"]:
            end, closed = _closed_tag(html, found)
            if closed:
                pieces += (html[at : found.start()], closed)
                at = end
            look_from = end
        elif found["hidden"]:
            ended = re.compile(f"</{found['hidden']}", re.IGNORECASE).search(html, found.end())
            if ended is None:
                break
            look_from = ended.end()
        else:
            ends = html.find("-->", found.end()) if comments else -1
            comments = ends >= 0
            look_from = max(ends, found.end())
    return "".join((*pieces, html[at:]))


def _with_plain_quotes(tag: re.Match[str]) -> str:
    r"""`href=\"…\"`, `href=&quot;…&quot;` and typographic quotes around a value."""
    quote = tag["quote"]
    if _CURLY.fullmatch(quote):
        return _CURLY.sub('"', tag[0])
    return tag[0].replace(quote, quote[-1] if quote[0] == "\\" else '"')


def _closed_tag(html: str, found: re.Match[str]) -> tuple[int, str]:
    """Where to go on, and the tag with its quotes closed ("" = it needs nothing)."""
    start, quote = found.start(), found["quote"]
    at = found.end() - 1
    limit = start + _LONGEST_TAG
    while True:
        closing = html.find(quote, at + 1, limit)
        ends = html.find(">", at + 1, limit)
        opens = html.find("<", at + 1, limit)
        if ends < 0 and opens < 0:
            return found.end(), ""
        if not _is_closed(html, start, at, (closing, ends, opens)):
            break
        rest = _REST.match(html, closing + 1)
        if rest is None or not rest["quote"]:
            return rest.end() if rest else closing + 1, ""
        at, quote = rest.end() - 1, rest["quote"]
    is_address = _attribute(html, start, at) in _ADDRESSES
    if opens >= 0 and (ends < 0 or (is_address and opens < ends)):
        return opens, f"{_written_anew(html[start:opens])}>"
    return ends + 1, f"{_written_anew(html[start:ends])}>"


def _attribute(html: str, start: int, at: int) -> str:
    """Whose value begins with the quote at `at`."""
    name = _NAME_BEFORE.search(html[max(start, at - 100) : at])
    return name[1].lower() if name else ""


def _is_closed(html: str, start: int, at: int, marks: tuple[int, int, int]) -> bool:
    """Whether the next quote closes the one at `at`, though there is a `<` or `>` between them."""
    closing, ends, opens = marks
    name = _attribute(html, start, at)
    if closing < 0 or not name:
        return False
    if name not in _PLAIN:
        return True  # a program's: anything may stand there
    if html[closing + 1 : closing + 2] not in _ENDS_A_VALUE:
        return False
    value = html[at + 1 : closing]
    if name in _ADDRESSES:
        value = _BREAK.sub("", value).strip()  # WordPress puts some where a line ended
        return not any(sign.isspace() for sign in value) and "</" not in value
    if 0 <= opens < (ends if ends >= 0 else opens + 1):
        return True  # markup in an attribute
    return not 0 <= opens < closing


def _written_anew(tag: str) -> str:
    """A tag without its `>`, each attribute quoted."""
    name = _NAME.match(tag)
    if name is None:
        return tag
    rest = " ".join(tag[name.end() :].split())
    rest = rest.rstrip("/ ") if name[1].lower() in _VOID else rest
    written = [f"<{name[1]}"]
    for found in _ATTRIBUTE.finditer(rest):
        value = (found[2] or "").strip(_QUOTES)
        if found[1].lower() in _ADDRESSES and "://" in value:
            value = value.split(" ")[0].strip(_QUOTES)
        written.append(f' {found[1]}="{value.replace(chr(34), "&quot;")}"')
    return "".join(written)
