"""An edition with one of everything that a look must bear: for tests that look at whole mails."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import update

from service.mail.outbox import html_of
from service.render.icon import png
from service.store import tables as t
from service.store.core.database import Store
from tests.newsletter.newsroom import HOUR, MONDAY, Newsroom

LOOKS = ("front-page", "letter")
NEWS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
READER = "minh@example.vn"

BRANDING = {
    "logo": "logo.png",
    "accent": "#b3261e",
    "address": "Ban Biên tập, 1 Hùng Vương, tỉnh Trung Du · 0204 000 000",
    "legal": "Giấy phép số 12/GP-TTĐT. Chịu trách nhiệm nội dung: Nguyễn Văn A.",
    "links": [{"title": "Cổng tỉnh", "url": "https://example.vn"}],
}


def newsroom(
    store: Store, root: Path, look: str, language: str = "vi", topics: int = 12, **digest: Any
) -> Newsroom:
    """A newsroom with its stories, one reader, and a logo; nothing is planned yet."""
    chosen = list(NEWS["topic"])[:topics]
    vietnamese = language == "vi"
    (root / "logo.png").write_bytes(_logo())
    title = "Điểm tin tuần" if vietnamese else "The week in brief"
    room = Newsroom(
        store,
        root,
        {"tuan": {"cadence": "weekly", "look": look, "title": title, **digest}},
        site={
            "title": "Tin Khoa giáo" if vietnamese else "Midland News",
            "base_url": "https://tin.example.vn",
            "language": language,
            "timezone": "Asia/Ho_Chi_Minh",
        },
        topic={name: {"title": NEWS["topic"][name][language]} for name in chosen},
        branding=BRANDING,
    )
    room.subscribe(READER)
    told = [one for one in NEWS["story"] if one["topic"] in chosen]
    with room.at_once():
        for number, one in enumerate(told):
            at = MONDAY - HOUR - number * timedelta(minutes=97)
            headline, lead = one[language]
            story, _ = room.story(headline, one["topic"], at=at, source=_source(number), lead=lead)
            for other in range(number + 1, number + 1 + one["others"]):
                room.story(headline, one["topic"], at=at, source=_source(other), story=story)
    with store.write() as connection:
        connection.execute(update(t.article).values(language=language))
        for number, name in enumerate(NEWS["outlets"]):
            of = t.source.c.name == _source(number)
            connection.execute(update(t.source).where(of).values(title=name))
    return room


@cache
def _logo() -> bytes:
    """Drawn once: it takes longer than most mails."""
    return png(96)


def mail(room: Newsroom) -> EmailMessage:
    """The mail of Monday, as it went out."""
    room.run(MONDAY)
    [found] = room.outbox(READER)
    return found


def shown(room: Newsroom) -> str:
    """The HTML part of the mail that would go out on Monday, as a browser shows it."""
    room.now = MONDAY
    message = room.preview(to=READER).message
    assert message is not None
    return html_of(BytesParser(policy=policy.default).parsebytes(message))


def _source(number: int) -> str:
    return f"bao-{'abcdefghij'[number % len(NEWS['outlets'])]}"
