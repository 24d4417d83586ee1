"""Suggests the IANA zone that somebody meant: by city, by country, by a slip of the pen. Pure.

The country table and the zones of each country ship with the `tzdata` package (iso3166.tab,
zone.tab of the IANA time zone database).
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import available_timezones

from service.text.fold import fold

DEFAULT = "Asia/Ho_Chi_Minh"
"""The example where nothing comes near."""

_CITIES = {
    "hanoi": "Asia/Ho_Chi_Minh",
    "danang": "Asia/Ho_Chi_Minh",
    "haiphong": "Asia/Ho_Chi_Minh",
    "cantho": "Asia/Ho_Chi_Minh",
    "hue": "Asia/Ho_Chi_Minh",
    "tphcm": "Asia/Ho_Chi_Minh",
    "beijing": "Asia/Shanghai",
    "guangzhou": "Asia/Shanghai",
    "shenzhen": "Asia/Shanghai",
    "osaka": "Asia/Tokyo",
    "busan": "Asia/Seoul",
    "delhi": "Asia/Kolkata",
    "newdelhi": "Asia/Kolkata",
    "mumbai": "Asia/Kolkata",
    "bombay": "Asia/Kolkata",
    "bangalore": "Asia/Kolkata",
    "islamabad": "Asia/Karachi",
    "abudhabi": "Asia/Dubai",
    "ankara": "Europe/Istanbul",
    "munich": "Europe/Berlin",
    "hamburg": "Europe/Berlin",
    "frankfurt": "Europe/Berlin",
    "geneva": "Europe/Zurich",
    "bern": "Europe/Zurich",
    "milan": "Europe/Rome",
    "barcelona": "Europe/Madrid",
    "stpetersburg": "Europe/Moscow",
    "washington": "America/New_York",
    "boston": "America/New_York",
    "sanfrancisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "brasilia": "America/Sao_Paulo",
    "riodejaneiro": "America/Sao_Paulo",
    "canberra": "Australia/Sydney",
    "capetown": "Africa/Johannesburg",
}
"""Cities that people name and the database does not."""

_COUNTRIES = {
    "america": "US",
    "britain": "GB",
    "england": "GB",
    "greatbritain": "GB",
    "holland": "NL",
    "korea": "KR",
    "southkorea": "KR",
    "uk": "GB",
    "unitedkingdom": "GB",
    "usa": "US",
    "vietnam": "VN",
}
"""What countries are called besides their name in iso3166.tab."""

_CAPITALS = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "RU": "Europe/Moscow",
}
"""Where zone.tab begins with a zone that few people live in."""

_NEAR_ENOUGH = 0.75


def suggestion(written: str) -> str:
    """The zone that was most likely meant by what is not a zone.

    `Asia/Hanoi`, `Vietnam` and `asia/ho_chi_minh` all mean "Asia/Ho_Chi_Minh". Where nothing comes
    near it is DEFAULT, as an example.
    """
    whole, last = _plain(written), _plain(written.rpartition("/")[2])
    by_whole = {_plain(zone): zone for zone in _zones()}
    if whole in by_whole:
        return by_whole[whole]
    by_city = {_plain(zone.rpartition("/")[2]): zone for zone in _zones() if "/" in zone}
    for name in (last, whole):
        found = _CITIES.get(name) or by_city.get(name) or _of_country(name)
        if found:
            return found
    near = get_close_matches(whole, by_whole, 1, _NEAR_ENOUGH)
    if near:
        return by_whole[near[0]]
    near = get_close_matches(last, by_city, 1, _NEAR_ENOUGH)
    return by_city[near[0]] if near else DEFAULT


def _plain(name: str) -> str:
    """The name without case, marks and separators; the slash stays."""
    return "".join(letter for letter in fold(name) if letter.isalnum() or letter == "/")


@cache
def _zones() -> tuple[str, ...]:
    """Sorted, those that belong to no region (`EST`, `Etc/GMT+7`) left out."""
    kinds = ("Etc/", "SystemV/", "US/", "posix/", "right/")
    return tuple(z for z in sorted(available_timezones()) if "/" in z and not z.startswith(kinds))


def _of_country(name: str) -> str | None:
    """The zone of a country, by its name or its two letters; None for no country."""
    code = _COUNTRIES.get(name) or _codes().get(name, "")
    return _CAPITALS.get(code) or _first_zones().get(code)


@cache
def _codes() -> dict[str, str]:
    rows = _table("iso3166.tab")
    return {_plain(name): code for code, name in rows} | {code.lower(): code for code, _ in rows}


@cache
def _first_zones() -> dict[str, str]:
    found: dict[str, str] = {}
    for code, _place, zone, *_comment in _table("zone.tab"):
        found.setdefault(code, zone)
    return found


def _table(name: str) -> list[list[str]]:
    text = files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
