"""Reviews of a quarter and of half a year: what mattered, though it was told as news before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.config.schema import Settings
from service.curate.selection.score import score
from service.curate.selection.standing import Standing, TopicPlace, from_json, together
from service.store import tables as t
from tests.levels import table
from tests.newsletter.newsroom import DAY, HOUR, Newsroom, configuration
from tests.newsletter.test_cadence import utc

QUARTER = {"cadence": "quarterly", "title": "Điểm lại quý"}
APRIL = utc("2027-04-01 00:00")
"""The cut of the first quarter: 07:00 in Viet Nam."""


@table(
    ("written", "scope"),
    [
        ({"cadence": "daily"}, "news"),
        ({"cadence": "quarterly"}, "quarterly"),
        ({"cadence": "half-yearly"}, "half-yearly"),
        ({"cadence": "quarterly", "cadences": ["half-yearly", "quarterly"]}, "quarterly"),
        ({"cadence": "quarterly", "cadences": ["monthly", "quarterly"]}, "news"),
        ({"cadence": "quarterly", "scope": "news"}, "news"),
        ({"cadence": "daily", "scope": "rieng"}, "rieng"),
    ],
)
def test_a_review_has_a_scope_of_its_own_unless_it_says_which(written, scope):
    settings = Settings.model_validate(configuration({"tin": written}))
    assert settings.digest["tin"].scope == scope


def standing(outlets=1, days=None, age=DAY, weight=1.0):
    return Standing(
        outlets, age.total_seconds(), (90 * DAY).total_seconds(), weight,
        {"a": TopicPlace(1, headline=False)}, 0, days,
    )  # fmt: skip


@table(
    ("higher", "lower"),
    [
        (standing(days=3), standing(days=1)),
        (standing(days=3, age=80 * DAY), standing(days=2, age=HOUR)),
        (standing(outlets=4, days=1), standing(outlets=2, days=1)),
        (standing(outlets=3, days=4), standing(outlets=6, days=1)),
        (standing(days=1, weight=3), standing(days=2)),
    ],
)
def test_what_went_on_and_what_many_told_stands_higher_in_a_review(higher, lower):
    assert score(higher, {"a"}).total > score(lower, {"a"}).total


def test_nothing_stands_higher_in_a_review_for_being_new():
    assert score(standing(days=2), {"a"}) == score(standing(days=2, age=80 * DAY), {"a"})
    assert score(standing(), {"a"}).total > score(standing(age=80 * DAY), {"a"}).total


def test_an_edition_keeps_the_days_and_one_that_was_frozen_before_has_none():
    one = standing(outlets=2, days=5)
    assert from_json(one.as_json(["a"]), ["a"]) == one
    assert "days" not in standing().as_json(["a"])
    assert together([standing(days=2), None, standing(days=7)]).days == 7
    assert together([standing(), standing()]).days is None


def fill(room):
    """A quarter: a flood in January that went on for a week, much that did not, news of today."""
    flood, _ = room.story("Lũ lớn", "giao-duc", at=APRIL - 80 * DAY, source="bao-a")
    for day in range(1, 6):
        room.story(f"Lũ, ngày {day}", "giao-duc", story=flood, source="bao-a",
                   at=APRIL - (80 - day) * DAY)  # fmt: skip
    crowd, _ = room.story("Bốn báo", "giao-duc", at=APRIL - 40 * DAY, source="bao-b")
    for source in ("bao-c", "bao-d", "bao-e"):
        room.story(f"{source} kể", "giao-duc", story=crowd, source=source,
                   at=APRIL - 40 * DAY + HOUR)  # fmt: skip
    for number in range(3):
        room.story(f"Tin {number}", "giao-duc", at=APRIL - (3 + number) * HOUR, source="bao-b")


def test_a_review_tells_the_quarter_by_what_mattered_to_who_read_the_daily(store, tmp_path):
    digests = {"ngay": {"cadence": "daily"}, "quy": {**QUARTER, "stories": {"max": 3}}}
    room = Newsroom(store, tmp_path, digests, now=APRIL - 89 * DAY)
    daily = room.subscribe("minh@example.vn", "ngay")
    room.subscribe("minh@example.vn", "quy")
    room.plan(APRIL - 89 * DAY)
    fill(room)
    for day in (79, 39, 1):
        room.run(APRIL - day * DAY)
    room.run(APRIL)
    [review] = [one for one in room.outbox() if "Điểm lại quý" in one["Subject"]]
    text = review.get_body(("plain",)).get_content()
    places = [text.index(title) for title in ("Lũ lớn", "Bốn báo", "Tin 0")]
    assert places == sorted(places)
    assert "Tin 2" not in text
    assert room.row(daily).ended_at is None
    told_before = {title for mail in room.mails() for title in mail}
    assert {"Lũ lớn", "Bốn báo"} <= told_before
    with store.read() as connection:
        kept = connection.execute(
            select(t.edition_story.c.standing, t.edition.c.cadence)
            .join(t.edition, t.edition.c.id == t.edition_story.c.edition_id)
            .where(t.edition.c.cut_at == APRIL)
            .order_by(t.edition_story.c.position)
        ).all()
    days = [row.standing.get("days") for row in kept if row.cadence == "quarterly"]
    assert days == [6, 1, 1, 1, 1]
    assert [row.standing.get("days") for row in kept if row.cadence == "daily"] == [None] * 3


def test_a_review_tells_nothing_twice_within_its_scope(store, tmp_path):
    """Two of a quarter, and a reader who confirmed in its middle; then the next quarter."""
    half_yearly = {"cadence": "half-yearly", "title": "Nửa năm"}
    other = {**QUARTER, "title": "Khác"}
    digests = {"quy": QUARTER, "quy-khac": other, "nam": half_yearly}
    room = Newsroom(store, tmp_path, digests, now=APRIL - 89 * DAY)
    for digest in digests:
        room.subscribe("minh@example.vn", digest, begins=APRIL - 30 * DAY)
    room.plan(APRIL - 30 * DAY)
    fill(room)
    room.run(APRIL)
    quarter = {"Lũ lớn", "Bốn báo", "Tin 0", "Tin 1", "Tin 2"}
    [told] = [set(mail) for mail in room.mails()]  # by one of the two, from its first day on
    assert quarter <= told
    room.story("Tháng Năm", at=APRIL + 40 * DAY)
    july = utc("2027-07-01 00:00")
    room.run(july)
    second, half = (set(mail) for mail in room.mails()[1:])
    assert second == {"Tháng Năm"}
    assert half == told | {"Tháng Năm"}


def test_the_days_are_those_of_the_site_s_zone(store, tmp_path):
    """23:00 and 01:00 in Viet Nam are two days there, and one in UTC."""
    room = Newsroom(store, tmp_path, {"quy": QUARTER}, now=APRIL - 10 * DAY)
    room.subscribe("minh@example.vn", "quy")
    night = APRIL - 3 * DAY + 16 * HOUR  # 16:00 in UTC
    story, _ = room.story("Đêm", at=night)
    room.story("Đêm, tiếp", at=night + 2 * HOUR, story=story)
    other, _ = room.story("Ngày", at=night - 2 * HOUR)
    room.story("Ngày, tiếp", at=night + timedelta(minutes=30), story=other)
    room.plan(APRIL)
    with store.read() as connection:
        rows = connection.execute(select(t.edition_story.c.story_id, t.edition_story.c.standing))
        assert {row.story_id: row.standing["days"] for row in rows} == {story: 2, other: 1}


@pytest.mark.parametrize(
    ("language", "cadence", "subject", "heading"),
    [
        ("vi", "quarterly", "nhìn lại một quý", "Những tin đáng chú ý trong ba tháng qua"),
        ("vi", "half-yearly", "nhìn lại nửa năm", "Những tin đáng chú ý trong sáu tháng qua"),
        ("en", "quarterly", "a quarter in review", "What mattered in the last three months"),
        ("en", "half-yearly", "half a year in review", "What mattered in the last six months"),
    ],
)
def test_its_mails_say_that_they_look_back(store, tmp_path, language, cadence, subject, heading):
    digests = {"quy": {"cadence": cadence}, "ngay": {"cadence": "daily"}}
    room = Newsroom(store, tmp_path, digests, utc("2027-01-01 00:00") - HOUR)
    room.load(site={**room.written["site"], "language": language})
    room.subscribe(digest="quy")
    room.subscribe("an@example.vn", digest="ngay")
    cut = APRIL if cadence == "quarterly" else utc("2027-07-01 00:00")
    room.run(cut - 2 * DAY)
    room.story("Lũ lớn", at=cut - HOUR)
    room.run(cut)
    for address, says in (("minh@example.vn", True), ("an@example.vn", False)):
        mail = room.outbox(address)[-1]
        assert (subject in mail["Subject"]) is says
        for part in ("plain", "html"):
            assert (heading in mail.get_body((part,)).get_content()) is says
