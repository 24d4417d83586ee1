"""The first sentences of an article that stand out on its page: sapo, standfirst, chapeau. Pure.

What people see goes before what search engines are told, which is often cut short or the site's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.collect.blocks import Block, ancestry
from service.collect.body_text import Body
from service.collect.furniture import is_label
from service.text.clean import title_text
from service.text.fold import folded_tokens

_CALLED = re.compile(
    r"(?:^|[\s_-])(?:sapo\w*|stand-?first\w*|chapeau\w*|chapo\w*|lead|lede|dek|deck|kicker-?text|"
    r"sub-?title|sub-?heading|sub-?headline|summary|teaser-?text|intro\w*|excerpt|abstract|"
    r"description|desc|tom-?tat\w*|trich-?dan|trich-?yeu|mo-?ta|hometext|init-?content|preamble|"
    r"vorspann|entradilla|bajada|ingress|occhiello|sommario|strapline)(?=$|[\s_-])",
    re.IGNORECASE,
)
_CUT = re.compile(r"\s*(?:\.\.\.|…|\[…\]|\[\.\.\.\])$")
_SHORTEST, _LONGEST = 25, 1200
_ABOUT_IT = 0.45
"""Share of a description's words that title and text must have for it to speak of the article."""


def choose(
    found: Sequence[Block], told: Sequence[str], title: str, title_at: int, body: Body | None
) -> str:
    """One line, "" where nothing stands out. `told`: descriptions, in the order of trust."""
    told = [one for one in map(title_text, told) if _may_be(one, title)]
    first = _first_prose(found, body)
    shown = [
        block.text
        for block in found[title_at : first + 2]
        if _is_called(block) and not block.is_link and _may_be(block.text, title)
    ]
    for description in told:
        whole = _whole(description, found)
        if whole:
            return whole
    if shown:
        return shown[0]
    words = f"{title} {' '.join(body.paragraphs) if body else ''}"
    for description in told:
        if _speaks_of(description, words):
            return _CUT.sub("…", description)
    if body and body.blocks and _is_bold(body.blocks[0]) and _may_be(body.blocks[0].text, title):
        return body.blocks[0].text
    return ""


def _may_be(text: str, title: str) -> bool:
    if not _SHORTEST <= len(text) <= _LONGEST or is_label(text):
        return False
    return folded_tokens(text) != folded_tokens(title)


def _first_prose(found: Sequence[Block], body: Body | None) -> int:
    if body is None or not body.blocks:
        return len(found)
    first = body.blocks[0]
    return next((at for at, one in enumerate(found) if one is first), len(found))


def _is_called(block: Block) -> bool:
    for one in list(ancestry(block.element))[:3]:
        if one.tag in {"article", "main", "body"}:
            return False
        called = f"{one.get('class') or ''} {one.get('id') or ''} {one.get('itemprop') or ''}"
        if _CALLED.search(called):
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
    ours, theirs = set(folded_tokens(description).split()), set(folded_tokens(words).split())
    return bool(ours) and len(ours & theirs) >= _ABOUT_IT * len(ours)


def _is_bold(block: Block) -> bool:
    return block.bold >= 0.9 * len(block.text) or block.element.tag in {"h2", "strong"}
