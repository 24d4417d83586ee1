"""A story is taken back: page, feeds, search, archive, mails, the next edition; and given back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import select, update

from service.curate.stories import acting, recalling
from service.errors import StoryError
from service.mail.drain import drain
from service.newsletter import run
from service.newsletter.plan import plan
from service.newsletter.prepare import prepare
from service.newsletter.recalled.corrections import plan_corrections
from service.publish.static import write_site
from service.store import tables as t
from service.store.audience import merging
from service.store.content import feed_documents, references
from service.store.mailing import claims, editions, resending
from tests.mail.relays import Sink
from tests.newsletter.editors import REVIEWED, press
from tests.newsletter.newsroom import DAY, HOUR, MONDAY
from tests.recalled.desk import Desk

LU = "Lũ lớn ở miền Trung hôm qua"
TRUONG = "Trường mới mở cửa"


@pytest.fixture
def desk(any_store, tmp_path):
    desk = Desk(any_store, tmp_path, {"tuan": {"cadence": "daily"}})
    desk.subscribe()
    return desk


def test_it_leaves_pages_feeds_and_search_with_a_marked_place(desk):
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    before = desk.feed()
    assert [entry["title"] for entry in before.values()] == [LU, TRUONG]
    assert desk.found("miền Trung") == [LU]
    desk.now = MONDAY + HOUR
    done = desk.recall(one, "sai ngày")
    assert (done.changed, done.articles, done.told) == (True, 1, 0)
    after = desk.feed()
    assert list(after) == list(before)  # readers' programs replace what they have
    entry, before_it = next(iter(after.values())), next(iter(before.values()))
    assert entry["title"] == f"Đã rút lại: {LU}"
    assert "sai ngày" in entry["text"]
    assert entry["url"].startswith("https://tin.example.vn/stories")
    assert entry["updated"] > before_it["updated"]
    assert "Sapo của Lũ" not in desk.bodies
    assert "Sapo của Trường" in desk.bodies
    assert desk.link(one) not in desk.bodies
    assert list(desk.feed("all")) == list(before)
    page = desk.story_page(lu)
    assert "Tin này đã được rút lại" in page
    assert "sai ngày" in page
    assert "Sapo" not in page
    assert desk.link(one) not in page
    assert "noindex" in page
    assert LU not in desk.page("topic", "giao-duc")
    assert LU not in desk.page("home")
    assert desk.found("miền Trung") == []
    assert desk.found("source:bao-a") == [TRUONG]
    (row,) = [row for row in desk.rows(t.article) if row.id == one]
    assert (row.title, row.lead, row.content, row.folded) == (LU, "", "", "")
    (said,) = desk.rows(t.recall)
    assert (said.actor, said.reason, said.recalled_at) == ("lan", "sai ngày", desk.now)
    assert not desk.recall(one).changed
    assert len(desk.rows(t.recall)) == 1


def test_its_headline_goes_too_if_wanted(desk):
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    desk.recall(one, "bí mật", hides_title=True)
    (entry,) = desk.feed().values()
    assert entry["title"] == "Tin này đã được rút lại"
    shown = desk.bodies + desk.story_page(lu) + desk.page("edition", "tuan", "20261123T000000Z")
    shown += desk.page("archive", "tuan")
    assert LU not in shown
    assert "bí mật" in shown
    desk.story(TRUONG, at=MONDAY + HOUR)
    desk.run(MONDAY + DAY)
    assert "Đính chính: một tin trong thư trước" in desk.texts()[1]
    assert LU not in desk.texts()[1]


def test_the_archive_shows_a_marked_place(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.run(MONDAY)
    assert "Sapo của Lũ" in desk.page("edition", "tuan", "20261123T000000Z")
    desk.recall(one, "sai ngày")
    page = desk.page("edition", "tuan", "20261123T000000Z")
    assert f"<s>{LU}</s>" in page
    assert "sai ngày" in page
    assert "Sapo của Lũ" not in page
    assert "Sapo của Trường" in page
    assert LU not in desk.page("archive", "tuan")


def test_who_was_told_is_told_so_once_by_the_next_edition(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    desk.subscribe("lan@example.vn")  # was not told
    done = desk.recall(one, "sai ngày")
    assert done.told == 1
    for day in (1, 2):
        desk.story(f"{TRUONG} {day}", at=MONDAY + day * DAY - HOUR)
        desk.now = MONDAY + day * DAY - HOUR / 2
        previewed = desk.preview(to="minh@example.vn").message
        desk.run(MONDAY + day * DAY)
        assert previewed in desk.sent()
    first, second, third = desk.texts()
    assert "Đính chính" not in first + third
    assert f"tin “{LU}” (Bao-A) trong một thư trước đã được rút lại" in second
    assert "sai ngày" in second
    assert not any("Đính chính" in text for text in desk.texts("lan@example.vn"))
    assert desk.correct(DAY) == 0


def test_told_in_two_digests_it_is_corrected_once(any_store, tmp_path):
    review = {"cadence": "daily", "scope": "review", "at": "08:00"}
    desk = Desk(any_store, tmp_path, {"tuan": {"cadence": "daily"}, "kiem": review})
    for digest in ("tuan", "kiem"):
        desk.subscribe(digest=digest)
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY + 2 * HOUR)
    assert len(desk.outbox()) == 2
    assert desk.recall(one).told == 1
    desk.story(TRUONG, at=MONDAY + 3 * HOUR)
    desk.run(MONDAY + DAY + 2 * HOUR)
    assert sum("Đính chính" in text for text in desk.texts()) == 1


def test_told_by_one_of_two_addresses_that_become_one_it_is_corrected_once(any_store, tmp_path):
    review = {"cadence": "daily", "scope": "review", "at": "08:00"}
    desk = Desk(any_store, tmp_path, {"tuan": {"cadence": "daily"}, "kiem": review})
    desk.subscribe("lan@example.vn", "tuan")
    desk.subscribe("minh@example.vn", "kiem")
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY + 2 * HOUR)
    assert desk.recall(one).told == 2
    desk.story(TRUONG, at=MONDAY + 3 * HOUR)
    desk.run(MONDAY + DAY + HOUR / 2)
    assert ["Đính chính" in text for text in desk.texts("lan@example.vn")] == [False, True]
    assert len(desk.texts("minh@example.vn")) == 1  # waits for the edition of 08:00
    become_one(desk, any_store, "minh@example.vn")
    desk.run(MONDAY + DAY + 2 * HOUR)
    *_, last = desk.texts("lan@example.vn")
    assert len(desk.texts("lan@example.vn")) == 3
    assert "Đính chính" not in last


@pytest.mark.parametrize("stays", ["lan@example.vn", "minh@example.vn"])
def test_of_two_corrections_on_their_way_to_addresses_that_become_one_one_goes(
    any_store, tmp_path, stays
):
    week = {"cadence": "weekly"}
    desk = Desk(any_store, tmp_path, {"tuan": week, "kiem": {**week, "scope": "review"}})
    desk.subscribe("lan@example.vn", "tuan")
    desk.subscribe("minh@example.vn", "kiem")
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    assert desk.recall(one).told == 2
    desk.now = MONDAY + DAY
    plan_corrections(any_store, desk.settings, desk.renderer, desk.now)
    become_one(desk, any_store, stays)
    desk.run(MONDAY + DAY)
    assert corrected(desk) == 1
    desk.correct(DAY)
    assert corrected(desk) == 1


def corrected(desk):
    texts = [*desk.texts("lan@example.vn"), *desk.texts("minh@example.vn")]
    return sum("Đính chính" in text for text in texts)


def become_one(desk, store, stays):
    """Who is left has the other one's address from then on."""
    with store.ledger() as connection:
        ids = dict(connection.execute(select(t.subscriber.c.address, t.subscriber.c.id)).all())
        mine = ids.pop(stays)
        (goes,) = ids.values()
        merging.lock(connection, (mine, goes))
        merging.merge(connection, mine, goes, desk.now)


def test_without_an_edition_in_time_it_goes_alone(desk):
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    desk.recall(one, "sai ngày")
    assert desk.correct() == 0
    assert desk.correct(timedelta(hours=23)) == 1
    mail = desk.outbox()[-1]
    assert mail["Subject"] == "Đính chính của Tin Khoa giáo"
    assert LU in desk.texts()[-1]
    assert f"/stories/{desk.public_id(lu)}/" in desk.texts()[-1]
    assert desk.correct(DAY) == 0
    desk.story(TRUONG, at=desk.now)
    desk.run(MONDAY + 3 * DAY)
    assert "Đính chính" not in desk.texts()[-1]


@pytest.mark.parametrize(
    ("part", "template"),
    [
        (
            "body.html.j2",
            (
                '<p>{{ edition.lead.title }}</p><a href="[[preferences]]">x</a>'
                '<a href="[[unsubscribe]]">x</a>'
            ),
        ),
        ("body.txt.j2", "{{ edition.lead.title }} [[preferences]] [[unsubscribe]]"),
    ],
)
def test_a_template_of_before_tells_no_correction_and_it_goes_alone(desk, part, template):
    """Nor does the other part, which is ours: it would be told twice."""
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    desk.recall(one, "sai ngày")
    own = desk.root / "templates" / "mail" / "edition"
    own.mkdir(parents=True)
    (own / part).write_text(template, "utf-8")
    desk.load()
    desk.story(TRUONG, at=MONDAY + HOUR)
    desk.run(MONDAY + DAY)
    assert len(desk.outbox()) == 2
    for mail in desk.outbox():
        for shown in ("html", "plain"):
            assert "Đính chính" not in mail.get_body((shown,)).get_content()
    (row,) = desk.rows(t.correction)
    assert row.delivery_id is None
    assert desk.correct() == 1
    assert sum("Đính chính" in text and LU in text for text in desk.texts()) == 1


def test_a_correction_whose_mail_never_went_waits_for_another(desk):
    """Killed between planning and sending, or refused for good: the row follows the ledger."""
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    desk.recall(one, "sai ngày")
    desk.story(TRUONG, at=MONDAY + HOUR)
    desk.plan(MONDAY + DAY)
    (row,) = desk.rows(t.correction)
    assert row.delivery_id is not None
    desk.run(MONDAY + 2 * DAY + HOUR)  # that mail was too late to be sent
    assert sorted(desk.states()) == ["accepted", "expired"]
    assert [("Đính chính" in text, TRUONG in text) for text in desk.texts()] == [
        (False, False),
        (True, True),
    ]
    (row,) = desk.rows(t.correction)
    assert row.delivery_id == max(one.id for one in desk.rows(t.delivery))


def test_who_left_or_paused_gets_no_mail_for_it(desk):
    minh = desk.row(1).id
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    desk.recall(one)
    desk.change(minh, paused_until=MONDAY + 3 * DAY)
    assert desk.correct(DAY) == 0
    assert desk.correct(3 * DAY) == 1  # the pause is over


def test_a_planned_mail_loses_it_before_it_goes(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY)
    done = desk.recall(one)
    assert (done.put_off, done.told) == (1, 0)
    desk.send()
    assert desk.outbox() == []  # nothing goes before it is made anew
    assert desk.remake().planned == 1
    assert desk.remake().planned == 0
    desk.send()
    (text,) = desk.texts()
    assert LU not in text
    assert TRUONG in text
    assert "Đính chính" not in text
    assert desk.mails() == [[TRUONG]]
    assert desk.preview(to="minh@example.vn", at=MONDAY).message is not None
    desk.story("Sách giáo khoa", at=MONDAY + HOUR)
    desk.run(MONDAY + DAY)
    assert "Đính chính" not in desk.texts()[1]


def test_a_planned_mail_with_nothing_else_does_not_go(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.plan(MONDAY)
    desk.recall(one)
    assert desk.remake().suppressed == 1
    desk.send()
    assert desk.outbox() == []
    assert desk.states() == {"suppressed": 1}


def test_a_planned_mail_that_is_never_made_anew_does_not_go(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY)
    desk.recall(one)
    desk.now += HOUR  # killed between; another process sends
    desk.send()
    assert desk.outbox() == []
    assert desk.states() == {"rejected": 1}
    desk.run(MONDAY + DAY)
    assert desk.mails() == [[TRUONG]]


def test_a_mail_that_a_sender_has_in_hand_is_stopped_before_its_body(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY)
    with desk.store.ledger() as connection:
        (claimed,) = claims.claim(connection, "one", desk.now, 10).claimed
    desk.recall(one)
    made_of = {claimed.id: claimed.segment_id}
    with desk.store.ledger() as connection:
        gate = claims.mark_sending(connection, "one", desk.now, {claimed.id: "relay"}, made_of)
    assert (gate.passed, gate.suppressed) == (frozenset(), frozenset())
    desk.remake()
    with desk.store.ledger() as connection:  # claimed again by the same owner meanwhile
        (again,) = claims.claim(connection, "one", desk.now, 10).claimed
        gate = claims.mark_sending(connection, "one", desk.now, {claimed.id: "relay"}, made_of)
        assert (again.id, gate.passed, gate.suppressed) == (claimed.id, frozenset(), frozenset())
    desk.send()
    assert LU not in desk.texts()[0]
    assert TRUONG in desk.texts()[0]


def test_an_uncertain_mail_counts_as_told_and_is_not_sent_again_with_it(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY)
    desk.lose(1)
    assert desk.recall(one).told == 1
    desk.remake()
    desk.settle("resend", desk.held())
    desk.send()
    assert LU not in desk.texts()[0]
    assert TRUONG in desk.texts()[0]


async def test_made_anew_while_its_old_copy_is_on_a_channel_it_leaves_once(desk):
    """Both copies come to 354 together in one process: only the one without it may leave."""
    minh, an = "minh@example.vn", "an@example.vn"
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.subscribe(an)
    desk.plan(MONDAY)
    released, at_data = asyncio.Event(), []

    def script(step, who):
        if step != "data":
            return None
        at_data.append(who)
        return None if len(at_data) == 1 else released  # the first proves the relay

    def paced():
        return any(str(row.reply).startswith("not tried yet") for row in desk.rows(t.delivery))

    async with Sink(script) as sink, asyncio.timeout(60):
        lines = [sink.line(connections=3)]
        sending = asyncio.create_task(
            drain(desk.store, desk.settings, lambda: desk.now, owner="o", relays=lines)
        )
        while len(at_data) < 2:  # noqa: ASYNC110 - what it waits for is on another machine
            await asyncio.sleep(0.01)
        desk.recall(one)
        desk.remake()
        while len(at_data) < 3 and not paced():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        released.set()
        await sending
        desk.now += HOUR / 10
        await drain(desk.store, desk.settings, lambda: desk.now, owner="o", relays=lines)
        second = at_data[1]
        first = ({minh, an} - {second}).pop()
        got = [mail.recipient for mail in sink.received]
    assert sorted(got) == sorted([first, second])
    assert desk.mails(second) == [[TRUONG]]
    assert desk.states() == {"accepted": 2}


def test_half_of_a_lone_correction_given_back_the_other_half_is_told(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    _, two = desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.run(MONDAY)
    desk.recall(one)
    desk.recall(two)
    desk.now += DAY
    assert plan_corrections(desk.store, desk.settings, desk.renderer, desk.now).planned == 1
    desk.undo(two)
    assert desk.remake().suppressed == 1
    assert desk.correct(HOUR) == 1
    assert LU in desk.texts()[-1]
    assert TRUONG not in desk.texts()[-1]


def test_a_mail_that_had_to_wait_longer_goes_on_waiting(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY)
    desk.refuse(MONDAY + 5 * HOUR)
    desk.recall(one)
    desk.remake()
    (row,) = desk.rows(t.delivery)
    assert (row.state, row.next_try_at) == ("deferred", MONDAY + 5 * HOUR)
    desk.now = MONDAY + 5 * HOUR
    desk.send()
    assert desk.mails() == [[TRUONG]]
    assert LU not in desk.texts()[0]


def test_an_uncertain_mail_that_is_planned_again_waits_to_be_made_anew(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY)
    desk.lose(1)
    desk.recall(one)
    desk.settle("resend", desk.held())
    desk.send()  # before it is made anew
    assert desk.states() == {"deferred": 1}
    desk.remake()
    desk.send()
    assert desk.states() == {"accepted": 1}
    assert LU not in desk.texts()[0]


def test_an_uncertain_mail_that_was_planned_again_and_has_nothing_left_is_held(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.plan(MONDAY)
    desk.lose(1)
    desk.recall(one)
    with desk.store.ledger() as connection:
        connection.execute(update(t.delivery).values(resend_at=MONDAY))
        assert resending.plan_again(connection, MONDAY, None, again=True) == 1
    assert desk.remake().suppressed == 0
    desk.send()
    assert (desk.states(), desk.outbox()) == ({"uncertain": 1}, [])


def test_an_article_leaves_and_other_outlets_tell_its_story(desk):
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    other = "Nước lũ đang rút dần"
    _, two = desk.story(other, at=MONDAY - HOUR, source="bao-b", story=lu)
    desk.run(MONDAY)
    before = desk.feed()
    done = desk.recall(one, "sai ngày")
    assert (done.articles, done.told, desk.home(two)) == (1, 1, lu)
    assert [(each.title, each.address) for each in done.stay] == [(other, desk.link(two))]
    assert desk.home(one) != lu
    after = desk.feed()
    assert next(iter(before)) in after
    assert after[next(iter(before))]["title"] == other
    page = desk.page("edition", "tuan", "20261123T000000Z")
    assert LU not in page
    assert other in page
    assert other in desk.story_page(lu)
    assert LU not in desk.story_page(lu)
    assert "đã được rút lại" in desk.story_page(desk.home(one))


def test_all_of_a_story_leaves_if_wanted(desk):
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    _, two = desk.story("Nước lũ đang rút dần", at=MONDAY - HOUR, source="bao-b", story=lu)
    done = desk.recall(two, whole=True)
    assert (done.articles, done.stay) == (2, ())
    assert desk.home(one) == desk.home(two) == lu
    (entry,) = desk.feed().values()
    assert entry["title"] == f"Đã rút lại: {LU}"


def test_split_off_first_it_leaves_the_editions_that_showed_it(desk):
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    other = "Nước lũ đang rút dần"
    _, two = desk.story(other, at=MONDAY - HOUR, source="bao-b", story=lu)
    desk.run(MONDAY)
    with desk.store.ledger() as connection:
        acting.split(connection, desk.public_id(lu), [desk.link(one)], "lan", desk.now)
    desk.now += HOUR
    assert desk.recall(one).stay == ()  # what was parted before tells other news
    page = desk.page("edition", "tuan", "20261123T000000Z")
    assert LU not in page
    assert other in page
    desk.recall(two)
    assert "Nước lũ đang rút dần</s>" in desk.page("edition", "tuan", "20261123T000000Z")
    desk.undo(two)
    page = desk.page("edition", "tuan", "20261123T000000Z")
    assert other in page
    assert "</s>" not in page


def test_its_headline_may_go_later(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.run(MONDAY)
    desk.recall(one)
    desk.story(TRUONG, at=MONDAY + HOUR)
    desk.plan(MONDAY + DAY)
    done = desk.recall(one, hides_title=True)
    assert (done.changed, done.put_off, done.recall.title) == (True, 1, "")
    desk.remake()
    desk.send()
    assert "Đính chính" in desk.texts()[1]
    (entry,) = [entry for entry in desk.feed().values() if entry["title"] != TRUONG]
    assert entry["title"] == "Tin này đã được rút lại"
    assert LU not in desk.texts()[1] + desk.page("edition", "tuan", "20261123T000000Z")
    assert LU not in [row.title for row in desk.rows(t.article)]
    assert not desk.recall(one, hides_title=True).changed


def test_the_feed_of_a_retired_topic_tells_it_no_more(desk, tmp_path):
    """Nor do the files that were written before; a page that others are cited on stays."""
    out = tmp_path / "out"
    _, one = desk.story(LU, at=MONDAY - HOUR)
    _, two = desk.story(TRUONG, at=MONDAY - HOUR)
    with desk.store.write() as connection:
        references.add(connection, {one: ("38-CT/TW", "15/2020/NĐ-CP"), two: ("38-CT/TW",)})
    desk.publish()
    write_site(desk.store, desk.settings, desk.renderer, out)
    told = [path for path in out.rglob("*.*") if LU in path.read_text("utf-8", "replace")]
    assert {"giao-duc.atom", "15-2020-NĐ-CP.rss"} <= {path.name for path in told}
    with desk.store.write() as connection:
        connection.execute(
            update(t.topic).where(t.topic.c.name == "giao-duc").values(retired_at=desk.now)
        )
    desk.recall(one, hides_title=True)
    with desk.store.read() as connection:
        assert feed_documents.get(connection, "giao-duc", "atom") is None
    desk.publish()
    assert not write_site(desk.store, desk.settings, desk.renderer, out).failed
    assert not [path for path in out.rglob("*.*") if LU in path.read_text("utf-8", "replace")]
    assert (out / "references" / "38-CT-TW" / "index.html").exists()


def test_given_back_it_stands_where_it_stood(desk):
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.run(MONDAY)
    before = desk.feed()
    desk.recall(one)
    desk.story("Sách giáo khoa", at=MONDAY + HOUR)
    desk.plan(MONDAY + DAY)  # this mail corrects it
    done = desk.undo(one)
    assert done.recall.undone_by == "minh"
    assert done.recall.undone_at == desk.now
    desk.remake()
    desk.send()
    assert "Đính chính" not in desk.texts()[1]
    after = desk.feed()
    assert [after[key]["title"] for key in before] == [LU, TRUONG]
    assert LU in desk.story_page(lu)
    assert LU in desk.page("edition", "tuan", "20261123T000000Z")
    assert "rút lại" not in desk.page("edition", "tuan", "20261123T000000Z")
    desk.run(MONDAY + 2 * DAY)
    assert sum(LU in text for text in desk.texts()) == 1  # nobody is told again
    with pytest.raises(StoryError, match="given back already"):
        desk.undo(one)


def test_what_is_planned_while_it_is_taken_back_is_planned_anew(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    desk.story(TRUONG, at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY - HOUR / 2)  # nothing is due; the window has its rule
    desk.now = MONDAY
    zone = desk.renderer.site.zone
    (cut,) = run._cuts(desk.store, desk.settings, zone, MONDAY, MONDAY, None)
    run._freeze(desk.store, desk.settings, cut, MONDAY, MONDAY, MONDAY)
    with desk.store.read() as connection:
        edition = editions.find(connection, cut.digest.id, cut.cadence, cut.cut_at)
        frozen = editions.stories(connection, edition.id)
        planning = prepare(
            connection, desk.settings, desk.renderer, cut, edition, frozen, at=None, now=MONDAY
        )
    desk.recall(one)
    assert plan(desk.store, planning).deliveries == 0
    desk.run(MONDAY)
    assert desk.mails() == [[TRUONG]]
    assert LU not in desk.texts()[0]


@pytest.mark.parametrize(
    ("asked", "reason", "problem"),
    [("https://bao.example/x", "sai", "no article"), (None, " ", "a reason is needed"),
     (None, "x" * 501, "501 characters")],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_written(desk, asked, reason, problem):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    before = desk.everything()
    with pytest.raises(StoryError, match=problem), desk.store.ledger() as connection:
        recalling.recall(connection, asked or desk.link(one), reason, "lan", desk.now)
    assert desk.everything() == before


def test_a_reason_is_plain_text(desk):
    _, one = desk.story(LU, at=MONDAY - HOUR)
    done = desk.recall(one, "sai\u202e so\u0000 lieu\r\n dan")
    assert done.recall.reason == "sai so lieu dan"


@pytest.mark.parametrize("joined", [False, True])
def test_an_editors_note_goes_with_the_story_that_it_was_of(desk, joined):
    """Also where what is left of the story is shown in its place."""
    lu, one = desk.story(LU, at=MONDAY - HOUR)
    if joined:
        desk.story(TRUONG, at=MONDAY - HOUR, story=lu, source="bao-b")
    desk.plan(MONDAY)
    with desk.store.ledger() as connection:
        connection.execute(update(t.edition_story).values(note="Một lời dặn."))
    assert "Một lời dặn." in desk.page("edition", "tuan", "20261123T000000Z")
    desk.recall(one, "sai ngày")
    assert "Một lời dặn." not in desk.page("edition", "tuan", "20261123T000000Z")


def test_a_story_that_is_put_back_while_it_is_recalled_is_marked(any_store, tmp_path):
    """An editor's press waits for the recall, or the recall for it."""
    desk = Desk(any_store, tmp_path, {"ngay": REVIEWED})
    desk.subscribe(digest="ngay")
    _, one = desk.story(LU, at=MONDAY - 5 * HOUR)
    desk.plan(MONDAY - 2 * HOUR)
    press(desk, "drop", LU)
    with desk.store.ledger() as connection:
        recalling.recall(connection, desk.link(one), "sai ngày", "lan", desk.now)
        editor = Thread(target=press, args=(desk, "restore", LU))
        editor.start()
        editor.join(0.5)  # it comes as far as it may
    editor.join()
    [there] = desk.rows(t.edition_story)
    assert "recall" in there.view
