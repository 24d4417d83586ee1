"""The page where an editor reviews an edition: what it shows, what a press does, what a GET may."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from service.curate.stories import recalling
from service.newsletter.run import plan_due
from service.store import tables as t
from service.store.reviews import reviews
from tests.builders import add_source, add_story, add_subscription
from tests.databases import Kept
from tests.levels import table
from tests.web.conftest import Web, settings_with
from tests.web.people import fill, newest, text

HOUR = timedelta(hours=1)
LAN, HOA = "lan@example.vn", "hoa@example.vn"
DIGEST = {"ngay": {"title": "Tin ngày", "cadence": "daily", "at": "17:00", "review": "2h",
                   "editors": [LAN, HOA]}}  # fmt: skip


@pytest.fixture(scope="module")
def frozen(sqlite_pattern):
    return Kept(sqlite_pattern)


@pytest.fixture
def desk(store, tmp_path, portal, frozen):
    """A site whose edition of 17:00 was frozen just now, at 15:00; two editors have their links."""
    begun = frozen.begin(store)
    web = Web(store, settings_with(tmp_path, digest=DIGEST), portal=portal, registered=begun)
    if not begun:
        freeze(web)
        frozen.keep(store)
    return web


def freeze(web):
    with web.store.write() as connection:
        source = add_source(connection, web.now, "bao-a")
        rows = connection.execute(select(t.topic.c.name, t.topic.c.id)).all()
        topics = {row.name: row.id for row in rows}
        for number in range(4):
            add_story(
                connection,
                source=source,
                topics=[topics[("giao-duc", "y-te")[number % 2]]],
                entered_at=web.now - HOUR - timedelta(minutes=number),
                title=f"Tin {number} <script>",
            )
        digest = connection.scalar(select(t.digest.c.id).where(t.digest.c.name == "ngay"))
        add_subscription(
            connection,
            digest=digest,
            starts_at=web.now - 30 * HOUR,
            address="minh@example.vn",
            cadence="daily",
        )
    run(web)


def run(web):
    return plan_due(web.store, web.settings, web.renderer, web.now)


def path(web, editor=LAN):
    with web.store.read() as connection:
        tokens = select(t.review_link.c.token).where(t.review_link.c.address == editor)
        return f"/review/{connection.scalar(tokens)}"


def standing(web):
    with web.store.read() as connection:
        edition = connection.scalar(select(t.review.c.edition_id))
        return reviews.of_edition(connection, edition), reviews.acts(connection, edition)


def version(page):
    return re.search(r'name="version" value="(\d+)"', page.text)[1]


def story(page, number):
    """The public id of a headline on the page."""
    return re.search(rf"do\" value=\"drop:([^\"]+)\" aria-label=\"[^\"]*Tin {number}", page.text)[1]


def press(web, do, editor=LAN, page=None, **fields):
    page = page or web.client.get(path(web, editor))
    return web.client.post(path(web, editor), data={"do": do, "version": version(page), **fields})


def test_a_get_changes_nothing_however_often_and_whoever_asks(desk):
    with desk.store.read() as connection:
        before = {
            one.name: connection.execute(select(one)).all() for one in t.metadata.sorted_tables
        }
    for query in ("", "?did=release", "?do=release&version=0", "?did=<x>"):
        found = desk.client.get(path(desk) + query)
        assert found.status_code == 200
        assert "no-store" in found.headers["Cache-Control"]
        assert "noindex" in found.headers["X-Robots-Tag"]
        assert "<script" not in found.text
        assert LAN not in found.text
        assert HOA not in found.text
    assert desk.client.head(path(desk)).status_code in (200, 405)
    with desk.store.read() as connection:
        after = {
            one.name: connection.execute(select(one)).all() for one in t.metadata.sorted_tables
        }
    assert before == after


@table("token", ["0" * 32, "x", "../admin", "1" * 32, "a" * 5000])
def test_a_link_that_nobody_was_sent(desk, token):
    assert desk.client.get(f"/review/{token}").status_code == 404
    answer = desk.client.post(f"/review/{token}", data={"do": "release", "version": "0"})
    assert answer.status_code in (404, 405)
    assert standing(desk)[0].version == 0


FORMS = [
    {},
    {"do": "release"},
    {"do": "release", "version": "x"},
    {"do": "release", "version": "-1"},
    {"do": "no-such", "version": "0"},
    {"do": "gone", "version": "0"},
    {"do": "release", "version": "²"},
]


@table("form", FORMS)
def test_a_form_that_is_none(desk, form):
    assert desk.client.post(path(desk), data=form).status_code == 404
    assert standing(desk)[0].version == 0


def test_a_form_of_another_site_is_refused(desk):
    answer = desk.client.post(
        path(desk), data={"do": "hold", "version": "0"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert standing(desk)[0].version == 0


def test_every_button_takes_the_words_along(desk):
    page = desk.client.get(path(desk))
    first = story(page, 0)
    words = {"opening": "Lời đầu.", f"note-{first}": "Một lời."}
    answer = press(desk, f"drop:{story(page, 1)}", **words)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"did=drop#s-{story(page, 1)}")
    shown = desk.client.get(path(desk))
    assert "Lời đầu." in shown.text
    assert "Một lời." in shown.text
    review, acts = standing(desk)
    assert review.version == 1
    assert [(one.act.value, one.address, one.version) for one in acts] == [
        ("opening", LAN, 1),
        ("note", LAN, 1),
        ("drop", LAN, 1),
    ]
    assert all(one.happened_at == desk.now for one in acts)
    press(desk, f"pin:{story(shown, 3)}")
    pinned = text(desk.client.get(path(desk)))
    assert pinned.index("Tin 3") < pinned.index("Tin 0")
    assert "bạn" in pinned


def test_who_saw_an_older_page_changes_nothing_and_keeps_the_words(desk):
    old = desk.client.get(path(desk, HOA))
    press(desk, "hold", LAN)
    words = {"opening": "Chữ của Hoa", f"note-{story(old, 0)}": "Lời của Hoa"}
    answer = press(desk, "release", HOA, old, **words)
    assert answer.status_code == 409
    assert "Chữ của Hoa" in answer.text
    assert "Lời của Hoa" in answer.text
    assert "giữ số này lại" in text(answer)
    assert standing(desk)[0].state == "held"
    again = press(desk, "release", HOA, answer, **words)
    assert again.status_code == 303
    assert standing(desk)[0].state == "released"


def field(page, name):
    """What stands in a field of words."""
    return unescape(re.search(rf'name="{name}"[^>]*>([^<]*)</textarea>', page.text)[1])


def fields(page):
    """All of them, as a browser sends them: line ends are CRLF."""
    names = re.findall(r'<textarea [^>]*name="([^"]+)"', page.text)
    return {name: field(page, name).replace("\n", "\r\n") for name in names}


def test_what_another_wrote_meanwhile_is_not_undone_by_fields_that_were_left_alone(desk):
    press(desk, "save", opening="Lời cũ.\r\n\r\nĐoạn hai.")
    old = desk.client.get(path(desk, HOA))
    note, other = (f"note-{story(old, number)}" for number in (0, 1))
    press(desk, "save", LAN, opening="Lời mới của Lan", **{note: "Ghi chú của Lan"})
    answer = press(desk, "approve", HOA, old, **{**fields(old), other: "Ghi chú của Hoa"})
    assert answer.status_code == 409
    assert field(answer, "opening") == "Lời mới của Lan"
    assert field(answer, note) == "Ghi chú của Lan"
    assert field(answer, other) == "Ghi chú của Hoa"
    assert press(desk, "approve", HOA, answer, **fields(answer)).status_code == 303
    shown = desk.client.get(path(desk))
    assert field(shown, "opening") == "Lời mới của Lan"
    assert (field(shown, note), field(shown, other)) == ("Ghi chú của Lan", "Ghi chú của Hoa")
    assert [one.act.value for one in standing(desk)[1]][-2:] == ["note", "approve"]


def test_whose_words_would_take_the_place_of_anothers_sees_these(desk):
    old = desk.client.get(path(desk, HOA))
    note, gone = (f"note-{story(old, number)}" for number in (0, 1))
    press(desk, "save", LAN, opening="Lời của Lan", **{note: "Lan: sai năm"})
    press(desk, f"drop:{story(old, 1)}", LAN)
    words = {"opening": "Lời của Hoa", note: "Hoa: sai tên", gone: "Hoa: đã sửa"}
    answer = press(desk, "save", HOA, old, **words)
    assert (field(answer, "opening"), field(answer, note)) == ("Lời của Hoa", "Hoa: sai tên")
    alert = re.search(r'role="alert">(.*?)</div>', answer.text, re.DOTALL)[1]
    for theirs in ("Lời của Lan", "Lan: sai năm", "Hoa: đã sửa"):
        assert theirs in alert
    for own in ("Lời của Hoa", "Hoa: sai tên"):
        assert own not in alert


def test_a_story_of_an_earlier_edition_cannot_be_put_first(make):
    """Its readers have it, so that it would stand first for nobody; who missed it gets it."""
    web = make(digest={"ngay": {**DIGEST["ngay"], "stories": {"max": 1}}})
    with web.store.write() as connection:
        source = add_source(connection, web.now, "bao-a")
        topic = connection.scalar(select(t.topic.c.id))
        for number, ago in enumerate((1, 2, 26)):
            add_story(
                connection,
                source=source,
                topics=[topic],
                entered_at=web.now - ago * HOUR,
                title=f"Tin {number}",
            )
        add_subscription(
            connection,
            digest=connection.scalar(select(t.digest.c.id).where(t.digest.c.name == "ngay")),
            starts_at=web.now - 30 * HOUR,
            address="minh@example.vn",
            cadence="daily",
        )
    run(web)
    page = web.client.get(path(web))
    counted, older = story(page, 1), story(page, 2)
    assert f'value="pin:{counted}"' in page.text
    assert f'value="pin:{older}"' not in page.text
    assert text(page).count("chỉ người đã lỡ mới nhận được") == 1
    press(web, f"pin:{counted}")
    shown = text(web.client.get(path(web)))
    assert shown.index("Tin 1") < shown.index("2 tin nữa") < shown.index("Tin 0")


def test_words_that_are_too_long_are_kept_and_nothing_is_done(desk):
    answer = press(desk, "hold", opening="ờ" * 3001)
    assert answer.status_code == 422
    assert "3000" in answer.text
    assert "ờ" * 3001 in answer.text
    assert standing(desk)[0].state == "waiting"
    assert press(desk, "hold", opening="ờ" * 3000).status_code == 303


def test_after_it_has_gone_the_link_says_so_and_does_nothing(desk):
    old = desk.client.get(path(desk))
    desk.later(hours=2)
    run(desk)
    answer = press(desk, "hold", LAN, old, opening="Chữ đến muộn")
    assert answer.status_code == 409
    assert "Chữ đến muộn" in answer.text
    shown = desk.client.get(path(desk))
    assert shown.status_code == 200
    assert "<form" not in shown.text
    assert "/editions/ngay/" in shown.text
    assert desk.client.get("/editions/ngay/20261124T100000Z/").status_code == 200


def test_nobody_sees_the_edition_on_the_site_before(desk):
    assert desk.client.get("/editions/ngay/20261124T100000Z/").status_code == 404
    assert "20261124T100000Z" not in desk.client.get("/digests/ngay/").text
    with desk.store.read() as connection:
        public = connection.scalars(select(t.story.c.public_id)).all()
    for one in public:
        page = desk.client.get(f"/stories/{one}/").text
        assert "20261124T100000Z" not in page
    admin = desk.admin().get("/admin/").text
    assert "đang duyệt đến" in admin


def test_a_press_that_lets_it_go_wakes_who_plans(desk):
    desk.kicks.clear()
    press(desk, "release")
    assert desk.kicks == ["SUBSCRIPTIONS"]
    run(desk)
    with desk.store.read() as connection:
        mails = connection.scalars(select(t.delivery.c.kind)).all()
    assert sorted(mails) == ["edition", "report", "report"]


def test_a_copy_is_mailed_to_whoever_asked(desk):
    assert press(desk, "copy", opening="Chào").status_code == 303
    assert press(desk, "copy").status_code == 429
    with desk.store.read() as connection:
        mails = connection.scalars(select(t.delivery.c.kind)).all()
    assert mails.count("report") == 3


def test_the_digest_left_the_configuration(desk):
    address = path(desk)
    desk.settings.digest.pop("ngay")
    assert desk.client.get(address).status_code == 404
    assert desk.client.post(address, data={"do": "hold", "version": "0"}).status_code == 404


def test_a_recalled_story_without_headline_is_no_empty_link(desk):
    page = desk.client.get(path(desk))
    press(desk, f"drop:{story(page, 1)}")
    with desk.store.ledger() as connection:
        for number in (0, 1):
            link = connection.scalar(
                select(t.article.c.link).where(t.article.c.title == f"Tin {number} <script>")
            )
            recalling.recall(connection, link, "sai", "lan", desk.now, hides_title=True)
    shown = desk.client.get(path(desk))
    assert not re.search(r"<a [^>]*></a>", shown.text)
    assert "“”" not in shown.text
    assert "Tin này đã được rút lại" in text(shown)
    assert f"drop:{story(page, 0)}" not in shown.text


def quiet_desk(make, hours):
    """A site whose edition of 17:00, of one story, waits for a word; these hours are quiet."""
    digest = {**DIGEST["ngay"], "review_required": True, "quiet": {"hours": hours}}
    web = make(digest={"ngay": digest})
    with web.store.write() as connection:
        source = add_source(connection, web.now, "bao-a")
        topic = connection.scalar(select(t.topic.c.id))
        add_story(connection, source=source, topics=[topic], entered_at=web.now - HOUR, title="Tin")
    run(web)
    return web


def test_in_a_quiet_time_the_page_says_so_and_lets_the_editor_choose(make):
    """Its hour, 17:00, has passed without a word; it is quiet from 18:00."""
    web = quiet_desk(make, "18:00-06:00")
    page = text(web.client.get(path(web)))
    assert "yên lặng" not in page
    assert "Gửi ngay cho mọi người" in page
    web.later(hours=4)
    page = text(web.client.get(path(web)))
    assert "giờ yên lặng tới" in page
    assert "Duyệt: gửi lúc 06:00 thứ Tư 25/11" in page
    assert "tới 06:00 thứ Tư 25/11. Người đọc" in page
    assert "Gửi ngay, trong giờ yên lặng" in page
    assert "Duyệt và gửi" not in page
    press(web, "release")
    page = text(web.client.get(path(web)))
    assert "Số này đang được gửi" in page
    assert "yên lặng" not in page


def test_what_is_quiet_until_the_next_edition_is_not_offered_to_go_then(make):
    """Approved at 21:00 it would go at 17:00, which is the next edition's hour."""
    web = quiet_desk(make, "20:00-17:00")
    before = web.client.get(path(web))
    assert "Duyệt: gửi lúc 17:00 thứ Ba 24/11" in text(before)
    web.later(hours=6)
    run(web)
    page = text(web.client.get(path(web)))
    assert "lúc 17:00 thứ Tư 25/11 số đó thay số này" in page
    assert "Duyệt: gửi" not in page
    assert "Gửi ngay, trong giờ yên lặng" in page
    press(web, "approve", page=before)  # a page that was opened before it got quiet
    page = text(web.client.get(path(web)))
    assert "lúc 17:00 thứ Tư 25/11 số đó thay số này" in page
    assert "tự gửi" not in page
    assert "Gửi ngay, trong giờ yên lặng" in page
    press(web, "release")
    run(web)
    assert standing(web)[0].state == "gone"


def test_after_an_edition_went_early_the_next_one_is_promised(desk):
    """Who signs up between "send now" and its hour gets nothing at that hour."""
    press(desk, "release")
    run(desk)
    desk.later(minutes=5)
    fill(desk, digest="ngay", cadence="daily", address="moi@example.vn")
    found = newest(desk)
    tomorrow, today = "17:00 thứ Tư 25/11", "17:00 thứ Ba 24/11"
    confirmed = text(desk.client.get(f"/confirm/{found.token}"))
    run(desk)
    chosen = text(desk.client.get(f"/preferences/{found.token}"))
    for page in (confirmed, chosen):
        assert tomorrow in page
        assert today not in page
    desk.later(hours=2)
    run(desk)
    assert newest(desk).next_cut_at == desk.now + 24 * HOUR - timedelta(minutes=5)
