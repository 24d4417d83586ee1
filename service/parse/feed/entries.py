"""From one entry as feedparser gives it to ours, without its key. Pure.

feedparser's dictionaries warn and invent (`updated` for a missing one): they are undressed first.
"""

from __future__ import annotations

import calendar
import html
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from service.model import Enclosure, Entry, Image
from service.parse.feed import media
from service.parse.feed.deferred import Unparsed, looks_like_html
from service.parse.feed.entry_keys import Draft
from service.parse.feed.renamed_elements import CAPTION
from service.parse.options import ParseOptions
from service.parse.urls import web_address
from service.text.clean import plain, title_text
from service.text.fold import nfc
from service.text.instants import dates

FUTURE = timedelta(days=1)
"""Beyond this a date is a mistake, and the entry counts from when it was first seen."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_ADDRESS = re.compile(r"[<(]?[^\s<>()]+@[^\s<>()]+[>)]?")
_PAGES = ("alternate", "", "bookmark", "canonical", "permalink", "via", "related")
"""How links to an entry's page are called, the most telling first."""

Raw = Mapping[str, Any]


def draft_of(raw: Raw, reading: ParseOptions, now: datetime, *, url: str, version: str) -> Draft:
    """`url`: where the document came from. `version`: as feedparser names the format."""
    raw = _undressed(raw)
    if version == "atom03":
        _take_markup_for_markup(raw)
    atom = version.startswith("atom")
    link, origin = _link(raw, url), web_address(raw.get("feedburner_origlink"), url)
    summary, content, base = _texts(raw)
    if not base or (base == url and not atom):
        base = (
            origin or link or url
        )  # RSS knows no base; its relative links are those of the article's page
    files = _files(raw, url)
    published, written = _published(raw, reading, now)
    entry = Entry(
        key="",
        guid=written_in(raw.get("id")) or None,
        link=link,
        link_is_key=False,
        title=_title(raw, atom=atom),
        published=published,
        updated=_date(raw, "updated", reading, now),
        summary=summary,
        content=content,
        base=base,
        authors=_authors(raw, atom=atom),
        categories=_categories(raw),
        enclosures=files,
        image=_image(raw, files, f"{content}{summary}", base),
        language=_language(raw),
        origin=origin,
    )
    return Draft(entry, written)


def _undressed(raw: Raw) -> dict[str, Any]:
    """The same as plain dictionaries: feedparser's think about every key, and invent some."""
    found: dict[str, Any] = {}
    for key, value in dict.items(raw) if isinstance(raw, dict) else raw.items():
        if isinstance(value, dict):
            found[key] = dict(value)
        elif isinstance(value, list):
            found[key] = [dict(one) if isinstance(one, dict) else one for one in value]
        else:
            found[key] = value
    return found


def _take_markup_for_markup(raw: dict[str, Any]) -> None:
    """Atom 0.3 calls plain what names no type, and few wrote one: what looks like HTML is HTML."""
    for detail in (raw.get("title_detail"), raw.get("summary_detail"), *raw.get("content", ())):
        if detail and detail.get("type") == "text/plain" and looks_like_html(detail["value"]):
            detail["type"] = "text/html"


def language_tag(text: object) -> str | None:
    """`vi`, `vi-VN`; None for what is not a language tag."""
    written = str(text or "").strip().replace("_", "-")
    return written if _LANGUAGE.fullmatch(written) else None


def sensible(at: datetime | None, now: datetime) -> datetime | None:
    """The instant, None when it lies more than a day ahead."""
    return at if at is None or at <= now + FUTURE else None


def written_in(value: object) -> str:
    """NFC, without blanks around; "" for what is not text."""
    return nfc(value).strip() if isinstance(value, str) else ""


def _title(raw: Raw, *, atom: bool) -> str:
    title = written_in(raw.get("title"))
    detail = raw.get("title_detail") or {}
    if atom and detail.get("type") == "text/plain":
        title = title.replace("<", "&lt;")  # in plain text a tag is meant to be read
    return title_text(title)


def _link(raw: Raw, url: str) -> str | None:
    """The page of the entry. A guid stands for it only where no link does."""
    link = web_address(raw.get("link"), url)
    links = raw.get("links") or ()
    files = {web_address(one.get("href"), url) for one in links if one.get("rel") == "enclosure"}
    guid = link is not None and link == web_address(raw.get("id"), url)
    if link is not None and link not in files and not guid:
        return link
    for rel in _PAGES:
        pages = (web_address(one.get("href"), url) for one in links if one.get("rel") == rel)
        page = next((page for page in pages if page), None)
        if page is not None and page not in files:
            return page
    return link


def _texts(raw: Raw) -> tuple[str, str, str]:
    """Summary and content as markup, and the base of their relative links ("" = not known)."""
    details = [one for one in raw.get("content") or () if one.get("value")]
    detail = max(details, key=lambda one: (_is_markup(one), len(one["value"])), default=None)
    content = _markup(detail) if detail else ""
    about = raw.get("summary_detail") or {}
    summary = _markup(about) if about.get("value") else written_in(raw.get("summary"))
    if detail and summary and summary in {content, written_in(detail["value"])}:
        summary = ""  # feedparser repeats the content where there is no summary
    if not (summary or content):
        summary = _caption(written_in(raw.get(CAPTION)))
    base = (detail or about).get("base") or ""
    return summary, content, base


def _caption(text: str) -> str:
    """What is seen in a picture or a film: all that some entries say, YouTube's above all."""
    return text if looks_like_html(text) else _markup({"type": "text/plain", "value": text})


def _is_markup(detail: Raw) -> bool:
    return detail.get("type") != "text/plain"


def _markup(detail: Raw) -> str:
    value = written_in(detail.get("value"))
    if _is_markup(detail):
        return value
    return with_breaks(value)


def with_breaks(text: str) -> str:
    """Plain text as markup that shows its lines."""
    return html.escape(text, quote=False).replace("\n", "<br>\n")


def _published(raw: Raw, reading: ParseOptions, now: datetime) -> tuple[datetime | None, str]:
    """When it came out, with the words of it: of all the dates the one that says so most.

    One that cannot be read at all leaves the word to the next; one that lies ahead does not.
    """
    first = ""
    for name in ("published", "updated", "created"):
        at, written = _read(raw, name, reading, now)
        first = first or written
        if at is not None:
            return sensible(at, now), first
    return None, first


def _date(raw: Raw, name: str, reading: ParseOptions, now: datetime) -> datetime | None:
    return sensible(_read(raw, name, reading, now)[0], now)


def _read(raw: Raw, name: str, reading: ParseOptions, now: datetime) -> tuple[datetime | None, str]:
    """The instant, None where it cannot be read, and its words ("" = there are none)."""
    written = written_in(raw.get(name))
    if not written:
        return None, ""
    at = dates.parse(written, reading.zone, reading.order, now, reading.language)
    if at is None:  # forms of other languages that feedparser knows
        parsed = raw.get(f"{name}_parsed")
        parsed = parsed.instant if isinstance(parsed, Unparsed) else parsed
        at = _instant(parsed) if isinstance(parsed, time.struct_time) else None
    return at, written


def _instant(parsed: time.struct_time) -> datetime | None:
    try:
        at = datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.year > dates.EPOCH_YEAR else None


def _authors(raw: Raw, *, atom: bool) -> tuple[str, ...]:
    """Names alone. RSS mixes address and name, and feedparser cuts `a@b.online` in two."""
    whole = str(raw.get("author") or "")
    names = []
    for one in raw.get("authors") or ():
        email = one.get("email")
        names.append(whole if email and not atom and email in whole else one.get("name") or "")
    return unique(plain(_ADDRESS.sub("", name)).strip(" ()<>") for name in names or [whole])


def _categories(raw: Raw) -> tuple[str, ...]:
    tags = raw.get("tags") or ()
    words = (tag.get("label") or tag.get("term") or "" for tag in tags)
    return unique(title_text(word) for word in words if not str(word).startswith("http"))


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts without empty ones and repetitions, in order."""
    return tuple(dict.fromkeys(text for text in texts if text))


def _files(raw: Raw, url: str) -> tuple[Enclosure, ...]:
    hung = [one for one in raw.get("links") or () if one.get("rel") == "enclosure"]
    played = [one for one in raw.get("media_content") or () if not _is_picture(one)]
    return media.enclosures([*hung, *(one for one in played if one.get("type"))], url)


def _is_picture(raw: Raw) -> bool:
    kind = str(raw.get("type") or "")
    address = str(raw.get("url") or "").lower().partition("?")[0]
    return (
        raw.get("medium") == "image"
        or kind.startswith("image/")
        or (not kind and address.endswith((".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")))
    )


def _image(raw: Raw, files: Iterable[Enclosure], markup: str, base: str) -> Image | None:
    """Media RSS first, since it knows the size; then files, then the first picture of the text."""
    pictures = [one for one in raw.get("media_content") or () if _is_picture(one)]
    pictures.sort(key=lambda one: -(media.number(one.get("width")) or 0))
    own = raw.get("image")
    pictures += raw.get("media_thumbnail") or ()
    pictures += [own] if isinstance(own, Mapping) else []
    for picture in pictures:
        found = media.image_of(picture, base)
        if found is not None:
            return found
    for file in files:
        if file.type.startswith("image/"):
            return Image(file.url)
    return media.first_image(markup, base)


def _language(raw: Raw) -> str | None:
    details = [*(raw.get("content") or ()), raw.get("title_detail") or {}]
    said = [raw.get("language"), *(detail.get("language") for detail in details)]
    return next((tag for tag in map(language_tag, said) if tag), None)
