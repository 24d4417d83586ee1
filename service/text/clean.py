"""What strangers send as markup, made safe to show, or made plain text.

Every field of a feed is hostile: titles carry scripts, links carry javascript:, pictures count
readers. Nothing here fetches anything.
"""

from __future__ import annotations

import html as entities
import re
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import nh3

from service.text.excerpt import ELLIPSIS, lead, shorten
from service.text.fold import nfc
from service.text.markup import with_closed_ends

__all__ = ["ELLIPSIS", "clean_html", "lead", "plain", "plain_of_clean", "shorten", "title_text"]

MOST_TAGS = 20_000
"""Deeper nesting costs the parser the square of it: 20,000 take half a second, 100,000 twelve."""

LONGEST_TITLE = 20_000
"""Characters that are looked at; what is longer is not a title."""

_INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark",
    "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u",
    "var", "wbr",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "div",
    "dl", "dt", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
_MEDIA = {"img", "audio", "video", "source"}
_PARTING = _BLOCKS | {"img", "audio", "video"}
"""Between words; other tags may stand within one."""

_SHOWN = _INLINE | _BLOCKS | _MEDIA
_GONE_WITH_CONTENT = {
    "button", "head", "iframe", "math", "noembed", "noframes", "noscript", "script", "select",
    "style", "svg", "template", "textarea", "title",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "audio": {"src", "controls"},
    "blockquote": {"cite"},
    "del": {"cite", "datetime"},
    "img": {"src", "alt", "title", "width", "height", "style", "data-src", "data-original"},
    "ins": {"cite", "datetime"},
    "ol": {"start", "reversed", "type"},
    "q": {"cite"},
    "source": {"src", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "video": {"src", "controls", "poster", "width", "height"},
}
_SCHEMES = {"http", "https", "mailto"}

# The parser writes tags in one way only, which makes them safe to take apart by patterns.
_TAG = re.compile(r"<[^>]*>")
_IMAGE = re.compile(r"<img((?:\s[\w-]+=\"[^\"]*\")*)>")
_ATTRIBUTE = re.compile(r"\s([\w-]+)=\"([^\"]*)\"")
_LEFTOVER = re.compile(r"<source(?![^>]*\ssrc=)[^>]*>|<a(?:\s[^>]*)?>\s*</a>")
_SLASHED = re.compile(r"^[\s\u0338]+|(?<=>)\u0338+")
_INVISIBLE = re.compile("[\u00ad\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width spaces, marks that turn the direction of what follows."""

_REST_OF_TAG = r"(?:\s(?:[^<>\"]|\"[^\"]*\")*)?>"
_CLEAN_BLOCK = re.compile(
    rf"</?(?:{'|'.join(sorted(_PARTING, key=len, reverse=True))}){_REST_OF_TAG}"
)
_CLEAN_INLINE = re.compile(rf"</?[a-z][a-z0-9]*{_REST_OF_TAG}")

_COUNTERS = re.compile(
    r"https?://(?:[\w-]+\.)*(?:doubleclick\.net|google-analytics\.com|scorecardresearch\.com|"
    r"quantserve\.com|feedsportal\.com|pixel\.wp\.com|stats\.wordpress\.com|facebook\.com/tr|"
    r"feeds\.feedburner\.com/~)",
)
_PIXELS = re.compile(r"(?:width|height):([\d.]+)(?:px)?")


def _cleaner(relative: Any) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_SHOWN,
        clean_content_tags=_GONE_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        url_relative=relative,
        link_rel="noopener noreferrer",
        filter_style_properties={"width", "height", "display"},
    )


@lru_cache(maxsize=16)
def _cleaner_with(base: str) -> nh3.Cleaner:
    return _cleaner(("rewrite_with_base", base))


# Making a cleaner takes ten times as long as cleaning with it. Where all addresses are whole the
# base does not matter, and one serves all.
_CLEANER = _cleaner("deny")
_PLAIN_CLEANER = nh3.Cleaner(
    tags=_PARTING, clean_content_tags=_GONE_WITH_CONTENT, attributes={}, link_rel=None
)
_ADDRESS = re.compile(r"\b(?:href|src|cite|poster)\b")
_WHOLE_ADDRESS = re.compile(
    r"\b(?:href|src|cite|poster)\s*=\s*[\"'](?:https?://[\w.-]+[/\"'?#]|mailto:)"
)


def _has_relative(html: str) -> bool:
    """Whether there may be an address that must be joined to a base."""
    if "=" not in html:
        return False
    html = html.lower()
    return len(_ADDRESS.findall(html)) != len(_WHOLE_ADDRESS.findall(html))


def clean_html(html: str, base: str) -> str:
    """Markup that is safe to show: NFC, no scripts, styles, frames, forms, no counting pixels.

    Relative addresses are made absolute against `base` ("" = they are dropped); only http, https
    and mailto stay. Absurdly nested markup comes back as its text alone.
    """
    html = nfc(html)
    if html.count("<") > MOST_TAGS:
        return _normal_between_tags(entities.escape(_text_alone(html), quote=False))
    if "<" not in html and "&" not in html:
        return _normal_between_tags(html)
    cleaner = _cleaner_with(base) if _has_relative(html) and _is_web(base) else _CLEANER
    cleaned = cleaner.clean(with_closed_ends(html))
    if "<img" in cleaned:
        cleaned = _IMAGE.sub(lambda tag: _image(tag[1], base), cleaned)
    if "<a" in cleaned or "<source" in cleaned:
        cleaned = _LEFTOVER.sub("", cleaned)
    return _normal_between_tags(cleaned)


def _normal_between_tags(html: str) -> str:
    """NFC of what entities have brought in.

    A slash of U+0338 behind a tag goes: composed with its ">" it would open the tag again. So it
    does at the beginning, where somebody else's tag may end.
    """
    if "\u0338" in html:
        html = _SLASHED.sub("", html)
    return nfc(html).strip()


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _image(attributes: str, base: str) -> str:
    """The tag of a picture as it may stay, "" for one without address or made for counting."""
    values = dict(_ATTRIBUTE.findall(attributes))
    style = values.pop("style", "").replace(" ", "")
    later = values.pop("data-src", ""), values.pop("data-original", "")
    for lazy in filter(None, later):
        values["src"] = _absolute(entities.unescape(lazy), base) or values.get("src", "")
        break
    sizes = [values.get("width", ""), values.get("height", ""), *_PIXELS.findall(style)]
    counting = any(size.removesuffix("px") in {"0", "1"} for size in sizes)
    if counting or "display:none" in style or _COUNTERS.match(values.get("src", "")):
        return ""
    if not values.get("src"):
        return ""
    return "<img" + "".join(f' {name}="{value}"' for name, value in values.items()) + ">"


def _absolute(address: str, base: str) -> str:
    try:
        whole = urljoin(base, address.strip())
    except ValueError:
        return ""
    return entities.escape(whole) if _is_web(whole) else ""


def plain(html: str) -> str:
    """The text of markup on one line; blocks are parted by spaces, entities decoded once."""
    html = nfc(html)
    if html.count("<") > MOST_TAGS:
        return _text_alone(html)
    if "<" in html or "&" in html:
        html = _PLAIN_CLEANER.clean(with_closed_ends(html))
        html = nfc(entities.unescape(_TAG.sub(" ", html)))
    return _on_one_line(html)


def plain_of_clean(html: str) -> str:
    """The same as `plain` for what `clean_html` gave, for a tenth of the time.

    Its tags are written in one way only, so they need no parser.
    """
    if "<" in html:
        html = _CLEAN_INLINE.sub("", _CLEAN_BLOCK.sub(" ", html))
    if "&" in html:
        html = nfc(entities.unescape(html))
    return _on_one_line(html)


def _text_alone(html: str) -> str:
    end = html.rfind(">") + 1  # what begins behind it has no end: to look for one costs the square
    return _on_one_line(nfc(entities.unescape(_TAG.sub(" ", html[:end]) + html[end:])))


def _on_one_line(text: str) -> str:
    line = " ".join(text.split())
    if line.isprintable():  # nothing invisible is
        return line
    return " ".join(_INVISIBLE.sub("", line).split())


_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_QUOTED = r"(?:[^<>\"']++|\"[^\"]{0,200}\"|'[^']{0,200}'){0,20}"
_KNOWN_TAG = re.compile(
    rf"</?({'|'.join(sorted(_SHOWN | {'font', 'big', 'nobr'}, key=len, reverse=True))})"
    rf"(?:\s{_QUOTED}|\s[^<>]*|/)?>",
    re.IGNORECASE,
)
_OTHER_TAG = re.compile(
    r"<(/?)(applet|area|base|basefont|blink|body|button|canvas|embed|fieldset|form|frame|frameset|"
    r"head|html|iframe|input|label|legend|link|map|marquee|meta|noframes|noscript|object|option|"
    r"param|picture|script|select|strike|style|svg|textarea|title|tt)(?=[\s/>])([^<>]*)>",
    re.IGNORECASE,
)
_WITHIN_WORDS = frozenset({"basefont", "blink", "label", "link", "meta", "strike", "tt"})
_HIDDEN = re.compile(r"(?is)<(script|style)\b.*?(?:</\1\s*>|$)|<!--.*?-->|<!--[^>]*(?:>|$)")


def _without_other_tags(text: str) -> str:
    small = text.lower()

    def repair(tag: re.Match[str]) -> str:
        other = f"<{'' if tag[1] else '/'}{tag[2].lower()}"
        gone = "" if tag[2].lower() in _WITHIN_WORDS else " "
        return gone if "=" in tag[3] or other in small else tag[0]

    return _OTHER_TAG.sub(repair, text)


def title_text(text: str) -> str:
    """A title as one line of plain text.

    Titles come as text or as markup, escaped once or twice. Tags that HTML knows go ("a < b" and
    "Vector<int>" stay); those that no title shows go if they have attributes, or are opened and
    closed ("The <blink> tag" stays). Then what clearly is an entity is decoded once more:
    "c&oacute;" does, "R&D" and "?a=1&copy=2" do not.
    """
    text = nfc(text[:LONGEST_TITLE])
    if "<" in text:
        text = _HIDDEN.sub(lambda gone: " " if gone[1] else "", text)
        text = _KNOWN_TAG.sub(lambda tag: " " if tag[1].lower() in _PARTING else "", text)
        text = _without_other_tags(text)
    if "&" in text:
        text = nfc(_ENTITY.sub(lambda entity: entities.unescape(entity[0]), text))
    return _on_one_line(text)
