"""The words of the demo's publisher, as each of its outlets would publish them on a given day.

Pure: the instants of its two days and the address it stands at are arguments, so that the same
arguments give the same bytes, today and in a year.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from service.config.values import parse_duration

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True, slots=True)
class DemoOutlet:
    """One of the invented outlets, its place on the publisher, and the shape it publishes in."""

    id: str
    title: str
    about: str
    language: str
    path: str
    template: str
    type: str
    full: bool = False


OUTLETS = (
    DemoOutlet("song-thuong", "Báo Sông Thương", "Báo của tỉnh Trung Du", "vi", "rss.xml",
           "rss.xml.j2", "application/rss+xml"),
    DemoOutlet("ban-mai", "Bản Mai", "Tin buổi sáng", "vi", "atom.xml",
           "atom.xml.j2", "application/atom+xml"),
    DemoOutlet("suc-khoe", "Sức khỏe Trung Du", "Sức khỏe của người Trung Du", "vi", "feed.json",
           "", "application/feed+json"),
    DemoOutlet("river-post", "The River Post", "News from the river province", "en", "rss.xml",
           "rss.xml.j2", "application/rss+xml", full=True),
    DemoOutlet("cong-tinh", "Cổng thông tin tỉnh Trung Du", "", "vi", "",
           "portal.html.j2", "text/html"),
    DemoOutlet("phat-thanh", "Đài Phát thanh Trung Du", "", "vi", "rss.xml",
           "broken.xml.j2", "application/rss+xml"),
)  # fmt: skip

INVENTED = {
    "vi": "Tin hư cấu, viết cho bản giới thiệu của Bantin.",
    "en": "Invented news, written for the tour of Bantin.",
}


@dataclass(frozen=True, slots=True)
class Days:
    """The two days of the publisher: when each is collected. Aware UTC."""

    yesterday: datetime
    today: datetime


class Content:
    """Renders what the publisher serves. `base` is its address without a slash at the end."""

    def __init__(self, folder: Path, base: str, days: Days) -> None:
        self._base = base
        self._days = days
        self._articles: list[dict[str, Any]] = tomllib.loads(
            (folder / "articles.toml").read_text(encoding="utf-8")
        )["article"]
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(["html.j2", "xml.j2"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def index(self, outlet: DemoOutlet, *, today: bool) -> bytes:
        """What the outlet's source address serves: on its first day without the second's news."""
        articles = [
            self._published(outlet, article)
            for article in self._articles
            if article["outlet"] == outlet.id and (today or article["day"] == "yesterday")
        ]
        articles.sort(key=lambda article: str(article["iso"]), reverse=True)
        if not outlet.template:
            return self._json_feed(outlet, articles)
        template = self._templates.get_template(outlet.template)
        views = {"outlet": self._outlet(outlet), "articles": articles, "full": outlet.full}
        text = template.render(**views)
        if outlet.id == "phat-thanh":
            text = text.rstrip("\n").removesuffix("</rss>")
        return text.encode()

    def article(self, outlet: DemoOutlet, article_id: str) -> bytes | None:
        """The page of one article; None where there is none."""
        for article in self._articles:
            if (article["outlet"], article["id"]) == (outlet.id, article_id):
                return (
                    self._templates.get_template("article.html.j2")
                    .render(
                        outlet=self._outlet(outlet),
                        a=self._published(outlet, article),
                        invented=INVENTED[outlet.language],
                    )
                    .encode()
                )
        return None

    def _outlet(self, outlet: DemoOutlet) -> dict[str, str]:
        return {
            "id": outlet.id,
            "title": outlet.title,
            "about": outlet.about,
            "language": outlet.language,
            "home": f"{self._base}/{outlet.id}/",
        }

    def _published(self, outlet: DemoOutlet, article: Mapping[str, Any]) -> dict[str, Any]:
        collected = self._days.today if article["day"] == "today" else self._days.yesterday
        at = (collected - parse_duration(article["ago"])).replace(second=0, microsecond=0)
        local = at.astimezone(ZONE)
        path = f"/{article.get('shared', outlet.id)}/bai/{article['id']}.html"
        paragraphs = [article["lead"], *article["text"]]
        return {
            **article,
            "author": article.get("author", ""),
            "shared": article.get("shared", ""),
            "path": path,
            "link": self._base + path,
            "iso": at.isoformat(),
            "rfc822": format_datetime(local),
            "local": f"{local:%d/%m/%Y %H:%M}",
            "visible": f"{local:%d/%m/%Y %H:%M}",
            "html": "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs),
        }

    def _json_feed(self, outlet: DemoOutlet, articles: list[dict[str, Any]]) -> bytes:
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": outlet.title,
            "home_page_url": f"{self._base}/{outlet.id}/",
            "description": outlet.about,
            "language": outlet.language,
            "items": [
                {
                    "id": f"{outlet.id}:{article['id']}",
                    "url": article["link"],
                    "title": article["title"],
                    "summary": article["lead"],
                    "date_published": article["iso"],
                    "authors": [{"name": article["author"]}],
                    "tags": [article["category"]],
                }
                for article in articles
            ],
        }
        return json.dumps(feed, ensure_ascii=False, indent=1).encode()
