"""List pages of our own writing, in the shapes that publishing software really gives them.

Each carries menus, a block of what is read most, a footer. `Portal.links` are the entries of its
list, in order; `next` is its next page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

TITLES = (
    "Hội nghị trực tuyến toàn tỉnh triển khai nhiệm vụ quý IV",
    "Khánh thành cầu vượt nối hai bờ sông sau ba năm thi công",
    "Tập huấn kỹ năng số cho cán bộ các xã, phường mới sáp nhập",
    "Kiểm tra công tác phòng, chống cháy rừng mùa khô",
    "Trao học bổng cho học sinh vượt khó học giỏi",
    "Đề xuất mức hỗ trợ mới cho hộ nuôi trồng thủy sản",
    "Lấy ý kiến nhân dân về dự thảo quy hoạch đô thị",
    "Khai mạc hội chợ nông sản và sản phẩm làng nghề",
)
OTHERS = (
    "Mười điều cần biết khi làm căn cước điện tử",
    "Bảng giá đất điều chỉnh được nhiều người tìm đọc",
    "Lịch tiếp công dân của lãnh đạo tỉnh trong năm",
    "Danh sách thí sinh trúng tuyển viên chức đợt một",
    "Số điện thoại đường dây nóng của các sở, ngành",
)
LEAD = "Sáng nay, lãnh đạo tỉnh chủ trì buổi làm việc với các sở, ngành và địa phương liên quan."
ENGLISH = (
    "Council approves the budget for three new libraries",
    "Night trains return to the coast after ten years",
    "Volunteers plant eight thousand trees along the river",
    "Museum opens its archive of early street photographs",
    "School gardens feed two hundred families this winter",
    "Ferry timetable changes from the first of December",
)
JAPANESE = (
    "市立図書館の新しい分館が来月開館します",
    "冬の交通安全運動の実施について",
    "防災訓練に参加する皆様へのお知らせ",
    "子育て支援センターの利用案内を更新しました",
)


@dataclass(frozen=True, slots=True)
class Portal:
    """A page with what a reader would say stands in it."""

    name: str
    url: str
    html: str
    titles: tuple[str, ...]
    links: tuple[str, ...]
    next: str | None = None
    dates: int = 0
    leads: int = 0
    images: int = 0


def _page(body: str, *, head: str = "", language: str = "vi") -> str:
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>Tin tức - Cổng</title>{head}</head><body>{body}</body></html>"
    )


def _many(titles: tuple[str, ...], write: Callable[[int, str], str]) -> str:
    return "".join(write(number, title) for number, title in enumerate(titles, 1))


_NAV = "<ul class='menu'>" + "".join(
    f"<li><a href='/{name}'>{text}</a></li>"
    for name, text in (
        ("", "Trang chủ"), ("gioi-thieu", "Giới thiệu chung về tỉnh"),
        ("tin-tuc", "Tin tức - Sự kiện trong tỉnh"), ("thu-tuc", "Thủ tục hành chính công"),
        ("cong-bao", "Công báo điện tử tỉnh"), ("hoi-dap", "Hỏi đáp chính sách pháp luật"),
    )
) + "</ul>"  # fmt: skip
_FOOTER = (
    "<div id='footer'><a href='/so-do-cong'>Sơ đồ cổng thông tin điện tử</a>"
    "<a href='/chinh-sach'>Chính sách bảo mật thông tin</a><p>Cơ quan chủ quản: UBND tỉnh</p></div>"
)


def liferay() -> Portal:
    """An asset publisher among portlets."""
    base = "https://tinh.example.vn"

    def entry(n: int, title: str) -> str:
        return (
            f'<div class="asset-abstract {"" if n % 2 else "default-asset-publisher"}">'
            f'<span class="asset-anchor lfr-asset-anchor" id="_{n}"></span>'
            f'<h4 class="asset-title"><a href="{base}/tin-tuc/-/asset_publisher/aB3x/content/bai-'
            f'viet-{n}?inheritRedirect=false">{title}</a></h4><div class="asset-content">'
            f'<div class="asset-summary"><img src="/documents/20182/anh{n}.jpg">{LEAD}'
            f'<div class="asset-more"><a href="{base}/tin-tuc/-/asset_publisher/aB3x/content/bai-'
            f'viet-{n}?inheritRedirect=false">Đọc thêm <span class="hide-accessible">'
            f"{title}</span> »</a></div></div></div>"
            f'<div class="asset-metadata"><span class="metadata-publish-date">{n}/11/2026 | 08:3{n}'
            "</span></div></div>"
        )

    most = _many(
        OTHERS,
        lambda n, t: f'<li><a href="{base}/-/asset_publisher/zZ/content/cu-{n}">{t}</a></li>',
    )
    body = (
        f"<div id='banner'><a href='/'><img src='/logo.png'></a></div><nav>{_NAV}</nav>"
        f"<div class='columns-2'><div class='portlet-column' id='column-1'>"
        f"<section class='portlet'><div class='portlet-body'>{_many(TITLES, entry)}"
        "<div class='lfr-pagination'><ul class='pager'><li><a href='?cur=1'>← Trước</a></li>"
        f"<li><a href='{base}/tin-tuc?p_p_id=101&amp;_101_cur=2'>Tiếp theo →</a></li></ul></div>"
        "</div></section></div><div class='portlet-column' id='column-2'>"
        f"<h2 class='portlet-title-text'>Xem nhiều nhất</h2><ul>{most}</ul></div></div>{_FOOTER}"
    )
    links = tuple(
        f"{base}/tin-tuc/-/asset_publisher/aB3x/content/bai-viet-{n}?inheritRedirect=false"
        for n in range(1, len(TITLES) + 1)
    )
    return Portal(
        "liferay", f"{base}/tin-tuc", _page(body), TITLES, links,
        f"{base}/tin-tuc?p_p_id=101&_101_cur=2", dates=8, leads=8, images=8,
    )  # fmt: skip


def sharepoint() -> Portal:
    """Tables in tables, addresses that differ by a number."""
    base = "https://sotaichinh.example.vn/Pages"

    def entry(n: int, title: str) -> str:
        return (
            f"<tr><td valign=top><img src='/PublishingImages/{n}.jpg' width=120></td><td>"
            f"<a class='tieude' href='chi-tiet.aspx?ItemID={4000 + n}&l=TinTuc'>{title}</a>"
            f"<span class='ngaydang'> (0{n}/11/2026)</span><br>{LEAD}</td></tr>"
        )

    left = _many(
        OTHERS, lambda n, t: f"<tr><td><a href='van-ban.aspx?ItemID={n}&c=9'>{t}</a></td></tr>"
    )
    body = (
        f"<form id='aspnetForm'><table width=1000><tr><td colspan=3>{_NAV}</td></tr><tr>"
        f"<td width=200><table><tr><th>Văn bản mới</th></tr>{left}</table></td>"
        f"<td><h1>Tin hoạt động</h1><table class='danhsach'>{_many(TITLES, entry)}</table>"
        "<div class='phantrang'><span>1</span> <a href='tin.aspx?Page=2'>2</a> "
        "<a href='tin.aspx?Page=3'>3</a> <a href='tin.aspx?Page=40'>Cuối</a></div></td>"
        f"</tr></table>{_FOOTER}</form>"
    )
    links = tuple(f"{base}/chi-tiet.aspx?ItemID={4000 + n}&l=TinTuc" for n in range(1, 9))
    return Portal(
        "sharepoint", f"{base}/tin.aspx", _page(body), TITLES, links, f"{base}/tin.aspx?Page=2",
        dates=8, leads=8, images=8,
    )  # fmt: skip


def bare_list() -> Portal:
    """Nothing but links with their day behind them, in the same link."""
    base = "https://xa.example.vn"
    body = (
        f"<div class='header'>{_NAV}</div><div class='content'><h2>Thông báo</h2><ul>"
        + _many(
            TITLES,
            lambda n, t: (
                f"<li><a href='/vi/news/tb/{t.split()[0].lower()}-{n}2345.html'>{t} "
                f"<span>(1{n}/11/2026)</span></a></li>"
            ),
        )
        + f"</ul><a class='trang' href='/vi/news/tb/page-2/'>Trang sau</a></div>{_FOOTER}"
    )
    links = tuple(
        f"{base}/vi/news/tb/{t.split()[0].lower()}-{n}2345.html" for n, t in enumerate(TITLES, 1)
    )
    return Portal(
        "bare list", f"{base}/vi/news/tb/", _page(body), TITLES, links,
        f"{base}/vi/news/tb/page-2/", dates=8,
    )  # fmt: skip


def top_and_more() -> Portal:
    """A large story, a list, the older ones below it as bare links, two columns beside."""
    base = "https://bao.example.vn"

    def entry(n: int, title: str) -> str:
        return (
            f"<div class='news-item item-{n} {'last' if n == 4 else ''}'><a href='/ban-tin-{n}0001"
            f".html' class='thumb'><img data-src='/t/{n}.jpg' src='data:image/gif;base64,R0'></a>"
            f"<h3><a href='/ban-tin-{n}0001.html'>{title}</a></h3><p class='sapo'>{LEAD}</p></div>"
        )

    top = (
        f"<div class='focus'><a href='/ban-tin-90001.html'><img src='/t/9.jpg'></a>"
        f"<h2><a href='/ban-tin-90001.html'>{OTHERS[0]} hôm nay</a></h2><p>{LEAD}</p>"
        "<ul class='lien-quan'><li><a href='/ban-tin-10.html'>Bài cũ liên quan đến việc này</a>"
        "</li></ul></div>"
    )
    more = _many(TITLES[4:], lambda n, t: f"<li><a href='/ban-tin-{n + 4}0001.html'>{t}</a></li>")
    beside = _many(
        OTHERS,
        lambda n, t: (
            f"<div class='item'><a href='/ban-tin-{n}77.html'><img src='/m/{n}.jpg'></a>"
            f"<h3><a href='/ban-tin-{n}77.html'>{t}</a></h3></div>"
        ),
    )
    body = (
        f"<header><nav>{_NAV}</nav></header><div class='container'><div class='col-main'>{top}"
        f"<div class='list'>{_many(TITLES[:4], entry)}</div><h4>Các tin khác</h4>"
        f"<ul class='others'>{more}</ul><div class='pagination'><a class='active'>1</a>"
        "<a href='/tin/trang-2.html'>2</a><a href='/tin/trang-2.html'>»</a></div></div>"
        f"<div class='col-300'><div class='box'><div class='box-title'>Có thể bạn quan tâm</div>"
        f"{beside}</div></div></div>{_FOOTER}"
    )
    titles = (f"{OTHERS[0]} hôm nay", *TITLES)
    links = tuple(f"{base}/ban-tin-{n}0001.html" for n in (9, *range(1, 9)))
    return Portal(
        "top and more", f"{base}/tin.html", _page(body), titles, links, f"{base}/tin/trang-2.html",
        leads=5, images=5,
    )  # fmt: skip


def cards() -> Portal:
    """English cards that are links as a whole, with a sidebar of popular ones."""
    base = "https://news.example.org"

    def entry(n: int, title: str) -> str:
        return (
            f'<a class="card card--{n}" href="/stories/{n}"><img src="/i/{n}.webp">'
            f'<div class="card__body"><h3 class="card__title">{title}</h3><p class="card__dek">'
            f"The decision follows months of talks between residents and the city.</p>"
            f'<time datetime="2026-11-{10 + n}T09:00:00Z">{10 + n} November 2026</time></div></a>'
        )

    side = _many(
        ENGLISH[:4],
        lambda n, t: (
            f'<li class="popular-item"><a href="/stories/9{n}">Old but loved: {t}</a></li>'
        ),
    )
    body = (
        '<header class="site"><nav><a href="/about">About our newsroom team</a>'
        '<a href="/jobs">Work with us this year</a><a href="/help">Help and contact page</a></nav>'
        f'</header><main><section class="grid">{_many(ENGLISH, entry)}</section>'
        '<a class="load-more" href="/?page=2" rel="next">Load more</a></main>'
        f"<aside><h2>Most popular</h2><ol>{side}</ol></aside><footer>"
        '<a href="/privacy">Read our privacy statement here</a></footer>'
    )
    links = tuple(f"{base}/stories/{n}" for n in range(1, len(ENGLISH) + 1))
    return Portal(
        "cards", f"{base}/", _page(body, language="en"), ENGLISH, links, f"{base}/?page=2",
        dates=6, leads=6, images=6,
    )  # fmt: skip


def wordpress() -> Portal:
    """A theme of WordPress: classes with numbers, headers in articles, widgets."""
    base = "https://blog.example.com"

    def entry(n: int, title: str) -> str:
        return (
            f'<article id="post-{n}" class="post-{n} post type-post category-a{n % 3}"><header '
            f'class="entry-header"><h2 class="entry-title"><a href="{base}/2026/11/0{n}/story-{n}/"'
            f' rel="bookmark">{title}</a></h2><div class="entry-meta"><a href="{base}/2026/11/0{n}/'
            f'story-{n}/"><time class="entry-date" datetime="2026-11-0{n}T10:00:00+00:00">'
            f'November {n}, 2026</time></a> by <a href="{base}/author/ann/">Ann of the harbour</a>'
            '</div></header><div class="entry-content"><p>The decision follows months of talks '
            f'between residents and the city.</p><a class="more-link" href="{base}/2026/11/0{n}/'
            f'story-{n}/">Continue reading</a></div></article>'
        )

    recent = _many(
        ENGLISH, lambda n, t: f'<li><a href="{base}/2026/11/0{n}/story-{n}/">{t}</a></li>'
    )
    tags = "".join(f'<a href="{base}/tag/t{n}/">A tag with some words {n}</a>' for n in range(30))
    body = (
        '<div id="page" class="hfeed site has-sidebar"><header id="masthead"><nav><a href="/about">'
        'About this blog and me</a></nav></header><div id="content"><main id="main">'
        f'{_many(ENGLISH, entry)}<nav class="navigation"><div class="nav-previous">'
        f'<a href="{base}/page/2/">Older posts</a></div></nav></main><div id="secondary" '
        f'class="widget-area"><section class="widget"><h2>Recent Posts</h2><ul>{recent}</ul>'
        f'</section><section class="widget_tag_cloud">{tags}</section></div></div></div>'
    )
    links = tuple(f"{base}/2026/11/0{n}/story-{n}/" for n in range(1, len(ENGLISH) + 1))
    return Portal(
        "wordpress", f"{base}/", _page(body, language="en"), ENGLISH, links, f"{base}/page/2/",
        dates=6, leads=6,
    )  # fmt: skip


def definitions() -> Portal:
    """A Japanese city hall: days in `dt`, links in `dd`."""
    base = "https://city.example.jp"
    rows = _many(
        JAPANESE,
        lambda n, t: f"<dt>2026年11月{n}日</dt><dd><a href='/news/00{n}.html'>{t}</a></dd>",
    )
    body = (
        "<div id='gnav' class='gnav'><a href='/kurashi/'>くらしの情報</a></div>"
        f"<div id='main'><h2>新着情報</h2><dl class='news'>{rows}</dl>"
        "<p class='pager'><a href='/news/index_2.html'>次へ</a></p></div>"
    )
    links = tuple(f"{base}/news/00{n}.html" for n in range(1, len(JAPANESE) + 1))
    return Portal(
        "definitions", f"{base}/news/", _page(body, language="ja"), JAPANESE, links,
        f"{base}/news/index_2.html", dates=4,
    )  # fmt: skip


def read_on() -> Portal:
    """Headlines that are not links, each with a link that only says "details"."""
    base = "https://phuong.example.vn"

    def entry(n: int, title: str) -> str:
        return (
            f"<div class='row tin'><div class='col-4'><a href='/bai/{n}'><img src='/b/{n}.png'></a>"
            f"</div><div class='col-8'><h3>{title}</h3><p>{LEAD}</p>"
            f"<a class='btn' href='/bai/{n}'>Xem chi tiết</a></div></div>"
        )

    body = f"<div class='top'>{_NAV}</div><div class='wrap'>{_many(TITLES, entry)}</div>{_FOOTER}"
    links = tuple(f"{base}/bai/{n}" for n in range(1, len(TITLES) + 1))
    return Portal("read on", f"{base}/tin", _page(body), TITLES, links, None, leads=8, images=8)


PORTALS = tuple(
    make()
    for make in (
        liferay, sharepoint, bare_list, top_and_more, cards, wordpress, definitions, read_on,
    )
)  # fmt: skip
