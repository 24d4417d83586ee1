"""What strangers send as markup, made safe to show, or made plain text.

Every field of a feed is hostile: titles carry scripts, links carry javascript:, pictures count
readers. Nothing here fetches anything.
"""

from __future__ import annotations

import html as entities
import re
from urllib.parse import urljoin, urlsplit

import nh3

from service.text.fold import nfc

ELLIPSIS = "…"

_INLINE = frozenset(
    "a abbr b bdi bdo cite code del dfn em i ins kbd mark q rp rt ruby s samp small span strong "
    "sub sup time u var wbr".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote br caption center dd details div dl dt figcaption figure "
    "footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot "
    "th thead tr ul".split()
)
_MEDIA = frozenset({"img", "audio", "video", "source"})
_GONE_WITH_CONTENT = frozenset(
    "script style iframe noscript noembed noframes object template textarea select title head "
    "svg math".split()
)

_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "blockquote": {"cite"},
    "q": {"cite"},
    "del": {"cite", "datetime"},
    "ins": {"cite", "datetime"},
    "time": {"datetime"},
    "img": {"src", "alt", "title", "width", "height", "style", "data-src", "data-original"},
    "audio": {"src", "controls"},
    "video": {"src", "controls", "poster", "width", "height"},
    "source": {"src", "type"},
    "ol": {"start", "reversed", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}

_SAFE = nh3.Cleaner
_SCHEMES = {"http", "https", "mailto"}
_IMAGE = re.compile(r'<img(?:\s[^">]*(?:"[^"]*")?)*>')
_ATTRIBUTE = re.compile(r'\s([\w-]+)="([^"]*)"')
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


def clean_html(html: str, base: str) -> str:
    """Markup that is safe to show: NFC, no scripts, styles, frames, forms, no counting pixels.

    Relative addresses are made absolute against `base` ("" = they are dropped); only http, https
    and mailto stay.
    """
    html = nfc(html)
    if "<" not in html and "&" not in html:
        return html.strip()
    cleaned = nh3.clean(
        html,
        tags=set(_INLINE | _BLOCKS | _MEDIA),
        clean_content_tags=set(_GONE_WITH_CONTENT),
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        url_relative=("rewrite_with_base", base) if _is_web(base) else "deny",
        link_rel="noopener noreferrer",
        filter_style_properties={"width", "height", "display"},
    )
    return _IMAGE.sub(lambda match: _image(match[0], base), cleaned).strip()


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _image(tag: str, base: str) -> str:
    """The tag of a picture as it may stay, "" for one without address or made for counting."""
    values = dict(_ATTRIBUTE.findall(tag))
    if _is_pixel(values):
        return ""
    lazy = values.pop("data-src", "") or values.pop("data-original", "")
    if lazy:
        address = urljoin(base, entities.unescape(lazy).strip())
        if _is_web(address):
            values["src"] = entities.escape(address)
    kept = {name: value for name, value in values.items() if not name.startswith(("data", "style"))}
    if not kept.get("src"):
        return ""
    return "<img" + "".join(f' {name}="{value}"' for name, value in kept.items()) + ">"


def _is_pixel(values: dict[str, str]) -> bool:
    style = values.get("style", "").replace(" ", "")
    sizes = [values.get("width", ""), values.get("height", "")]
    sizes += re.findall(r"(?:width|height):([\d.]+)px", style)
    return "display:none" in style or any(size.strip("px ") in {"0", "1"} for size in sizes)


def plain(html: str) -> str:
    """The text of markup on one line; blocks are parted by spaces, entities decoded once."""
    html = nfc(html)
    if "<" in html or "&" in html:
        html = nh3.clean(
            html,
            tags=set(_BLOCKS),
            clean_content_tags=set(_GONE_WITH_CONTENT),
            attributes={},
            link_rel=None,
        )
        html = nfc(entities.unescape(_TAG.sub(" ", html)))
    return _SPACE.sub(" ", html).strip()


_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_HTML_TAG = re.compile(
    rf"<(/?)({'|'.join(sorted(_INLINE | _BLOCKS | _MEDIA | {'font'}, key=len, reverse=True))})"
    r"(?:\s[^<>]*|/)?>",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"(?is)<(script|style)\b.*?(?:</\1\s*>|$)|<!--.*?(?:-->|$)")
_INVISIBLE = re.compile("[\u00ad\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def title_text(text: str) -> str:
    """A title as one line of plain text.

    Titles come as text or as markup, escaped once or twice. Tags that HTML knows go ("a < b" and
    "Vector<int>" stay), then what clearly is an entity is decoded once more: "c&oacute;" does,
    "R&D" and "?a=1&copy=2" do not.
    """
    text = nfc(text)
    if "<" in text:
        text = _HIDDEN.sub(" ", text)
        text = _HTML_TAG.sub(lambda tag: " " if tag[2].lower() in _BLOCKS else "", text)
    if "&" in text:
        text = nfc(_ENTITY.sub(lambda entity: entities.unescape(entity[0]), text))
    return _SPACE.sub(" ", _INVISIBLE.sub("", text)).strip()


def shorten(text: str, chars: int) -> str:
    """At most `chars` characters, cut at the end of a word and marked with "…" where cut."""
    text = _SPACE.sub(" ", text).strip()
    if len(text) <= chars:
        return text
    cut = text[:chars]
    words, space, _ = cut.rpartition(" ")
    kept = words if space else cut[:-1]
    return kept.rstrip(" ,;:.–—-") + ELLIPSIS


_ENDED = re.compile(r"""[.!?…]+["”’»)\]]*\s+(?=["“‘«(\[]*[^\W_a-z])""")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:TP|Tp|ThS|TS|GS|PGS|BS|KS|CN|LS|Q|P|Tr|NXB|St|Mr|Mrs|Ms|Dr|Prof|No|vs|[A-ZĐ])$"
)


def lead(text: str, sentences: int = 2, chars: int = 300) -> str:
    """The first sentences of a plain text, at most `chars` characters long."""
    text = _SPACE.sub(" ", text).strip()
    found = 0
    for end in _ENDED.finditer(text):
        if _ABBREVIATED.search(text[: end.start()]) and text[end.start()] == ".":
            continue
        found += 1
        if found == sentences:
            text = text[: end.end()].rstrip()
            break
    return shorten(text, chars)
