"""A small newsroom for the tests of what is published: sources, topics, stories of every kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, update

from service.config.schema import Settings
from service.model import Enclosure, Image, Outlet, Story, TopicEntry
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.render.views import freeze, story_view
from service.store import tables as t
from service.store.content import stories
from tests.builders import add_digest, add_source, add_story, add_topic

TOPICS = {"giao-duc": "Giáo dục", "y-te": "Y tế", "khoa-hoc": "Khoa học, công nghệ"}
OUTLETS = {"vnexpress": "VnExpress", "tuoitre": "Tuổi Trẻ", "mekong": "Mekong Eye"}

CONFIGURATION: dict[str, Any] = {
    "site": {
        "title": "Tin Khoa giáo",
        "base_url": "https://tin.example.vn",
        "language": "vi",
        "timezone": "Asia/Ho_Chi_Minh",
        "contact": "bientap@example.vn",
    },
    "branding": {"accent": "#b3261e", "legal": "Giấy phép số 12"},
    "publish": {"rights": "Bản quyền thuộc các báo được dẫn."},
    "source": {
        name: {"url": f"https://{name}.example/rss", "title": title}
        for name, title in OUTLETS.items()
    },
    "topic": {name: {"title": title} for name, title in TOPICS.items()},
    "digest": {
        "tuan": {"title": "Điểm tin tuần", "cadence": "weekly"},
        "yte": {"title": "Tin y tế", "cadence": "daily", "topics": ["y-te"]},
    },
}


def configure(**sections: dict[str, Any]) -> Settings:
    """The newsroom's configuration, with keys of some sections changed."""
    changed = {name: {**CONFIGURATION.get(name, {}), **keys} for name, keys in sections.items()}
    return Settings.model_validate({**CONFIGURATION, **changed})


def renderer_for(settings: Settings, overrides: Any = None) -> Renderer:
    return Renderer(site_view(settings), overrides)


def a_story(now: datetime, **values: Any) -> Story:
    """A story as the store gives it, for the pure parts."""
    story: dict[str, Any] = {
        "id": 1,
        "public_id": "0a1b2c3d4e5f60718293a4b5",
        "article_ids": (1,),
        "outlet": Outlet(
            "vnexpress", "VnExpress", "https://vnexpress.example/", "https://vnexpress.example/1"
        ),
        "title": "Khai giảng sớm hai tuần",
        "lead": "Các trường mở cửa từ ngày 20. Phụ huynh được báo trước.",
        "authors": ("Thanh Hằng",),
        "language": "vi",
        "published": now - timedelta(hours=2),
        "first_seen_at": now - timedelta(hours=1),
        "entered_at": now - timedelta(hours=1),
        "topics": (
            TopicEntry("giao-duc", "Giáo dục", now - timedelta(hours=1)),
            TopicEntry("khoa-hoc", "Khoa học, công nghệ", now - timedelta(hours=1)),
        ),
    }
    return Story(**{**story, **values})


def stories_of_every_kind(now: datetime) -> list[Story]:
    """What has broken feeds of others, one of each."""
    full = "<p>Đoạn một, <b>đậm</b> &amp; rõ.</p><p>Đoạn hai ]]&gt; hết.</p>"
    kinds: list[dict[str, Any]] = [
        {},
        {"title": 'Điểm chuẩn: toán < văn & "sử" > địa', "lead": "R&D < 5 > 3 &amp; hết"},
        {"title": "", "lead": "Không có tiêu đề, chỉ có câu này thôi."},
        {"authors": (), "lead": "", "published": None},
        {"outlet": Outlet("tuoitre", "Tuổi Trẻ", None, None)},
        {"language": "en", "title": "Reef spawns", "lead": "Divers counted eggs."},
        {"content": full},
        {"content": full, "lead": "Đoạn một, đậm & rõ."},
        {"image": Image("https://a.example/1.jpg?a=1&b=2", 'Lớp "A"', 640, 360)},
        {"image": Image("https://a.example/2.jpg")},
        {
            "enclosures": (
                Enclosure("https://a.example/1.mp3", "audio/mpeg", 1234),
                Enclosure("https://a.example/1.jpg", "image/jpeg", 99),
                Enclosure("https://a.example/2.mp4", "video/mp4"),
            )
        },
        {
            "others": (
                Outlet("tuoitre", "Tuổi Trẻ", "https://tuoitre.example/", "https://t.example/9"),
                Outlet("mekong", "Mekong Eye", "https://mekong.example/", None),
                Outlet("x", "X & Y", None, None),
            )
        },
        {"title": "Ký tự\x0b cấm \ufdd0 và 😀 dấu ghép e\u0302\u0301", "lead": "a\x00b"},
        {"published": now + timedelta(days=400)},
        {"updated": now + timedelta(minutes=30)},
        {"authors": ("Nguyễn Văn A, Trần B", "C")},
    ]
    return [
        a_story(now, id=number, public_id=f"{number:024x}", **kind)
        for number, kind in enumerate(kinds, 1)
    ]


def fill(connection: Connection, now: datetime) -> dict[str, int]:
    """Topics, sources and a digest as rows. Name -> id."""
    ids = {name: add_topic(connection, now, name, title) for name, title in TOPICS.items()}
    ids |= {name: add_source(connection, now, name, title=title) for name, title in OUTLETS.items()}
    ids["tuan"] = add_digest(connection, now, "tuan")
    return ids


def tell(
    connection: Connection, ids: dict[str, int], at: datetime, title: str,
    topics: Iterable[str] = ("giao-duc",), source: str = "vnexpress", **values: Any,
) -> int:  # fmt: skip
    """A story that entered its topics at `at`. `values` are columns of its article."""
    story, article = add_story(
        connection, source=ids[source], topics=[ids[name] for name in topics], entered_at=at,
        title=title, published=values.pop("published", at),
    )  # fmt: skip
    if values:
        connection.execute(update(t.article).where(t.article.c.id == article).values(**values))
    return story


def also_tell(
    connection: Connection, ids: dict[str, int], story: int, at: datetime, source: str
) -> None:
    """Another outlet has the same article."""
    article = connection.execute(
        t.story_article.select().where(t.story_article.c.story_id == story)
    ).one()
    connection.execute(
        insert(t.entry).values(
            source_id=ids[source], entry_key=f"{story}", link=f"https://{source}.example/{story}",
            title="", hash=b"", article_id=article.article_id, quiet=False, first_seen_at=at,
        )
    )  # fmt: skip


def freeze_edition(
    connection: Connection, ids: dict[str, int], cut_at: datetime, chosen: list[int],
    *, cadence: str = "weekly", listed: bool = True, more: int = 0, days: int = 7,
) -> int:  # fmt: skip
    """An edition with these stories, as the newsletter would have left it."""
    since = cut_at - timedelta(days=days)
    edition = connection.execute(
        insert(t.edition).values(
            digest_id=ids["tuan"], cadence=cadence, cut_at=cut_at, covers_from=since,
            covers_to=cut_at, period_from=since, listed=listed, more=more, frozen_at=cut_at,
        )
    ).inserted_primary_key[0]  # fmt: skip
    loaded = stories.by_ids(connection, chosen)
    for position, story in enumerate(chosen):
        one = loaded[story]
        connection.execute(
            insert(t.edition_story).values(
                edition_id=edition, story_id=story, position=position,
                topics=[[topic.name, topic.entered_at.isoformat()] for topic in one.topics],
                article_ids=list(one.article_ids), view=freeze(story_view(one)),
            )
        )  # fmt: skip
    return int(edition)


def public_id(title: str, source_id: int) -> str:
    """As tests.builders makes it."""
    return hashlib.sha256(f"https://example/{title}/{source_id}".encode()).hexdigest()[:24]
