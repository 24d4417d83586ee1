"""What stands around an article and is none of it: lists of other news, labels, buttons. Pure.

Told by three signs, in any language: what elements are called, that a link to another page stands
alone as a headline, and the set phrases above such lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from service.parse.html.blocks import Block, ancestry, blocks
from service.text.fold import folded_tokens

_CALLED = re.compile(
    r"(?:^|[\s_-])(?:"
    r"comment\w*|kommentar\w*|disqus\w*|respond|replies|reader-?feedback|phan-?hoi|binh-?luan|y-?kien|"
    r"related(?:one)?\w*|relate|recommend\w*|recirc\w*|suggest\w*|more-?(?:news|stories|articles|from)|"
    r"read-?(?:more|next|also)|see-?also|you-?may-?\w*|lien-?quan|tin-?lien-?quan|tin-?khac|"
    r"cac-?tin-?khac|tin-?moi\w*|moi-?nhat|tin-?cu\w*|xem-?nhieu\w*|doc-?nhieu\w*|doc-?them|xem-?them|"
    r"quan-?tam|cung-?chuyen-?muc|tin-?cung-?\w*|most-?(?:read|viewed|popular)|popular|trending|"
    r"latest-?(?:news|posts|stories)|other-?news|newsother|news-?other|outbrain|taboola|"
    r"share\w*|sharing|teilen|siguenos|likes?\w*|social\w*|addtoany|addthis\w*|sharedaddy|jp-relatedposts|"
    r"newsletter\w*|subscribe|subscription|signup|sign-up|paywall|promo\w*|sponsor\w*|advert\w*|"
    r"ads?|adsbygoogle|banner\w*|cookie\w*|consent|gdpr|breadcrumbs?|pagination|pager|"
    r"sidebar\w*|side-?bar|widget\w*|menu\w*|nav(?:bar|igation)?|footer\w*|site-?header|masthead|"
    r"modal\w*|popup\w*|pop-up|overlay|tooltip|skip-?link|tags?|tag-?list|tagcloud|keywords|"
    r"author-?(?:bio|box|info|card)|about-?the-?author|rating|vote|poll|print|toolbar|tools|"
    r"screen-reader-text|sr-only|visually-hidden|copyright|disclaimer"
    r")(?=$|[\s_-])",
    re.IGNORECASE,
)
_SAYS_LITTLE = re.compile(
    r"(?:^|(?<=[\s_-]))(?:widget\w*|tools|toolbar|print|tags?|keywords|rating|shar(?:e|ing)\w*|"
    r"read-?more|paywall|popular|pager)(?=$|[\s_-])",
    re.IGNORECASE,
)
"""Some outlets call every paragraph by its paywall, and page builders all they make a widget."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ROLES = frozenset({"navigation", "complementary", "contentinfo", "dialog", "search", "banner"})
_ASIDE = frozenset({"aside", "footer", "nav"})

LABELS = frozenset(
    folded_tokens(phrase)
    for phrase in (
        # Vietnamese
        "Có thể bạn quan tâm", "Có thể bạn quan tâm đến", "Bạn có thể quan tâm", "Các tin khác",
        "Tin khác", "Tin tức khác", "Các bài khác", "Bài khác", "Các tin đã đưa", "Các tin cũ hơn",
        "Tin cũ hơn", "Các bài cũ hơn", "Tin đã đưa", "Tin mới hơn", "Các tin mới hơn",
        "Những tin mới hơn", "Những tin cũ hơn", "Các bài mới hơn", "Tin liên quan",
        "Tin bài liên quan", "Bài liên quan", "Bài viết liên quan", "Các tin liên quan",
        "Tin tức liên quan", "Tin có liên quan", "Mới nhất", "Tin mới nhất", "Tin mới", "Bài mới",
        "Bài mới nhất", "Tin nổi bật", "Nổi bật", "Tiêu điểm", "Xem nhiều nhất", "Xem nhiều",
        "Tin xem nhiều", "Tin đọc nhiều", "Đọc nhiều", "Đọc nhiều nhất", "Được quan tâm nhất",
        "Tin cùng chuyên mục", "Cùng chuyên mục", "Tin cùng chủ đề", "Bài cùng chuyên mục",
        "Tin cùng loại", "Cùng chủ đề", "Đọc thêm", "Xem thêm", "Đọc tiếp", "Xem tiếp",
        "Đừng bỏ lỡ", "Tin đáng đọc", "Phản hồi", "Ý kiến bạn đọc", "Ý kiến của bạn", "Bình luận",
        "Thông tin người gửi phản hồi", "Gửi phản hồi", "Gửi bình luận", "Liên kết website",
        "Liên kết web", "Liên kết", "Thư viện ảnh", "Thư viện video", "Video", "Thông báo",
        "Quảng cáo", "Chia sẻ", "In bài", "In bài viết", "Gửi email", "Quay lại", "Về trang trước",
        "Lên đầu trang", "Từ khóa", "Từ khoá", "Tags", "Chủ đề", "Theo dõi chúng tôi",
        "Bài đọc nhiều", "Tin tiếp theo", "Dòng sự kiện", "Sự kiện",
        # English
        "Related", "Related articles", "Related news", "Related stories", "Related posts",
        "Related content", "Related topics", "Related links", "You may also like",
        "You might also like", "More stories", "More news", "More from", "More on this story",
        "Read more", "Read also", "Read next", "See also", "Most read", "Most viewed",
        "Most popular", "Trending", "Trending now", "Latest news", "Latest", "Recommended",
        "Recommended for you", "Popular", "Comments", "Leave a comment", "Leave a reply",
        "Share this", "Share", "Share this article", "Advertisement", "Recent posts",
        "Don't miss", "Editor's picks", "Up next", "Sponsored", "Promoted stories",
        # others
        "Articles liés", "À lire aussi", "Lire aussi", "Sur le même sujet", "Les plus lus",
        "Mehr zum Thema", "Auch interessant", "Das könnte Sie auch interessieren", "Lesen Sie auch",
        "Weitere Informationen", "More information",
        "Meistgelesen", "Anzeige", "Kommentare", "Noticias relacionadas", "Lea también",
        "Te puede interesar", "Lo más leído", "Más noticias", "Leggi anche",
        "Potrebbe interessarti",
        "Zobacz też", "Czytaj też", "Czytaj także", "Zobacz także", "Lees ook", "Leia também",
        "Читайте также", "Lue myös", "Læs også", "Läs också",
    )
)  # fmt: skip
"""What stands above other news, folded. Compared whole, so that no sentence is taken for one."""

_POINTER = re.compile(
    r"(?:>{1,3}|»+|\*+|[-\u2013+•▶►☛→]+)?\s*(?:xem thêm|đọc thêm|xem tiếp|tin liên quan|"
    r"bài liên quan|>>|read more|read also|see also|also read|related|more|lire aussi|"
    r"à lire aussi|lea también|"
    r"lee también|leggi anche|czytaj też|czytaj także|zobacz też|zobacz także|lees ook|leia também|"
    r"lesen sie auch|mehr zum thema|читайте также)\s*[:\uff1a>»]",
    re.IGNORECASE,
)

HEADLINE = 25
"""Characters from which a link that stands alone is taken for a headline, not for a section."""

_TEASER = 300
"""Characters beside a headline in what is still a teaser."""


def is_called_boilerplate(element: HtmlElement, *, prose: bool = False) -> bool:
    """By its kind, its role or its names. Who asks must see to it that not all text goes.

    `prose`: it holds sentences; then a word that is also said of a text's own parts does not tell.
    """
    if element.get("role", "").lower() in _ROLES or element.tag in _ASIDE:
        return True
    if element.get("aria-hidden", "").lower() == "true":
        return True
    if element.tag in {"html", "body", "article", "main"}:
        return False
    names = f"{element.get('class') or ''} {element.get('id') or ''}".split()
    named = [_CAMEL.sub("-", name) for name in names if not _is_slug(name)]
    if prose:
        named = [_SAYS_LITTLE.sub(" ", name) for name in named]
    return any(map(_CALLED.search, named))


def without_names(names: str) -> str:
    """A class or an id without the words by which boilerplate is called."""
    parted = ((name, _CAMEL.sub("-", name)) for name in names.split())
    return " ".join(_CALLED.sub(" ", apart).strip() if _CALLED.search(apart) else name
                    for name, apart in parted)  # fmt: skip


def _is_slug(name: str) -> bool:
    """An id made of a heading's words says nothing of what stands there."""
    return len(re.split(r"[-_]+", name)) > 5  # noqa: PLR2004 - longer than any class


def is_label(text: str) -> bool:
    """Whether the line is one that stands above other news, comments or buttons."""
    return len(text) <= 60 and folded_tokens(text) in LABELS  # noqa: PLR2004 - longer than any


def is_pointer(block: Block) -> bool:
    """Whether it says "xem thêm: …" with a link in it."""
    return block.linked > 0 and _POINTER.match(block.text) is not None


def headlines(found: Sequence[Block], url: str) -> frozenset[str]:
    """What links that stand alone say of other pages, folded."""
    names = set()
    for block in found:
        if not block.is_link:
            continue
        for href, text in block.links:
            if len(text) >= HEADLINE and leads_elsewhere(href, url):
                names.add(folded_tokens(text))
    return frozenset(names)


def leads_elsewhere(href: str, url: str) -> bool:
    """Whether a link goes to another page: no anchor, no script, not this page itself."""
    href = href.strip()
    if (
        not href
        or href.startswith("#")
        or href.lower().startswith(("javascript:", "mailto:", "tel:"))
    ):
        return False
    try:
        there, here = urlsplit(urljoin(url, href)), urlsplit(url)
    except ValueError:
        return False
    return (there.netloc, there.path, there.query) != (here.netloc, here.path, here.query)


def teasers(found: Iterable[Block], url: str) -> set[HtmlElement]:
    """Boxes that tell of another article: its headline as a link, perhaps its first sentences."""
    boxes: set[HtmlElement] = set()
    known: dict[HtmlElement, bool] = {}
    for block in found:
        if not block.is_link or not any(
            len(text) >= HEADLINE and leads_elsewhere(href, url) for href, text in block.links
        ):
            continue
        box = None
        for around in ancestry(block.element):
            if around.tag in {"body", "html", "main", "article", "table", "tbody"}:
                break
            if around not in known:
                known[around] = _is_teaser(around)
            if not known[around]:
                break
            box = around
        if box is not None:
            boxes.add(box)
    return boxes


def _is_teaser(element: HtmlElement) -> bool:
    inner = blocks(element)
    told = [one for one in inner if not one.is_link and one.own > HEADLINE]
    if any(one.element.tag == "h1" for one in inner):
        return False
    return len(told) <= 1 and sum(one.own for one in told) <= _TEASER
