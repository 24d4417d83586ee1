"""What publishers call the parts of a page, in names and in headings, for lists and articles. Pure.

Names are the words of `class` and `id`; labels are the set phrases above lists of other news.
"""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from service.text.fold import folded_tokens

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_NAVIGATION = (
    r"nav(?:bar|igation)?|mega-?menu|sub-?menu|menu\w*|footer\w*|breadcrumbs?|tag-?cloud|hash-?tag|"
    r"comment(?!ary|ator)\w*|popup\w*|pop-up|modal\w*|pagination|paging|pager|social\w*|login|cookie\w*"
)
_RELATED = r"related(?:one)?\w*|relate|(?:tin-?)?lien-?quan"
_BESIDE = (
    r"side-?bar\w*|aside|(?:most-?)?popular|most-?(?:read|view(?:ed|s)?)|trending|"
    r"(?:tin-?)?(?:doc|xem)-?nhieu\w*|quan-?tam|you-?may\w*|recommend\w*|sponsor\w*|advert\w*|ads?|"
    r"ad-?sense|adsbygoogle|quang-?cao|banner\w*|widget\w*|tags|lien-?ket|web-?links?|doi-?tac|"
    r"partner"
)
_BESIDE_A_TEXT = (
    r"kommentar\w*|disqus\w*|respond|replies|reader-?feedback|phan-?hoi|binh-?luan|y-?kien|recirc\w*|"
    r"suggest\w*|more-?(?:news|stories|articles|from)|read-?(?:more|next|also)|see-?also|"
    r"(?:cac-?)?tin-?khac|tin-?moi\w*|moi-?nhat|tin-?cu\w*|tin-?cung-?\w*|cung-?chuyen-?muc|doc-?them|"
    r"xem-?them|latest-?(?:news|posts|stories)|other-?news|newsother|news-?other|outbrain|taboola|"
    r"share\w*|sharing|teilen|siguenos|likes?\w*|addtoany|addthis\w*|sharedaddy|jp-relatedposts|"
    r"newsletter\w*|subscribe|subscription|signup|sign-up|paywall|promo\w*|consent|gdpr|"
    r"site-?header|masthead|overlay|tooltip|skip-?link|tag(?:-?list)?|keywords|"
    r"author-?(?:bio|box|info|card)|about-?the-?author|rating|vote|poll|print|toolbar|tools|"
    r"screen-reader-text|sr-only|visually-hidden|copyright|disclaimer"
)


def _names(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s\d_-])(?:{'|'.join(words)})(?=$|[\s\d_-])", re.IGNORECASE)


NAVIGATION = _names(_NAVIGATION)
RELATED = _names(_RELATED)
"""Also said of what stands below the large story on top of a list."""

BESIDE_A_LIST = _names(_BESIDE, "right")
BOILERPLATE = _names(_NAVIGATION, _RELATED, _BESIDE, _BESIDE_A_TEXT)
SAYS_LITTLE = _names(
    r"widget\w*|tools|toolbar|print|tags?|keywords|rating|shar(?:e|ing)\w*|read-?more|paywall|popular|"
    r"pager"
)
"""Some outlets call every paragraph by its paywall, and page builders all they make a widget."""

LEAD_NAME = _names(
    r"sapo\w*|stand-?first\w*|chapeau\w*|chapo\w*|lead|lede|dek|deck|kicker-?text|sub-?title|"
    r"sub-?heading|sub-?headline|summary|teaser-?text|intro\w*|excerpt|abstract|description|desc|"
    r"tom-?tat\w*|trich(?:-?dan|-?yeu)?|mo-?ta|hometext|init-?content|preamble|vorspann|entradilla|"
    r"bajada|ingress|occhiello|sommario|strapline"
)
DATE_NAME = re.compile(
    r"date|time|publish|posted|meta|ngay|ngày|thoi-?gian|byline|info", re.IGNORECASE
)


def called(element: HtmlElement) -> str:
    """Its class and its id, "AuthorBox" as "Author-Box"."""
    return parted(f"{element.get('class') or ''} {element.get('id') or ''}")


def parted(name: str) -> str:
    return _CAMEL.sub("-", name)


_KIND = r"(?:(?:cac |nhung )?(?:tin tuc|tin bai|bai viet|noi dung|tin|bai) )"
_OTHER_NEWS = (
    rf"{_KIND}?(?:duoc |co )?(?:xem nhieu|doc nhieu|nhieu nguoi (?:doc|xem)|"
    r"(?:co the )?(?:ban )?(?:co the )?quan tam|lien quan|cung (?:chuyen muc|chu de|loai)|lien ket|"
    r"danh cho ban|goi y|quang cao|tai tro|noi bat nhat)|dung bo lo|tin dang doc|"
    r"(?:the )?most (?:read|viewed|popular|shared|commented)|popular|trending|"
    r"(?:what )?(?:you|others) (?:may|might|read)|related|recommended|sponsored|promoted stories|"
    r"editor ?s? picks?|don t miss|meist ?gelesen|mehr zum thema|auch interessant|"
    r"das konnte sie auch|les plus lus|articles lies|sur le meme sujet|lo mas (?:leido|visto)|"
    r"mas leid[ao]s|te puede interesar|noticias relacionadas|potrebbe interessarti"
)
_MORE_NEWS = (
    rf"{_KIND}(?:khac|cu hon|moi hon|da dua|tiep theo|moi(?: nhat)?)|"
    r"(?:more|older|other|further) (?:news|stories|articles|posts)|"
    r"weitere (?:meldungen|nachrichten)|mas noticias"
)
_TAIL = (
    r"(?: (?:nhat|den|web|website|khac|tin|bai|now|for you|also like|article|articles|news|stories|"
    r"posts?|content|topics|links|interessieren))?"
)
_HEADS_BESIDE = re.compile(rf"{_OTHER_NEWS}|(?:tags?|de xuat|tu khoa)\Z")
_HEADS_MORE = re.compile(_MORE_NEWS)
_HEADS_EITHER = re.compile(rf"(?:{_OTHER_NEWS}){_TAIL}|{_MORE_NEWS}")
_POINTS_ON = frozenset(
    folded_tokens(phrase)
    for phrase in (
        "Đọc thêm", "Xem thêm", "Đọc tiếp", "Xem tiếp", "More", "Read more", "Read also",
        "Also read", "Read next", "See also", "À lire aussi", "Lire aussi", "Lesen Sie auch",
        "Lea también", "Lee también", "Leggi anche", "Zobacz też", "Czytaj też", "Czytaj także",
        "Zobacz także", "Lees ook", "Leia também", "Читайте также", "Lue myös", "Læs også",
        "Läs också",
    )
)  # fmt: skip
_OTHER_LABELS = _POINTS_ON | frozenset(
    folded_tokens(phrase)
    for phrase in (
        "Mới nhất", "Tin nổi bật", "Nổi bật", "Tiêu điểm", "Phản hồi", "Ý kiến bạn đọc",
        "Ý kiến của bạn", "Bình luận", "Thông tin người gửi phản hồi", "Gửi phản hồi",
        "Gửi bình luận", "Thư viện ảnh", "Thư viện video", "Video", "Thông báo", "Chia sẻ",
        "In bài", "In bài viết", "Gửi email", "Quay lại", "Về trang trước", "Lên đầu trang",
        "Từ khóa", "Từ khoá", "Tags", "Chủ đề", "Theo dõi chúng tôi", "Dòng sự kiện", "Sự kiện",
        "More from", "More on this story", "Latest news", "Latest", "Comments", "Leave a comment",
        "Leave a reply", "Share this", "Share", "Share this article", "Advertisement",
        "Recent posts", "Up next", "More information", "Weitere Informationen", "Anzeige",
        "Kommentare",
    )
)  # fmt: skip
_LONGEST_LABEL = 60


def is_label(text: str) -> bool:
    """Whether a line is one that stands above other news, comments or buttons.

    It is compared whole, so that no sentence is taken for one.
    """
    return _is_one_of(_OTHER_LABELS, text)


def points_on(text: str) -> bool:
    """Whether "xem thêm", "tin liên quan" or the like stand in front of another article's title."""
    return _is_one_of(_POINTS_ON, text)


def _is_one_of(labels: frozenset[str], text: str) -> bool:
    words = folded_tokens(text) if len(text) <= _LONGEST_LABEL else ""
    return words in labels or _HEADS_EITHER.fullmatch(words) is not None


def heads_beside(text: str) -> bool:
    """Whether a heading begins as one above a block beside the list of a page."""
    return _HEADS_BESIDE.match(folded_tokens(text)) is not None


def heads_more(text: str) -> bool:
    """Whether a heading says that the news of a list go on under it."""
    return _HEADS_MORE.fullmatch(folded_tokens(text)) is not None
