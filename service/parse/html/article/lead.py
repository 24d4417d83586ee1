"""The first sentences of an article that stand out on its page: sapo, standfirst, chapeau. Pure.

What people see goes before what search engines are told, which is often cut short or the site's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from service.parse.html.article.prose import Prose, first_place, last_place
from service.parse.html.blocks import Block, ancestry
from service.parse.html.vocabulary import LEAD_NAME, called, is_label
from service.text.boilerplate import without_boilerplate
from service.text.clean import title_text
from service.text.fold import folded_tokens

_OF_SITE = re.compile(
    r"(?:^|[\s_-])(?:site|blog|header|brand|logo|masthead|footer)-?"
    r"(?:desc\w*|title|tagline|slogan|sub-?title|info|name|intro|branding)|slogan|tagline",
    re.IGNORECASE,
)
_SLOGAN = re.compile(
    r"(?:cổng|trang|kênh|báo|tạp chí|mạng)\s+(?:thông tin|tin|điện tử|báo|truyền)|"
    r"cơ quan (?:ngôn luận|chủ quản|của)|điện tử|tin (?:tức|nhanh|nóng|mới)|24h|24/7|24 ?giờ|"
    r"cập nhật|đọc báo|chính thống|latest|breaking|official (?:web|site)|headlines|coverage|"
    r"your (?:source|guide|home)|news and|all the news|nachrichten|aktuelle|actualités|"
    r"l[\u2019'](?:info|actu)|noticias|últim[ao]s|notizie|notícias|nieuws|wiadomości|новости|"
    r"(?:\S.{2,40}?\s[|•\u2013-]\s){2}",
    re.IGNORECASE,
)
_FEW_PAIRS, _MANY_PAIRS = 0.25, 0.7
"""Share of the pairs of words of a short line without an end, and of what sounds like a site's own
praise, that title and text must have."""

_LONG = 80
_ENDS = (".", "!", "?", "…", "。")
_NEAR = 4

_OPENING = 6
"""Paragraphs at the beginning of a text that may say its lead."""

_RUN = 4
"""Words in a row by which a lead is known again."""

_NEARLY_ALL = 0.8
_CUT = re.compile(r"\s*(?:\.\.\.|…|\[…\]|\[\.\.\.\])$")
_SHORTEST, _LONGEST = 25, 1200
_ABOUT_IT = 0.45
"""Share of a description's words that title and text must have for it to speak of the article."""


def choose(
    found: Sequence[Block], told: Sequence[str], title: str, title_at: int, prose: Prose | None
) -> str:
    """One line, "" where nothing stands out. `told`: descriptions, in the order of trust."""
    told = [without_boilerplate(title_text(one)) for one in told]
    told = [one for one in told if _may_be(one, title)]
    first = first_place(found, prose)
    shown = [
        text
        for block in found[title_at : first + 2]
        if _is_called(block) and not block.is_link
        and _may_be(text := without_boilerplate(block.text), title)
    ]  # fmt: skip
    places = [*found[title_at : last_place(found, prose) + 1], *found[:title_at]]
    places = [block for block in places if not _is_of_site(block)]
    for description in told:
        whole = _whole(description, places)
        if whole:
            return without_boilerplate(whole)
    if shown:
        return shown[0]
    words = f"{title} {' '.join(prose.texts) if prose else ''}"
    for description in told:
        if _speaks_of(description, words):
            return _CUT.sub("…", description)
    opening = found[title_at : first + 1] if first < len(found) else ()
    bold = (block.text for block in opening if _is_bold(block) and _is_sentence(block))
    return next((without_boilerplate(one) for one in bold if _may_be(one, title)), "")


def stands_in(lead: str, texts: Sequence[str]) -> bool:
    """Whether a text says its lead itself: in one paragraph or over several, whole or cut short."""
    told = folded_tokens(" ".join(texts[:_OPENING]))
    words = folded_tokens(_CUT.sub("", lead)).split()
    if _CUT.search(lead) and len(words) > _RUN:
        words.pop()  # it may be cut within a word
    if " ".join(words) in told:
        return True
    runs = [" ".join(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)]
    begins = bool(runs) and 0 <= told.find(runs[0]) < _SHORTEST
    return begins and sum(run in told for run in runs) >= _NEARLY_ALL * len(runs)


def _may_be(text: str, title: str) -> bool:
    if not _SHORTEST <= len(text) <= _LONGEST or is_label(text):
        return False
    return folded_tokens(text) != folded_tokens(title)


def _is_of_site(block: Block) -> bool:
    """Whether it stands in the site's own head or foot, or is called the site's own."""
    return any(
        one.tag in {"footer", "nav"} or _OF_SITE.search(called(one))
        for one in list(ancestry(block.element))[:_NEAR]
    )


def _is_called(block: Block) -> bool:
    for one in list(ancestry(block.element))[:3]:
        if one.tag in {"article", "main", "body"}:
            return False
        if _OF_SITE.search(called(one)):
            return False
        if LEAD_NAME.search(f"{called(one)} {one.get('itemprop') or ''}"):
            return True
    return False


def _whole(description: str, found: Sequence[Block]) -> str:
    """The visible paragraph that a description was taken from, "" where there is none."""
    start = folded_tokens(_CUT.sub("", description))[:60]
    if len(start) < _SHORTEST:
        return ""
    cut = start.rpartition(" ")[0] if len(start) == 60 else start  # noqa: PLR2004 - as cut above
    for block in found:
        if block.is_link or len(block.text) > _LONGEST:
            continue
        words = folded_tokens(block.text[:400])
        at = words.find(cut)
        if at == 0 or 0 < at <= 40:  # noqa: PLR2004 - a place name may stand before it
            return block.text if len(block.text) >= len(_CUT.sub("", description)) - 5 else ""
    return ""


def _speaks_of(description: str, words: str) -> bool:
    """Whether a description is the article's. A site's slogan shares words with it, not phrases."""
    told, whole = folded_tokens(description).split(), folded_tokens(words)
    if len(set(told) & set(whole.split())) < _ABOUT_IT * len(set(told)):
        return False
    pairs = [" ".join(pair) for pair in pairwise(told)]
    least = _MANY_PAIRS if _SLOGAN.search(description) else _FEW_PAIRS
    if least is _FEW_PAIRS and (len(description) > _LONG or description[-1] in ".!?…"):
        return True
    return sum(f" {pair} " in f" {whole} " for pair in pairs) >= least * len(pairs)


def _is_sentence(block: Block) -> bool:
    """Whether it is not a heading, caption or link."""
    if block.is_link or any(one.tag in {"figure", "figcaption"} for one in ancestry(block.element)):
        return False
    return len(block.text) > _LONG or block.text.rstrip("\"'\u201d\u2019»)").endswith(_ENDS)


def _is_bold(block: Block) -> bool:
    return block.bold >= 0.9 * len(block.text) or block.element.tag in {"h2", "strong"}
