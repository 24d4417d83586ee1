"""What stands behind a time in a date: an offset, a zone's abbreviation, or nothing."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Hours east of UTC. IST, CST and BST mean several things; these are the ones that feeds use.
_NAMED = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2,
    "eet": 2, "eest": 3, "msk": 3, "ist": 5.5, "ict": 7, "wib": 7, "sgt": 8, "hkt": 8, "pht": 8,
    "awst": 8, "jst": 9, "kst": 9, "acst": 9.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "akst": -9, "akdt": -8, "hst": -10,
    "giờ việt nam": 7, "giờ vn": 7, "giờ hà nội": 7,
}  # fmt: skip
_OF_LANGUAGE = {
    "vi": "Asia/Ho_Chi_Minh", "ja": "Asia/Tokyo", "ko": "Asia/Seoul", "zh": "Asia/Shanghai",
    "th": "Asia/Bangkok", "lo": "Asia/Vientiane", "km": "Asia/Phnom_Penh", "my": "Asia/Yangon",
    "hi": "Asia/Kolkata", "bn": "Asia/Dhaka", "ne": "Asia/Kathmandu", "he": "Asia/Jerusalem",
    "fa": "Asia/Tehran", "tr": "Europe/Istanbul", "el": "Europe/Athens", "uk": "Europe/Kiev",
    "bg": "Europe/Sofia", "ro": "Europe/Bucharest", "fi": "Europe/Helsinki",
    "et": "Europe/Tallinn", "lv": "Europe/Riga", "lt": "Europe/Vilnius", "pl": "Europe/Warsaw",
    "cs": "Europe/Prague", "sk": "Europe/Bratislava", "hu": "Europe/Budapest",
    "de": "Europe/Berlin", "it": "Europe/Rome", "nl": "Europe/Amsterdam", "da": "Europe/Copenhagen",
    "sv": "Europe/Stockholm", "no": "Europe/Oslo", "nb": "Europe/Oslo", "nn": "Europe/Oslo",
}  # fmt: skip
"""Languages whose outlets stand in one zone, nearly all of them."""

_OF_COUNTRY = {
    "vn": "Asia/Ho_Chi_Minh", "jp": "Asia/Tokyo", "kr": "Asia/Seoul", "cn": "Asia/Shanghai",
    "tw": "Asia/Taipei", "hk": "Asia/Hong_Kong", "sg": "Asia/Singapore",
    "my": "Asia/Kuala_Lumpur", "th": "Asia/Bangkok", "kh": "Asia/Phnom_Penh", "mm": "Asia/Yangon",
    "ph": "Asia/Manila", "id": "Asia/Jakarta", "in": "Asia/Kolkata", "bd": "Asia/Dhaka",
    "np": "Asia/Kathmandu", "pk": "Asia/Karachi", "lk": "Asia/Colombo", "il": "Asia/Jerusalem",
    "ir": "Asia/Tehran", "ae": "Asia/Dubai", "sa": "Asia/Riyadh", "tr": "Europe/Istanbul",
    "gr": "Europe/Athens", "ua": "Europe/Kiev", "bg": "Europe/Sofia", "ro": "Europe/Bucharest",
    "fi": "Europe/Helsinki", "ee": "Europe/Tallinn", "lv": "Europe/Riga", "lt": "Europe/Vilnius",
    "pl": "Europe/Warsaw", "cz": "Europe/Prague", "sk": "Europe/Bratislava",
    "hu": "Europe/Budapest", "at": "Europe/Vienna", "ch": "Europe/Zurich", "de": "Europe/Berlin",
    "it": "Europe/Rome", "nl": "Europe/Amsterdam", "be": "Europe/Brussels",
    "lu": "Europe/Luxembourg", "fr": "Europe/Paris", "es": "Europe/Madrid", "pt": "Europe/Lisbon",
    "ie": "Europe/Dublin", "uk": "Europe/London", "dk": "Europe/Copenhagen",
    "se": "Europe/Stockholm", "no": "Europe/Oslo", "si": "Europe/Ljubljana",
    "hr": "Europe/Zagreb", "rs": "Europe/Belgrade", "ru": "Europe/Moscow", "by": "Europe/Minsk",
    "eg": "Africa/Cairo", "za": "Africa/Johannesburg", "ng": "Africa/Lagos",
    "ke": "Africa/Nairobi", "gh": "Africa/Accra", "ar": "America/Argentina/Buenos_Aires",
    "pe": "America/Lima", "ve": "America/Caracas", "uy": "America/Montevideo",
    "nz": "Pacific/Auckland",
}  # fmt: skip
"""Ends of hosts of countries whose outlets stand in one zone, nearly all of them. Those that are
sold as words (.co, .la, .tv) are left out."""

_NOWHERE = {"", "UTC", "Etc/UTC"}
_WIDEST = timedelta(hours=15)

ZONE = (
    r"[(\[]?(?P<zone>(?:GMT|UTC|UT|giờ)\s*[+\u2212-]\s?\d{1,2}(?::?\d{2}|:\d?(?!\d))?"
    r"|[+\u2212-]\d{2}:?\d{2}(?![\d/])"
    r"|[+\u2212-](?:\d{1,3}|\d{1,2}\s?:\s?\d{0,2}|\d{2} \d{2}|\d{2}:?\d{2}:?\d{1,2})(?=\)?\s*$)"
    r"|giờ (?:Việt Nam|VN|Hà Nội)|[A-Z][a-z]+/[A-Z]\w+|[A-Z]{1,5}(?!\w))[)\]]?"
)
"""Pattern of a zone behind a time, case-insensitively; group `zone`.

A bare sign with one or two digits is a zone only at the end: "08:01 - 12 bình luận" has none. So is
what is not a proper offset but cannot be anything else there: "+00:0", "+7:00", "+700", "+07:".
"""

_OFFSET = re.compile(r"([+\u2212-])\s?(\d+)(?:\s?:\s?|\s)?(\d*)")


def named(name: str) -> tzinfo | None:
    """The zone of an IANA name, None for a name that is not known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def exists(name: str) -> bool:
    """Whether there is a zone of this IANA name: no folder, no path, no name that is nowhere."""
    return named(name) is not None


def home_of(zone: str, language: str | None, host: str = "") -> str:
    """The zone of times that carry none: `zone`, or where that is nowhere the language's.

    An outlet whose host ends in .vn tells Viet Nam's time, in whatever language.
    """
    if zone not in _NOWHERE:
        return zone
    country = _OF_COUNTRY.get(host.rstrip(".").rpartition(".")[2].lower())
    if country is not None:
        return country
    return _OF_LANGUAGE.get((language or "").partition("-")[0].lower(), zone)


def read(text: str | None) -> tzinfo | None:
    """The zone that a text such as "+0700", "GMT+7", "(ICT)" means; None = says nothing we know."""
    if not text:
        return None
    text = text.strip("()[] \t")
    if offset := _OFFSET.search(text):
        size = _size(offset[2], offset[3])
        if size > _WIDEST:
            return None
        return timezone(size if offset[1] == "+" else -size)
    if (hours := _NAMED.get(text.lower())) is not None:
        return timezone(timedelta(hours=hours)) if hours else UTC
    return named(text) if "/" in text else None


def _size(hours: str, minutes: str) -> timedelta:
    """Hours and minutes; "700" is seven hours, "070" seven hours, cut short."""
    if not minutes and len(hours) > 2:  # noqa: PLR2004 - hours and minutes in one
        cut = 1 if len(hours) == 3 and hours[0] != "0" else 2  # noqa: PLR2004
        hours, minutes = hours[:cut], hours[cut:]
    return timedelta(hours=int(hours), minutes=int(f"{minutes}00"[:2]))
