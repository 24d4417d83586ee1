"""Finds the authors of an article: names of people, never the site's own account. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from service.parse.html.article.prose import Prose
from service.parse.html.blocks import Block, ancestry, is_unseen, text_of
from service.parse.html.vocabulary import called
from service.text.clean import title_text
from service.text.fold import fold, tokens

_MARK = re.compile(
    r"(?:^|[\s_-])(?:author\w*|byline\w*|writer|tac-?gia|nguoi-?viet|but-?danh|autor\w*|redacteur|"
    r"firma|signature|contributor)(?=$|[\s_-])",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"^(?:theo|bài và ảnh|bài, ảnh|bài|tin, ảnh|tin và ảnh|tin bài|tin|thực hiện|tác giả|"
    r"người viết|biên tập|by|from|written by|words by|story by|reported by|author|von|par|por|"
    r"texto|di|da|door|av|af|autor|autorin|auteur|text|redakteur)\s*[:\-\u2013]?\s+",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s*(?:\((?:tổng hợp|thực hiện|biên dịch|dịch|lược dịch|ghi|theo [^)]*|t/h)\)|"
    r"[,\-\u2013|]\s*(?:tổng hợp|staff writer|reporter|correspondent|editor|phóng viên|"
    r"redaktion)\b.*|"
    r"\s+và \d+ tác giả khác)$",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*(?:;|\||\s&\s|\s+(?:and|und|et|y|e|và)\s+|\s[-\u2013]\s|\s/\s|/)\s*")
_ADDRESS = re.compile(r"https?:|www\.|\S+@\S+|^@|\.(?:com|vn|net|org|info|de|uk)\b", re.IGNORECASE)
_ACCOUNT = frozenset(
    re.findall(
        r"\w+",
        "admin administrator editor editors editorial newsroom webmaster redaktion redaction "
        "redacción staff online desk bbt user quantri btv unknown null none anonymous",
    )
)
_OFFICES = ("ban biên tập", "tòa soạn", "toà soạn", "quản trị", "cổng thông tin", "news desk")
_NAME = re.compile(r"[^\W\d_][\w.'\u2019\- ]{1,58}")
_LONGEST_LINE = 80
_MOST = 12
_MOST_WORDS = 6
_TAIL_WORDS = (2, 5)


def choose(
    people: Sequence[str],
    told: Sequence[str],
    tree: HtmlElement,
    prose: Prose | None,
    sites: Iterable[str],
) -> tuple[str, ...]:
    """`people`: JSON-LD's authors; `told`: meta's; `sites`: what the outlet is called, its host."""
    own = {one for one in map(_bare, sites) if len(one) > 2}  # noqa: PLR2004 - "vn" is in many names
    for texts in (people, told, _marked(tree), _at_the_end(prose)):
        names = [name for text in texts for name in names_in(text)]
        kept = [name for name in dict.fromkeys(names) if not _is_account(name, own)]
        if kept:
            return tuple(kept)[:_MOST]
    return ()


def host_names(url: str) -> list[str]:
    """The host and its telling label: "baochinhphu.vn", "baochinhphu"."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return []
    labels = [label for label in host.split(".") if label not in {"www", "m", "amp"}]
    return [host.removeprefix("www."), *labels[:-1]]


def names_in(text: str) -> list[str]:
    """The names in a byline; none where it is an address or a sentence."""
    text = title_text(text)
    if not text or len(text) > 200 or _ADDRESS.search(text):  # noqa: PLR2004 - longer than a byline
        return []
    names = []
    for part in _AND.split(_bare_byline(text)):
        pieces = part.split(",")
        if len(pieces) > 1 and all(1 < len(one.split()) <= _MOST_WORDS for one in pieces):
            names += [_bare_byline(one.strip()) for one in pieces]
        else:
            names.append(_bare_byline(pieces[0].strip()))
    return [name for name in names if _NAME.fullmatch(name) and len(name.split()) <= _MOST_WORDS]


def _bare_byline(text: str) -> str:
    return _BEHIND.sub("", _BEFORE.sub("", text)).strip(" .,:;-\u2013|")


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", fold(name))


def _is_account(name: str, own: set[str]) -> bool:
    bare = _bare(name)
    if not bare or any(site == bare or (len(site) > 4 and site in bare) or bare in site  # noqa: PLR2004
                       for site in own if len(bare) > 3):  # fmt: skip  # noqa: PLR2004
        return True
    words = set(tokens(fold(name)))
    lowered = name.lower()
    return bool(words & _ACCOUNT) or any(office in lowered for office in _OFFICES)


def _marked(tree: HtmlElement) -> list[str]:
    """Elements that are marked as the author, outer texts once."""
    for element in tree.iter(
        "a", "span", "div", "p", "address", "strong", "b", "em", "h4", "h5", "ul", "li", "section"
    ):
        marked = "author" in (element.get("rel") or "").lower().split()
        marked = marked or "author" in (element.get("itemprop") or "").lower()
        if not marked and not _is_called(element):
            continue
        if is_unseen(element) or any(is_unseen(one) for one in element.iterancestors()):
            continue
        text = text_of(element)
        if 0 < len(text) <= 150 and any(names_in(one) for one in _parts(element)):  # noqa: PLR2004
            return _parts(element)  # what is longer is a box about the author
    return []


def _is_called(element: HtmlElement) -> bool:
    return _MARK.search(called(element)) is not None


def _parts(element: HtmlElement) -> list[str]:
    """The texts of a byline's own elements where it has several names, else its text."""
    inner = [text_of(one) for one in element.iter("a", "span", "li") if not len(one)]
    inner = [text for text in inner if names_in(text)]
    whole = text_of(element)
    if len(inner) > 1 and all(len(text.split()) > 1 for text in inner):
        return inner
    return [whole]


def _at_the_end(prose: Prose | None) -> list[str]:
    """Vietnamese articles end with the author's name in a line of its own."""
    if prose is None:
        return []
    for block in reversed(prose.blocks[-3:]):
        if len(block.text) > _LONGEST_LINE:
            break  # what stands above a paragraph is a heading
        name = _bare_byline(block.text)
        words = name.split()
        if _TAIL_WORDS[0] <= len(words) <= _TAIL_WORDS[1] and all(
            word[0].isupper() for word in words
        ) and not re.search(r"[.!?…:]", name):  # fmt: skip
            return [name]
    return []


def is_byline(block: Block) -> bool:
    """Whether a block is marked as the author's name."""
    near = list(ancestry(block.element))[:2]
    return len(block.text) <= _LONGEST_LINE and any(map(_is_called, near))
