"""A site with one of everything that makes pages wide: long addresses, words, titles, errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update

from service.mail.outbox import Outbox
from service.mail.relays import OUTBOX
from service.newsletter.previews.preview import preview
from service.render.addresses import reference_page
from service.render.views import freeze, story_view
from service.report.health import health
from service.report.mailing import Beside
from service.store import tables as t
from service.store.content import references, stories
from service.store.mailing.relays.relay_states import note_failure
from tests.browser.conftest import NOTHING
from tests.browser.test_outbox import send
from tests.builders import add_source, add_story
from tests.web.conftest import Web
from tests.web.own import ask_to_move, own_link
from tests.web.people import fill, newest, subscribe

LONG = f"https://baotinhnaodo.example.vn/{'toan_van_quyet_dinh_so_623_' * 6}.pdf"
WORD = "38CTTW" * 16
"""Neither has a place where a browser would break a line by itself."""
CITED = ("12345/2020/TTLT-BLĐTBXH-BNNPTNT-BTTTT-VKSNDTC-TANDTC", "38-CT/TW", "15/2020/NĐ-CP")
EDITION = "20261124T000000Z"
EDITION_MAIL = "e" * 32

TOPICS = {
    f"chu-de-{number}": {"title": title, "learn": True}
    for number, title in enumerate(
        ["Chuyển đổi số", "Môi trường và khí hậu", "Nông nghiệp", "Văn hoá", "Đào tạo nghề"]
    )
}


def furnish(web: Web) -> dict[str, str]:
    """Fill the site. The paths of all its pages, by name; those with a key need it."""
    with web.store.write() as connection:
        sources = _sources(connection, web)
        names = connection.execute(select(t.topic.c.name, t.topic.c.id)).all()
        topics = dict(tuple(one) for one in names)
        told = []
        for number, title in enumerate(
            [f"Toàn văn: {LONG}", f"Chỉ thị {WORD} của Ban Bí thư", "Khai giảng năm học mới",
             "Tuyển sinh lớp 10", "Một tiêu đề khá dài về việc triển khai chỉ thị ở các địa phương"]
        ):  # fmt: skip
            story, article = add_story(
                connection, source=sources[number % 2], topics=list(topics.values()),
                entered_at=web.now - timedelta(hours=9 + number), title=title,
            )  # fmt: skip
            values = {
                "lead": f"Xem tại {LONG} hoặc theo số hiệu {WORD} trước ngày 30.",
                "content": f"<p>Đoạn một {LONG} hết.</p><pre>{WORD * 3}</pre>"
                f"<table><tr><td>{WORD}</td><td>{LONG}</td></tr></table>"
                if number == 1
                else "",
            }
            connection.execute(update(t.article).where(t.article.c.id == article).values(**values))
            references.add(connection, {article: CITED})
            seen = {"source_id": sources[number % 2], "entry_key": title, "link": LONG, "hash": b""}
            connection.execute(
                insert(t.entry).values(
                    **seen, title=title, quiet=False, first_seen_at=web.now, article_id=article
                )
            )
            told.append(story)
        _edition(connection, web, told)
    public = [one.public_id for one in _read(web, told)]
    return {
        "home": "/",
        "topic": "/topics/giao-duc/",
        "story": f"/stories/{public[0]}/",
        "story with its text": f"/stories/{public[1]}/",
        "explained": f"/admin/articles/{public[1]}/?saved=1",
        "not to be explained": f"/admin/explain?url={LONG}",
        "reference": reference_page(CITED[0]),
        "search": "/search",
        "search, found": f"/search?q={WORD}",
        "search, wrong": f"/search?q={WORD}:x",
        "archive": "/digests/tuan/",
        "edition": f"/editions/tuan/{EDITION}/",
        "error": NOTHING,
        **_people(web),
        **_admin(web),
    }


def _sources(connection: Any, web: Web) -> list[int]:
    later = web.now + timedelta(hours=1)
    rows: dict[str, dict[str, Any]] = {
        "bao-a": {"title": f"Báo điện tử {WORD}", "last_ok_at": web.now},
        "bao-b": {"title": "Cổng thông tin tỉnh", "failures": 3,
                  "error": "the server answered 503 (Service Unavailable)"},
        "bao-c": {"title": "Thời sự", "failures": 1, "gone_at": web.now, "last_ok_at": web.now,
                  "error": "the server answered 410 (Gone); it says that this is gone for good"},
        "bao-d": {"title": "Khoa học và đời sống", "failures": 2, "quarantined_since": web.now,
                  "error": "quarantined: reading this document took longer than 30 s"},
        "bao-e": {"title": "Trang tin huyện", "held_until": later, "failures": 1,
                  "error": "the server answered 429 (Too Many Requests)"},
        "bao-f": {"title": "Báo chậm", "next_poll_at": web.now - timedelta(hours=2)},
        "bao-g": {"title": "Báo nghỉ", "paused_since": web.now, "paused_until": later},
        "bao-h": {"title": "Báo chuyển nhà", "last_ok_at": web.now, "moved_url": LONG},
        "bao-i": {"title": "Cổng đổi bố cục", "failures": 1, "drifting_since": web.now,
                  **dict.fromkeys(("error", "document_error"),
                      "this page used to give about 20 entries and gives none: its layout has "
                      "changed; `bantin sources discover URL` shows what is there now")},
        "bao-k": {"title": "Báo mất tên miền", "failures": 9,
                  "error": f"no connection to {'mot-ten-mien-rat-dai.' * 4}vn:443: "
                  "Connection refused"},
    }  # fmt: skip
    return [add_source(connection, web.now, name, **values) for name, values in rows.items()]


def _edition(connection: Any, web: Web, told: list[int]) -> None:
    cut = web.now.replace(hour=0)
    digest = select(t.digest.c.id).where(t.digest.c.name == "tuan").scalar_subquery()
    edition = connection.execute(
        insert(t.edition).values(
            digest_id=digest, cadence="weekly", cut_at=cut, covers_from=cut - timedelta(7),
            covers_to=cut, period_from=cut - timedelta(7), listed=True, more=0, frozen_at=cut,
        )
    ).inserted_primary_key[0]  # fmt: skip
    found = stories.by_ids(connection, told)
    for position, one in enumerate(told):
        connection.execute(
            insert(t.edition_story).values(
                edition_id=edition, story_id=one, position=position,
                topics=[["giao-duc", (cut - timedelta(hours=1)).isoformat()]],
                article_ids=list(found[one].article_ids), view=freeze(story_view(found[one])),
            )
        )  # fmt: skip


def _read(web: Web, told: list[int]) -> list[Any]:
    with web.store.read() as connection:
        found = stories.by_ids(connection, told)
    return [found[one] for one in told]


def _people(web: Web) -> dict[str, str]:
    long = f"{'mot.nguoi.co.dia.chi.rat.dai.' * 2}cuoi@example.vn"
    active = subscribe(web, web.browser(), address=long)
    web.later(days=2)
    other = subscribe(web, web.browser(), address=long, digest="y-khoa", topic=[], cadence="")
    own = own_link(web, active.token)
    move = ask_to_move(web, other, "dia.chi.moi@example.vn")
    web.later(days=-2, minutes=1)
    fill(web, web.browser(), address="minh@example.vn")
    waiting = newest(web)
    return {
        "choose a digest": "/subscribe",
        "sign up": "/subscribe/tuan",
        "confirm": f"/confirm/{waiting.token}",
        "preferences": f"/preferences/{active.token}",
        "address and data": own,
        "address changed?": move,
        "unsubscribe": f"/unsubscribe/{active.token}",
    }


def _admin(web: Web) -> dict[str, str]:
    send(web)
    short = min((web.settings.var / "outbox" / "new").iterdir()).name
    news = preview(web.store, web.settings, web.renderer, web.now, "tuan", sample=True)
    assert news.message is not None
    Outbox(web.settings.var / "outbox").put(EDITION_MAIL, news.message)
    with web.store.write() as connection:
        note_failure(connection, OUTBOX, web.now, f"535 5.7.8 {WORD}", web.now)
    with web.store.read() as connection:
        web.health = health(connection, web.now, Beside([OUTBOX]))
    return {
        "admin": "/admin/",
        "numbers of an edition": f"/admin/editions/tuan/{EDITION}/",
        "outbox": "/outbox/",
        "short letter": f"/outbox/{short}",
        "letter of an edition": f"/outbox/{EDITION_MAIL}",
    }
