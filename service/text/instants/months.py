"""Months as feeds of many languages name them: to their numbers. Pure.

By stems, since most languages bend the name of a month or cut it short: "ноя", "ноября". What two
languages understand differently ("listopad" is October in Croatian and November in Polish) is
decided by the language of the source.
"""

# ruff: noqa: RUF001 - letters of other scripts are meant
from __future__ import annotations

import re
import unicodedata

# Stems of the twelve months, without marks; "," parts several of one month.
_STEMS = {
    "fr": "janv fevr,fev mars avr mai juin juil aout sept oct nov dec",
    "de": "jan,jan feb mar,mrz apr mai jun jul aug sep okt nov dez",
    "es": "ene feb mar abr may jun jul ago sep,set oct nov dic",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "nl": "jan feb maa,mrt apr mei jun jul aug sep okt nov dec",
    "ru": "янв фев мар апр мая,маи июн июл авг сен окт ноя дек",
    "uk": "січ лют бер кві тра чер лип сер вер жов лис гру",
    "be": "сту лют сак кра май,мая чэр ліп жні вер кас ліс сне",
    "bg": "яну фев мар апр май юни юли авг сеп окт ное дек",
    "pl": "sty lut mar kwi maj czer,cze lip sie wrz paz lis gru",
    "cs": "led uno bre dub kve cerven,cervna,cvn cervenc,cervenec,cvc srp zar rij lis pro",
    "sk": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "hr": "sij velj ozu tra svi lip srp kol ruj lis stu pro",
    "hu": "jan feb mar apr maj jun jul aug szep okt nov dec",
    "ro": "ian feb mar apr mai iun iul aug sep oct,oct nov,noi dec",
    "tr": "oca sub mar nis may haz tem agu eyl eki kas ara",
    "id": "jan feb,peb mar apr mei jun jul agu,agt sep okt nov,nop des",
    "ms": "jan feb mac apr mei jun jul ogo sep okt nov dis",
    "sv": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "da": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "no": "jan feb mar apr mai jun jul aug sep okt nov des",
    "fi": "tam hel maa huh tou kes hei elo syy lok mar jou",
    "et": "jaan veebr marts apr mai juuni juuli aug sept okt nov dets",
    "el": "ιαν φεβ μαρ απρ μαι,μαϊ ιουν ιουλ αυγ σεπ οκτ νοε δεκ",
}
_ALIASES = {"nb": "no", "nn": "no", "sr": "hr", "bs": "hr", "in": "id"}
_SHORTEST = 3


def number(name: str, language: str | None) -> int | None:
    """Which month (1 to 12) the name means in a language; None where it is none.

    Without a language only what all who know the name understand alike.
    """
    plain = _plain(name)
    if len(plain) < _SHORTEST:
        return None
    primary = (language or "").partition("-")[0].lower()
    if primary:
        return _month(plain, _BY_LANGUAGE.get(_ALIASES.get(primary, primary), []))
    meant = {month for stems in _BY_LANGUAGE.values() if (month := _month(plain, stems))}
    return meant.pop() if len(meant) == 1 else None


def _month(plain: str, stems: list[tuple[str, int]]) -> int | None:
    return next((month for stem, month in stems if plain.startswith(stem)), None)


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFD", name.lower().replace("ł", "l"))
    return re.sub(r"[\u0300-\u036f.]", "", letters)


_BY_LANGUAGE = {
    language: sorted(
        (
            (_plain(stem), month)
            for month, stems in enumerate(names.split(), 1)
            for stem in stems.split(",")
        ),
        key=lambda one: -len(one[0]),  # "cervenc" before "cerven"
    )
    for language, names in _STEMS.items()
}
