"""An edition is looked at before it goes: held, changed, let go; and what its readers then get."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from threading import Barrier, Thread
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from service.model import CadenceRule, ReviewAct, ReviewState
from service.newsletter.faults import faults
from service.newsletter.review import states
from service.newsletter.review.acts import ReviewOutcome, next_cut
from service.newsletter.review.words import TooLongError, written
from service.newsletter.rules import Schedule
from service.newsletter.run import plan_due
from service.publish.pages import Pages
from service.render.prose import linked
from service.report.digest_list import as_json, listed
from service.report.health import health
from service.report.reviews import overdue, standings, troubles
from service.report.sentence import in_english
from service.report.status import status
from service.store import status_counts
from service.store import tables as t
from service.store.audience import subscribers, suppressions
from service.store.content import page_queries
from service.store.core import facts
from service.store.reviews import reviews, stories
from service.text import mailboxes
from service.text.instants.quiet import read as read_quiet
from tests.levels import table
from tests.newsletter.editors import (
    HOA,
    LAN,
    REVIEWED,
    newest,
    order,
    press,
    public_id,
    text,
    token,
)
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom

FREEZE = MONDAY - 2 * HOUR
BOTH = [LAN, HOA]
MINUTE = timedelta(minutes=1)
W, H, A, R, GONE, OVER = ReviewState  # in the order of the class


# -- the pure part ----------------------------------------------------------------------------


GOES = [
    # state, required: before its hour, at its hour
    (W, False, False, True),
    (W, True, False, False),
    (H, False, False, False),
    (H, True, False, False),
    (A, False, False, True),
    (A, True, False, True),
    (R, False, True, True),
    (R, True, True, True),
    (GONE, True, True, True),
    (OVER, False, False, False),
]


@table(("state", "required", "before", "then"), GOES)
def test_when_an_edition_goes(state, required, before, then):
    found = [states.goes(state, MONDAY, at, required=required) for at in (MONDAY - MINUTE, MONDAY)]
    assert found == [before, then]


def test_what_an_act_makes_of_a_state():
    """An act moves what is open; what has settled stays; words and stories move nothing."""
    becomes = {"hold": H, "approve": A, "release": R}
    for state in ReviewState:
        for act in ReviewAct:
            expected = state if state in (GONE, OVER) else becomes.get(act, state)
            assert states.after(state, act) is expected
    assert states.let_go_at(ReviewAct.APPROVE, MONDAY, FREEZE) == MONDAY
    assert states.let_go_at(ReviewAct.APPROVE, MONDAY, MONDAY + HOUR) == MONDAY + HOUR
    assert states.let_go_at(ReviewAct.RELEASE, MONDAY, FREEZE) == FREEZE
    assert states.let_go_at(ReviewAct.HOLD, MONDAY, FREEZE) is None
    assert states.let_go_at(ReviewAct.APPROVE, MONDAY, FREEZE, FREEZE + HOUR) == MONDAY
    assert states.let_go_at(ReviewAct.APPROVE, FREEZE, MONDAY, MONDAY + HOUR) == MONDAY + HOUR
    assert states.let_go_at(ReviewAct.RELEASE, FREEZE, MONDAY, MONDAY + HOUR) == MONDAY


PLACE = "Asia/Ho_Chi_Minh"
QUIET_ENDS = [
    # cadence, day, at, quiet; its cut, approved at, waits until: November 2026, on the site
    ("daily", None, "21:00", "21:30-06:00", "23 21:00", "23 22:00", "24 06:00"),
    ("daily", None, "21:00", "21:30-06:00", "23 21:00", "24 06:00", None),
    ("daily", None, "07:00", "20:00-07:00", "23 07:00", "23 22:00", "24 07:00"),
    ("weekly", "friday", "17:00", "sat,sun", "20 17:00", "21 09:00", "23 17:00"),
    ("weekly", "friday", "17:00", "sat,sun", "20 17:00", "23 00:00", None),
    ("weekly", "friday", "17:00", "sat,sun", "20 17:00", "20 23:59", None),
    ("weekly", "friday", "17:00", "22:00-06:00,sat,sun", "20 17:00", "21 09:00", "23 06:00"),
    ("weekly", "friday", "17:00", None, "20 17:00", "21 09:00", None),
]


def local(day):
    return None if day is None else datetime.fromisoformat(f"2026-11-{day}+07:00")


def timed(cadence, day, at, quiet):
    silence = None if quiet is None else read_quiet(quiet)
    return Schedule(CadenceRule(cadence, time.fromisoformat(at), day, quiet=silence), PLACE)


@table("case", QUIET_ENDS)
def test_until_when_what_is_approved_waits(case):
    *rule, cut_at, now, until = case
    assert states.quiet_until(timed(*rule), local(cut_at), local(now)) == local(until)


STILL_WAITS = [
    # quiet, let go at, now, waits until
    ("21:30-06:00", "24 06:00", "24 05:59", "24 06:00"),
    ("21:30-06:00", "24 06:00", "24 06:00", None),
    ("21:30-06:00", "23 20:00", "23 17:30", None),  # approved under a clock that was ahead
    (None, "24 06:00", "23 22:00", None),  # the quiet time was taken out
    ("21:30-05:00", "24 06:00", "23 22:00", "24 05:00"),
    ("sat,sun", "23 17:00", "22 23:59", "23 17:00"),
    ("sat,sun", "23 17:00", "23 03:00", "23 17:00"),
    ("sat,sun", "24 12:00", "24 03:00", None),
]


@table(("quiet", "let_go", "now", "until"), STILL_WAITS)
def test_what_was_approved_waits_while_it_is_quiet_and_no_longer(quiet, let_go, now, until):
    own = timed("weekly", "friday", "17:00", quiet)
    found = states.waits_until(own, local("20 17:00"), local(let_go), local(now))
    assert found == local(until)


MOVES = [
    ("pin", 4, [4, 1, 2, 3, 5, 6, 7]),
    ("pin", 7, [7, 1, 2, 3, 4, 5, 6]),  # one that the mail did not show
    ("pin", 1, None),
    ("up", 2, [2, 1, 3, 4, 5, 6, 7]),
    ("up", 4, None),  # the first of its topic
    ("down", 3, None),
    ("down", 4, [1, 2, 3, 5, 4, 6, 7]),
    ("up", 7, None),
    ("pin", 99, None),
    ("hold", 2, None),
]


@table(("act", "story", "expected"), MOVES)
def test_how_stories_are_moved(act, story, expected):
    found = states.reordered([(1, 2, 3), (4, 5)], (6, 7), ReviewAct(act), story)
    assert found == expected


WORDS = [
    ("  một\r\nhai  \n\n\n\nba\u2028bốn ", "một\nhai\n\nba\nbốn"),
    ("a\x00b\ufdd0address\ufdd1c\ud800", "abaddressc"),
    ("\u202ea\u2066b", "ab"),
    ("e\u0301", "é"),
    (" \n\t\n", ""),
]


@table(("typed", "kept"), WORDS)
def test_what_is_kept_of_words(typed, kept):
    assert written(typed, 100) == kept
    assert written(kept, 100) == kept


def test_words_that_are_too_long_are_not_cut():
    assert written("a" * 10, 10)
    with pytest.raises(TooLongError) as too_long:
        written("a" * 11, 10)
    assert too_long.value.most == 10


REL = 'rel="noopener noreferrer"'
PROSE = [
    ("<b>x</b> & y", "<p>&lt;b&gt;x&lt;/b&gt; &amp; y</p>"),
    ("a\nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>"),
    ("javascript:alert(1)", "<p>javascript:alert(1)</p>"),
    (
        "(xem https://a.vn/x_(y).)",
        f'<p>(xem <a href="https://a.vn/x_(y)" {REL}>https://a.vn/x_(y)</a>.)</p>',
    ),
    ('https://a.vn/"onx=', f'<p><a href="https://a.vn/" {REL}>https://a.vn/</a>&quot;onx=</p>'),
    ("", ""),
]


@table(("text_", "html"), PROSE)
def test_links_in_words_are_safe(text_, html):
    assert str(linked(text_)) == html


@given(st.text(alphabet="<>\"'&a:/.htps\n ()", max_size=60))
def test_no_words_make_markup_of_their_own(said):
    html = str(linked(said))
    for allowed in ("<p>", "</p>", "<br>", "</a>"):
        html = html.replace(allowed, "")
    assert html.count("<") == html.count('<a href="http')


FAULTS = [
    ({"review": "2h"}, "review", "there are no editors to ask"),
    ({"editors": [LAN]}, "editors", "nothing to review without review"),
    ({"review_required": True}, "review_required", "nothing is reviewed without review"),
    ({"review": "2h", "editors": ["Lan <lan@example.vn>"]}, ("editors", 0), "is not an address"),
    ({"review": "2h", "editors": [LAN, "LAN@example.vn"]}, ("editors", 1), "stands twice"),
    ({"review": "1m", "editors": [LAN]}, "review", "so short a time"),
    ({"review": "20h", "editors": [LAN]}, "review", "would not have gone yet"),
    ({"review": "2h", "editors": [LAN], "cadences": ["daily", "immediate"]}, "review", "at once"),
    ({"review": "10m", "editors": [LAN], "cadence": "hourly"}, "review", "each hour"),
    ({"review": "5h", "editors": [LAN], "cadence": "0 7,11 * * *"}, "review", "0 7,11 * * * is"),
]


@pytest.mark.parametrize(("written_", "key", "problem"), FAULTS)
def test_faults_of_a_review(store, tmp_path, written_, key, problem):
    room = Newsroom(store, tmp_path, {"ngay": {"cadence": "daily", **written_}})
    found = faults(room.settings)
    path = key if isinstance(key, tuple) else (key,)
    assert [one[0] for one in found] == [("digest", "ngay", *path)]
    assert problem in found[0][1]


def test_a_review_without_faults(store, tmp_path):
    digests = {
        "ngay": REVIEWED,
        "tuan": {**REVIEWED, "cadence": "weekly", "review": "3d"},
        "cron": {**REVIEWED, "cadence": "0 7,11 * * *"},
    }
    assert faults(Newsroom(store, tmp_path, digests).settings) == []


# -- from freeze to mail ----------------------------------------------------------------------


def opened(store, tmp_path, *, readers=1, stories_=4, **written_):
    """A digest whose edition of Monday was frozen just now, and LAN, or its `editors`, mailed."""
    room = Newsroom(store, tmp_path, {"ngay": {**REVIEWED, "editors": [LAN], **written_}})
    for number in range(readers):
        room.subscribe(f"minh{number or ''}@example.vn", "ngay")
    for number in range(stories_):
        topic = ("giao-duc", "y-te")[number % 2]
        room.story(f"Tin {number}", topic, at=FREEZE - HOUR - number * MINUTE)
    room.run(FREEZE)
    return room


def parts_of(mail):
    """Those parts that link to the page of an edition."""
    return [
        kind for kind in ("html", "plain") if "/editions/" in mail.get_body((kind,)).get_content()
    ]


def test_without_a_word_it_goes_at_its_hour_and_exactly_as_its_editors_saw_it(store, tmp_path):
    room = opened(store, tmp_path, editors=BOTH)
    for editor in BOTH:
        [mail] = room.outbox(editor)
        assert f"/review/{token(room, editor)}" in text(room, editor)
        assert mail["List-Unsubscribe"] is None
        assert parts_of(mail) == [], "there is no such page yet"
    asked = text(room, LAN)
    for at in (FREEZE + HOUR, MONDAY - MINUTE):
        room.run(at)
        assert room.mails() == []
    room.story("Tin sau", at=MONDAY - HOUR)
    room.run(MONDAY)
    assert order(text(room), *(f"Tin {n}" for n in range(4))) == order(
        asked, *(f"Tin {n}" for n in range(4))
    )
    [mail] = room.outbox("minh@example.vn")
    assert parts_of(mail) == ["html", "plain"]
    assert mail["Date"].datetime == MONDAY
    assert "Tin sau" not in text(room)
    room.run(MONDAY + DAY - 2 * HOUR)
    room.run(MONDAY + DAY)
    assert room.mails()[1] == ["Tin sau"]
    assert len(room.outbox(LAN)) == 2  # once for each edition


def test_editors_are_mailed_once_whatever_is_run_again(store, tmp_path):
    room = opened(store, tmp_path, editors=BOTH)
    for minutes in range(5):
        room.run(FREEZE + minutes * MINUTE)
    assert [len(room.outbox(one)) for one in BOTH] == [1, 1]
    room.load(digest={"ngay": {**REVIEWED, "editors": [*BOTH, "moi@example.vn"]}})
    room.run(FREEZE + HOUR)
    assert [len(room.outbox(one)) for one in (LAN, "moi@example.vn")] == [1, 1]


def test_what_is_held_waits_beyond_its_hour_and_goes_when_it_is_let_go(store, tmp_path):
    room = opened(store, tmp_path)
    assert press(room, "hold") is ReviewOutcome.DONE
    for at in (MONDAY, MONDAY + 3 * HOUR):
        room.run(at)
    assert room.mails() == []
    assert press(room, "approve") is ReviewOutcome.DONE
    room.run(MONDAY + 3 * HOUR + MINUTE)
    assert len(room.mails()) == 1
    [mail] = room.outbox("minh@example.vn")
    assert mail["Date"].datetime == MONDAY + 3 * HOUR + MINUTE
    room.run(MONDAY + DAY)
    assert len(room.mails()) == 1


def test_approved_before_its_hour_it_goes_at_its_hour(store, tmp_path):
    room = opened(store, tmp_path, review_required=True)
    room.plan(FREEZE + MINUTE)
    press(room, "approve")
    room.run(MONDAY - MINUTE)
    assert room.mails() == []
    room.run(MONDAY)
    assert len(room.mails()) == 1


def test_let_go_at_once_it_goes_before_its_hour_once_and_the_next_one_at_its_own(store, tmp_path):
    room = opened(store, tmp_path)
    room.plan(FREEZE + 10 * MINUTE)
    press(room, "release")
    room.run(FREEZE + 11 * MINUTE)
    assert len(room.mails()) == 1
    [mail] = room.outbox("minh@example.vn")
    assert mail["Date"].datetime == FREEZE + 10 * MINUTE
    late = room.subscribe("sau@example.vn", "ngay", begins=MONDAY - HOUR)
    room.story("Tin mới", at=MONDAY - MINUTE)
    for at in (MONDAY - MINUTE, MONDAY, MONDAY + HOUR):
        room.run(at)
    assert len(room.mails()) == 1
    assert room.row(late).next_cut_at == MONDAY + DAY
    room.run(MONDAY + DAY)
    assert [len(room.mails()), room.mails("sau@example.vn")] == [2, [["Tin mới"]]]


def test_where_a_word_is_required_it_waits_and_says_so(store, tmp_path):
    room = opened(store, tmp_path, review_required=True)

    def told():
        with room.store.read() as connection:
            return [one.key for one in health(connection, room.now).troubles]

    assert told() == []
    room.run(MONDAY + HOUR)
    assert room.mails() == []
    assert told() == ["review_waits"]
    press(room, "release")
    room.run(MONDAY + HOUR)
    assert len(room.mails()) == 1
    assert told() == []


def test_nobody_answers_for_days_and_nothing_is_lost(store, tmp_path):
    """The next edition reaches back: what waited is told by the one that is let go."""
    room = opened(store, tmp_path, review_required=True)
    first = newest(room)
    for days in range(1, 3):
        room.story(f"Tin ngày {days}", at=MONDAY + days * DAY - 5 * HOUR)
        room.run(MONDAY + days * DAY - 2 * HOUR)
        room.run(MONDAY + days * DAY)
    assert room.mails() == []
    assert press(room, "approve", review=first) is ReviewOutcome.SETTLED
    press(room, "approve")
    room.run(MONDAY + 2 * DAY + HOUR)
    assert sorted(room.titles()) == [*(f"Tin {n}" for n in range(4)), "Tin ngày 1", "Tin ngày 2"]
    with room.store.read() as connection:
        assert len(page_queries.editions(connection, "ngay")) == 1


def test_a_held_edition_may_go_until_the_next_ones_hour(store, tmp_path):
    room = opened(store, tmp_path)
    held = newest(room)
    press(room, "hold")
    room.story("Tin hôm sau", at=MONDAY + HOUR)
    room.run(MONDAY + DAY - HOUR)  # the next one is frozen, and reaches back
    press(room, "release", review=held)
    room.run(MONDAY + DAY - HOUR)
    room.run(MONDAY + DAY)
    assert [sorted(one) for one in room.mails()] == [
        [f"Tin {n}" for n in range(4)],
        ["Tin hôm sau"],
    ]


def test_what_is_dropped_is_not_told_and_does_not_come_again_without_news(store, tmp_path):
    room = opened(store, tmp_path)
    press(room, "drop", "Tin 0")
    press(room, "drop", "Tin 1")
    press(room, "restore", "Tin 1")
    room.run(MONDAY)
    assert sorted(room.titles()) == ["Tin 1", "Tin 2", "Tin 3"]
    new = room.subscribe("moi@example.vn", "ngay", begins=FREEZE - 3 * HOUR)
    room.change(new, next_cut_at=MONDAY + DAY, rule=room.row(1).rule, covered_to=FREEZE - 3 * HOUR)
    room.run(MONDAY + DAY)  # its edition reaches back for who is new here
    assert "Tin 0" not in room.titles("moi@example.vn")
    with room.store.read() as connection:
        dropped = connection.scalar(
            select(t.dropped_story.c.story_id).where(
                t.dropped_story.c.view["title"].as_string() == "Tin 0"
            )
        )
    room.story("Tin 0, diễn biến mới", at=MONDAY + DAY + HOUR, story=dropped, source="bao-b")
    room.run(MONDAY + 2 * DAY)
    assert room.mails()[-1] == ["Tin 0", "Tin 0, diễn biến mới"]


def test_the_order_and_the_choice_are_what_every_segment_gets(store, tmp_path):
    room = opened(store, tmp_path, stories_=8, stories={"max": 6})
    only = room.subscribe("y@example.vn", "ngay", topics=["y-te"], begins=FREEZE - 5 * HOUR)
    room.change(only, covered_to=FREEZE - 5 * HOUR)
    titles = [f"Tin {n}" for n in range(8)]
    before = order(text(room, LAN), *titles)
    counted = [one for one in titles if one not in before]
    assert len(before) == 6
    first = counted[-1]
    room.now += MINUTE
    press(room, "pin", first)
    press(room, "up", before[2])
    press(room, "copy")
    room.send()
    copied = order(text(room, LAN), *titles)
    assert copied[0] == first
    assert len(copied) == 6
    assert set(before[:5]) <= set(copied)
    room.run(MONDAY)
    assert order(text(room), *titles) == copied
    theirs = [one for one in copied if int(one[-1]) % 2]
    assert order(text(room, "y@example.vn"), *theirs) == theirs


def test_words_stand_in_the_mail_on_the_web_and_in_the_preview(store, tmp_path):
    room = opened(store, tmp_path)
    said = "Kính gửi bạn đọc, xem <b> https://a.vn/x."
    press(room, opening=said, notes={"Tin 2": "Một lời dặn."})
    shown = room.preview("ngay").message
    room.run(MONDAY)
    assert said in text(room)
    assert text(room).index("Tin 2") < text(room).index("Một lời dặn.")
    [mail] = room.outbox("minh@example.vn")
    html = mail.get_body(("html",)).get_content()
    assert 'href="https://a.vn/x"' in html
    assert "<b> " not in html
    assert "Một lời dặn." in html
    assert b"Subject" in shown
    with room.store.read() as connection:
        pages = Pages(connection, room.settings, room.renderer)
        page = pages.edition("ngay", "20261123T000000Z").decode()
    assert "Một lời dặn." in page
    assert 'href="https://a.vn/x"' in page


def test_readers_see_nothing_of_it_before_it_goes(store, tmp_path):
    room = opened(store, tmp_path)
    new = room.subscribe("moi@example.vn", "ngay", begins=FREEZE + MINUTE, welcome_due=True)

    def public():
        with room.store.read() as connection:
            pages = Pages(connection, room.settings, room.renderer)
            return pages.edition("ngay", "20261123T000000Z")

    assert public() is None
    room.welcome(FREEZE + MINUTE)
    assert room.row(new).welcome_due is False
    assert room.mails("moi@example.vn") == []
    room.run(MONDAY)
    assert public() is not None


def test_all_is_taken_out(store, tmp_path):
    room = opened(store, tmp_path, stories_=1)
    press(room, "drop", "Tin 0")
    assert press(room, "copy") is ReviewOutcome.NO_COPY
    room.run(MONDAY)
    assert room.mails() == []
    assert [one.listed for one in room.editions()][-1] is False


def test_own_hours_are_editions_of_their_own_each_frozen_before_its_hour(store, tmp_path):
    room = Newsroom(store, tmp_path, {"ngay": REVIEWED})
    room.subscribe("som@example.vn", "ngay", hour="06:00")
    room.subscribe("minh@example.vn", "ngay")
    room.story("Tin", at=MONDAY - 5 * HOUR)
    room.run(MONDAY - 3 * HOUR)
    press(room, "hold")
    room.run(MONDAY - 2 * HOUR)
    assert len(room.outbox(LAN)) == 2
    room.run(MONDAY)
    assert [room.titles("som@example.vn"), room.titles()] == [[], ["Tin"]]


def test_holidays_move_the_freeze_with_the_hour(store, tmp_path):
    room = Newsroom(store, tmp_path, {"ngay": {**REVIEWED, "holidays": ["2026-11-23"]}})
    room.subscribe("minh@example.vn", "ngay")
    room.story("Tin", at=MONDAY - 5 * HOUR)
    room.run(MONDAY)
    assert room.outbox() == []
    room.run(MONDAY + DAY - 2 * HOUR)
    assert len(room.outbox(LAN)) == 1


def test_an_edition_that_was_missed_goes_without_asking_unless_a_word_is_required(store, tmp_path):
    room = Newsroom(store, tmp_path, {"ngay": REVIEWED})
    room.subscribe("minh@example.vn", "ngay")
    room.story("Tin", at=MONDAY - 5 * HOUR)
    room.run(MONDAY + HOUR)
    assert room.titles() == ["Tin"]
    assert room.outbox(LAN) == []


def test_two_editors_at_one_second(any_store, tmp_path):
    """Each names the version that it saw: one of them wins, the other is told."""
    room = opened(any_store, tmp_path, editors=BOTH)
    meet, found = Barrier(2), {}

    def at_once(editor, act):
        meet.wait()
        found[editor] = press(room, act, editor=editor, version=0, opening=f"Lời của {editor}")

    both = [Thread(target=at_once, args=one) for one in ((LAN, "hold"), (HOA, "release"))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(found.values()) == [ReviewOutcome.CONFLICT, ReviewOutcome.DONE]
    winner = next(who for who, what in found.items() if what is ReviewOutcome.DONE)
    with room.store.read() as connection:
        done = reviews.acts(connection, newest(room).edition_id)
    assert {one.address for one in done} == {winner}
    assert [one.version for one in done] == [1, 1]
    assert newest(room).version == 1


def test_a_press_and_the_hour_meet(any_store, tmp_path):
    """Whichever comes first: it went as it was, or it is held."""
    room = opened(any_store, tmp_path)
    meet, found = Barrier(2), []

    def hold():
        meet.wait()
        found.append(press(room, "hold"))

    def run():
        meet.wait()
        plan_due(room.store, room.settings, room.renderer, MONDAY)

    both = [Thread(target=hold), Thread(target=run)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    gone = newest(room).state is ReviewState.GONE
    assert found == [ReviewOutcome.SETTLED if gone else ReviewOutcome.DONE]
    room.send()
    assert len(room.mails()) == int(gone)


def test_killed_between_the_press_and_the_mail(any_store, tmp_path):
    """The act stands in rows; who comes next goes on from it, once."""
    room = opened(any_store, tmp_path, readers=3)
    press(room, "release")

    with room.store.ledger() as connection:  # what a run leaves that ends before it plans
        assert reviews.settle(connection, newest(room), ReviewState.GONE, FREEZE + MINUTE)
    assert press(room, "hold") is ReviewOutcome.SETTLED
    for at in (FREEZE + 2 * MINUTE, MONDAY, MONDAY + MINUTE):
        room.run(at)
    assert [len(room.mails(f"minh{n or ''}@example.vn")) for n in range(3)] == [1, 1, 1]


def test_links_end_with_the_edition_and_with_the_office(store, tmp_path):
    room = opened(store, tmp_path, editors=BOTH)
    room.load(digest={"ngay": {**REVIEWED, "editors": [HOA]}})
    assert press(room, "hold", editor=LAN) is ReviewOutcome.UNKNOWN
    assert press(room, "hold", editor=HOA) is ReviewOutcome.DONE
    press(room, "release", editor=HOA)
    room.run(FREEZE + MINUTE)
    assert press(room, "hold", editor=HOA) is ReviewOutcome.SETTLED


def test_copies_are_few(store, tmp_path):
    room = opened(store, tmp_path)
    outcomes = []
    for _ in range(12):
        outcomes += [press(room, "copy"), press(room, "copy")]
        room.now += MINUTE
    assert outcomes.count(ReviewOutcome.COPIED) == 10
    assert newest(room).version == 0


def test_an_editor_who_reads_the_digest_gets_the_edition_as_well(store, tmp_path):
    room = Newsroom(store, tmp_path, {"ngay": REVIEWED})
    mine = room.subscribe(LAN, "ngay")
    room.story("Tin", at=MONDAY - 5 * HOUR)
    room.run(FREEZE)
    room.run(MONDAY)
    assert len(room.outbox(LAN)) == 2
    with room.store.read() as connection:
        assert subscribers.readers(connection) == 1
    assert room.row(mine).ended_at is None


def test_a_topic_that_is_renamed_is_renamed_in_what_was_taken_out(store, tmp_path):
    room = opened(store, tmp_path)
    press(room, "drop", "Tin 0")
    topics = {name: one for name, one in room.written["topic"].items() if name != "giao-duc"}
    room.load(topic={"hoc": {"title": "Giáo dục", "was": "giao-duc"}, **topics})
    with room.store.read() as connection:
        [one] = stories.dropped(connection, newest(room).edition_id)
    assert [name for name, _ in one.topics] == ["hoc"]
    assert public_id(room, "Tin 0") == one.view["public_id"]


def test_a_mail_that_failed_after_the_freeze_is_told_by_the_edition(any_store, tmp_path):
    """It was still on its way when the next edition was frozen: that one reaches back to it."""
    room = Newsroom(any_store, tmp_path, {"ngay": REVIEWED})
    room.subscribe("minh@example.vn", "ngay")
    room.story("Tin", at=MONDAY - DAY - 5 * HOUR)
    for at in (FREEZE - DAY, MONDAY - DAY):
        room.plan(at)
    room.refuse(MONDAY + HOUR)
    room.story("Tin mới", at=MONDAY - 5 * HOUR)
    room.plan(FREEZE)
    room.now = MONDAY
    room.send()  # the first one is too late now
    room.run()
    assert sorted(room.mails()[-1]) == ["Tin", "Tin mới"]


def test_older_stories_alone_are_shown_to_editors(store, tmp_path):
    room = Newsroom(store, tmp_path, {"ngay": {**REVIEWED, "review_required": True}})
    behind = room.subscribe("minh@example.vn", "ngay")
    room.run(MONDAY - DAY)
    room.change(behind, covered_to=FREEZE - 2 * DAY)
    room.story("Tin cũ", at=FREEZE - DAY - HOUR)
    room.run(FREEZE)
    assert "Tin cũ" in text(room, LAN)
    press(room, "approve")
    room.run(MONDAY)
    assert room.titles() == ["Tin cũ"]


def test_what_two_editions_dropped_and_one_took_back_stays_out(store, tmp_path):
    room = opened(store, tmp_path, review_required=True)
    first = newest(room)
    press(room, "hold")
    room.run(MONDAY + DAY - HOUR)  # the next one has the same stories
    press(room, "drop", "Tin 0", review=first)
    press(room, "drop", "Tin 0")
    press(room, "restore", "Tin 0", review=first)

    def kept_out():
        with room.store.read() as connection:
            return list(connection.scalars(select(t.dropped_article.c.edition_id)))

    assert kept_out() == [newest(room).edition_id]
    press(room, "restore", "Tin 0")
    assert kept_out() == []


def test_what_another_digest_never_sent_is_told_by_the_edition_that_was_frozen_meanwhile(
    store, tmp_path
):
    """The mail of seven o'clock gets too late between the freeze at nine and its hour."""
    room = Newsroom(
        store,
        tmp_path,
        {
            "som": {"cadence": "daily", "at": "07:00", "max_lateness": "3h"},
            "trua": {**REVIEWED, "at": "11:00"},
        },
    )
    room.subscribe(digest="som")
    room.subscribe(digest="trua")
    room.run(MONDAY - 20 * HOUR)  # windows have their rules, and a cut behind them
    room.story("Lũ lớn", at=MONDAY - DAY + HOUR)
    room.plan(MONDAY)
    room.refuse(MONDAY + DAY)
    room.story("Tin sáng", at=MONDAY + HOUR)
    room.run(MONDAY + 2 * HOUR)
    room.run(MONDAY + 4 * HOUR)
    assert room.mails() == [["Lũ lớn", "Tin sáng"]]


def test_an_editor_who_must_not_be_written_to_is_told_of(store, tmp_path):
    room = Newsroom(store, tmp_path, {"ngay": {**REVIEWED, "review_required": True}})
    room.subscribe(digest="ngay")
    room.story("Tin", at=FREEZE - HOUR)
    with store.ledger() as connection:
        key = mailboxes.key(facts.secret(connection), HOA)
        suppressions.add(connection, key, suppressions.BOUNCED, room.now, "gone")
    with capture_logs() as logged:
        room.run(FREEZE)
    assert [one["digest"] for one in logged if "must not be written to" in one["event"]] == ["ngay"]
    assert room.outbox(HOA) == []
    with store.read() as connection:
        found = listed(
            room.settings, status_counts.digests(connection), standings(connection, room.now)
        )
    [one] = as_json(found[0])["reviews"]
    assert (one["editors"], one["unreachable"]) == ((HOA, LAN), (HOA,))
    assert (one["state"], one["required"], one["held_by"]) == ("waiting", True, None)
    [standing] = found[0].reviews
    told = [in_english(ZoneInfo("UTC")).tell(said) for said in standing.sentences]
    assert told == [f"waits for review by {HOA}, {LAN}", f"no mail may go to {HOA}"]
    assert press(room, "approve") is ReviewOutcome.DONE  # the other one lets it go


def test_who_is_no_editor_any_more_is_not_waited_for(store, tmp_path):
    room = Newsroom(store, tmp_path, {"ngay": {**REVIEWED, "review_required": True}})
    room.subscribe(digest="ngay")
    room.story("Tin", at=FREEZE - HOUR)
    room.run(FREEZE)
    room.now = MONDAY + HOUR
    digest = room.settings.digest["ngay"].model_copy(update={"editors": [LAN]})
    now_in_force = room.settings.model_copy(update={"digest": {"ngay": digest}})
    with store.read() as connection:
        [stands] = standings(connection, room.now, now_in_force)
        [trouble] = troubles(connection, room.now, now_in_force)
    assert stands.editors == trouble.values["editors"] == (LAN,)


@pytest.mark.parametrize(("act", "minutes"), [("approve", 8 * 60), ("release", 2)])
def test_approved_in_a_quiet_time_it_waits_for_the_end_and_sent_now_it_goes(
    store, tmp_path, act, minutes
):
    """Its hour was 21:00; an editor looks at 22:00, when it has been quiet since half past nine."""
    quiet = {"hours": "21:30-06:00"}
    room = opened(store, tmp_path, at="21:00", review_required=True, quiet=quiet)
    evening = MONDAY + 14 * HOUR
    room.run(evening - 2 * HOUR)
    room.story("Tin tối", at=evening - 3 * HOUR)
    room.run(evening + HOUR)
    assert press(room, act) is ReviewOutcome.DONE
    room.run(evening + HOUR + 2 * MINUTE)
    with store.read() as connection:
        assert not any(overdue(one, room.now) for one in reviews.open_ones(connection))
    assert len(room.mails()) == (act == "release")
    room.run(evening + HOUR + minutes * MINUTE)
    assert len(room.mails()) == 1


@pytest.mark.parametrize("why", ["clock", "quiet"])
def test_approved_it_does_not_wait_for_a_time_that_is_not_quiet_any_more(store, tmp_path, why):
    """The clock was three hours ahead, or the quiet time has left the TOML since."""
    quiet = {"hours": "21:30-06:00"}
    room = opened(store, tmp_path, at="17:00", review_required=True, quiet=quiet)
    hour = MONDAY + 10 * HOUR
    room.run(hour - 2 * HOUR)
    room.story("Tin chiều", at=hour - 3 * HOUR)
    room.run(hour)
    room.now = hour + (3 if why == "clock" else 5) * HOUR
    press(room, "approve")
    if why == "quiet":
        room.load(digest={"ngay": {**REVIEWED, "at": "17:00", "review_required": True}})
    room.run(hour + (MINUTE if why == "clock" else 5 * HOUR))
    assert len(room.mails()) == 1


def test_approved_on_a_quiet_day_it_goes_at_its_hour_behind_it(store, tmp_path):
    room = opened(
        store, tmp_path, cadence="weekly", day="friday", at="17:00", review_required=True,
        quiet={"days": ["sat", "sun"]},
    )  # fmt: skip
    friday = MONDAY + 4 * DAY + 10 * HOUR
    room.story("Tin tuần", at=friday - 3 * HOUR)
    room.run(friday - 2 * HOUR)
    room.run(friday + 14 * HOUR)
    assert press(room, "approve") is ReviewOutcome.DONE
    for at in (friday + 2 * DAY + 8 * HOUR, friday + 3 * DAY - MINUTE):
        room.run(at)
        assert room.mails() == []
    room.run(friday + 3 * DAY)
    assert len(room.mails()) == 1


def test_a_welcome_with_an_edition_that_went_early_promises_the_next_one(store, tmp_path):
    room = opened(store, tmp_path)
    press(room, "release")
    room.run(FREEZE + MINUTE)
    room.subscribe("moi@example.vn", "ngay", begins=FREEZE + MINUTE, welcome_due=True)
    room.run(FREEZE + 2 * MINUTE)
    room.welcome(FREEZE + 3 * MINUTE)
    room.send()
    assert "07:00 thứ Ba" in text(room, "moi@example.vn")
    assert "07:00 thứ Hai" not in text(room, "moi@example.vn")


@pytest.mark.parametrize(("hour", "goes"), [("07:00", False), ("18:00", True)])
def test_approved_in_the_evening_it_goes_in_the_morning_unless_that_is_the_next_editions_hour(
    store, tmp_path, hour, goes
):
    """As the page says, which asks when its readers are due for another edition."""
    digest = {**REVIEWED, "review_required": True, "quiet": {"hours": "20:00-07:00"}}
    room = Newsroom(store, tmp_path, {"ngay": digest})
    room.subscribe(digest="ngay", hour=hour)
    room.run(MONDAY - DAY)
    room.story("Tin", at=MONDAY - 5 * HOUR)
    cut = MONDAY if hour == "07:00" else MONDAY + 11 * HOUR
    room.run(cut - 2 * HOUR)
    room.run(MONDAY + 15 * HOUR)
    with store.read() as connection:
        [one] = [one for one in reviews.open_ones(connection) if one.cut_at == cut]
        assert next_cut(connection, room.settings, one) == cut + DAY
    assert press(room, "approve", review=one) is ReviewOutcome.DONE  # from a page of before eight
    with store.read() as connection:
        found = status(connection, room.now, settings=room.settings)
        approved = [each for each in standings(connection, room.now, room.settings)
                    if each.review.cut_at == cut]  # fmt: skip
    [stands] = [each for each in found.reviews if each.review.cut_at == cut]
    assert [stands] == approved
    said = in_english(ZoneInfo(PLACE)).tell(stands.sentence)
    assert ("the next edition, which takes its place" in said) == (not goes), said
    assert stands.goes_over_at == (None if goes else cut + DAY)
    room.run(MONDAY + DAY)
    assert room.mails() == ([["Tin"]] if goes else [])
    with store.read() as connection:
        assert reviews.of_edition(connection, one.edition_id).state is (GONE if goes else OVER)
