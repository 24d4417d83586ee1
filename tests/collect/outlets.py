"""Whole sites of our own writing on loopback: pages, feeds, robots.txt, sitemaps, as software has
them. A path that is not there answers 404."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.parse.portals import TITLES

HTML = "Content-Type: text/html; charset=utf-8"


@dataclass
class Outlet:
    """`answers`: path with its query -> body, or (status, header lines, body)."""

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, talk):
        self.asked.append(talk.target)
        answer = self.answers.get(talk.target)
        if callable(answer):
            await answer(talk)
        elif answer is None:
            await talk.answer(b"<html><title>404</title></html>", HTML, status="404 Not Found")
        elif isinstance(answer, tuple):
            status, headers, body = answer
            await talk.answer(body, *headers, status=status)
        else:
            await talk.answer(answer if isinstance(answer, bytes) else answer.encode())


def feed(*titles, name="Báo A", day=20, home="https://bao-a.example"):
    """RSS with an item for each title, dated in November 2026."""
    items = "".join(
        f"<item><title>{title}</title><link>{home}/{title.replace(' ', '-')}</link>"
        f"<pubDate>{day + n % 3:02} Nov 2026 08:00:00 +0700</pubDate></item>"
        for n, title in enumerate(titles)
    )
    return f"<rss version='2.0'><channel><title>{name}</title>{items}</channel></rss>"


def atom(*titles, name="Báo A", home="https://bao-a.example"):
    """The same as Atom."""
    items = "".join(
        f"<entry><id>{title}</id><title>{title}</title>"
        f"<link href='{home}/{title.replace(' ', '-')}'/></entry>"
        for title in titles
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>{name}</title>{items}</feed>"


def page(body="", head=""):
    head = f"<head><title>Cổng</title>{head}</head>"
    return f"<!DOCTYPE html><html lang='vi'>{head}<body>{body}</body></html>"


def declared(href, title="", kind="application/rss+xml"):
    return f"<link rel='alternate' type='{kind}' title='{title}' href='{href}'>"


def moved(portal, base):
    """A portal's page as it stands at `base`."""
    host = "/".join(portal.url.split("/")[:3])
    return portal.html.replace(host, base.rstrip("/"))


WP_HEAD = (
    "<meta name='generator' content='WordPress 6.6'>"
    + declared("/feed/", "Báo B &raquo; Dòng thông tin")
    + declared("/feed/atom/", "Báo B Atom", "application/atom+xml")
    + declared("/comments/feed/", "Báo B &raquo; Dòng bình luận")
    + "<link rel='alternate' type='application/json+oembed' href='/wp-json/oembed/1.0/embed'>"
    + "<link rel='alternate' type='application/json' href='/wp-json/wp/v2/pages/2'>"
    + "<link rel='EditURI' type='application/rsd+xml' href='/xmlrpc.php?rsd'>"
)


def wordpress():
    """A home page that declares its feed in two formats and its comments'; a section."""
    section = declared("/chuyen-muc/giao-duc/feed/", "Báo B &raquo; Giáo dục")
    return Outlet(
        {
            "/": page("<p>Báo B</p>", WP_HEAD),
            "/chuyen-muc/giao-duc/": page("", WP_HEAD + section),
            "/feed/": feed(*TITLES, name="Báo B"),
            "/feed/atom/": atom(*TITLES, name="Báo B"),
            "/comments/feed/": feed("Bình luận về Hội nghị", name="Bình luận cho Báo B"),
            "/chuyen-muc/giao-duc/feed/": feed(*TITLES[3:5], name="Giáo dục - Báo B"),
        }
    )


def newspaper():
    """Declares nothing; "RSS" in its footer leads to a page with the feeds of all sections."""
    names = {"giao-duc": "Giáo dục", "suc-khoe": "Sức khỏe", "the-thao": "Thể thao"}
    rows = "".join(f"<li><a href='/rss/{one}.rss'>{text}</a></li>" for one, text in names.items())
    footer = "<footer><a href='/rss.html' title='RSS'><i class='ic ic-rss'></i></a></footer>"
    feeds = {
        f"/rss/{one}.rss": feed(f"{text} hôm nay có gì mới", name=f"{text} - Báo C")
        for one, text in names.items()
    }
    return Outlet(
        {
            "/": page(footer),
            "/suc-khoe.htm": page(footer),
            "/rss.html": page(f"<a href='/rss/loi.rss'>Lỗi</a><ul>{rows}</ul>"),
        }
        | feeds
    )
