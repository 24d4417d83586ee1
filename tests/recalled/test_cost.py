"""What a recall costs does not grow with those before it, nor a correction with each reader."""

from __future__ import annotations

from service.newsletter.recalled.corrections import plan_corrections
from service.store import tables as t
from tests.newsletter.newsroom import DAY, HOUR, MONDAY
from tests.recalled.desk import Desk
from tests.store.watching import statements, written


def test_a_recall_asks_no_more_for_those_before_it(store, tmp_path):
    desk = Desk(store, tmp_path, {"tuan": {"cadence": "daily"}})
    articles = [desk.story(f"Tin số {one}", at=MONDAY - HOUR)[1] for one in range(9)]
    counts = []
    for article in articles:
        with written(store, store._ledger) as seen:
            desk.recall(article)
        counts.append(len(seen))
    assert counts[1:] == counts[1:2] * 8
    desk.publish()
    asked = []
    for more in (1, 5):
        for number in range(more):
            desk.recall(desk.story(f"Tin {more} {number}", at=MONDAY - HOUR)[1])
        with statements(store) as seen:
            desk.publish()
        asked.append(len(seen))
    assert asked[0] == asked[1]


def test_corrections_to_many_readers_are_one_commit_with_one_segment(store, tmp_path):
    desk = Desk(store, tmp_path, {"tuan": {"cadence": "daily"}})
    for number in range(12):
        desk.subscribe(f"n{number}@example.vn")
    desk.subscribe("english@example.org")
    _, one = desk.story("Lũ lớn", at=MONDAY - HOUR)
    desk.run(MONDAY)
    before = {row.id for row in desk.rows(t.segment)}
    desk.recall(one)
    desk.now += DAY
    with written(store, store._ledger) as seen:
        done = plan_corrections(store, desk.settings, desk.renderer, desk.now)
    assert done.planned == 13
    assert sum("FROM fact" in statement for statement in seen) == 1  # once in a transaction
    made = [row for row in desk.rows(t.segment) if row.id not in before]
    assert len(made) == 1
    carried = {row.subscriber_id: row.delivery_id for row in desk.rows(t.correction)}
    whose = {row.id: row.subscription_id for row in desk.rows(t.delivery)}
    people = {row.id: row.subscriber_id for row in desk.rows(t.subscription)}
    assert {people[whose[mail]]: mail for mail in carried.values()} == carried
    desk.send()
    assert sum("Đính chính" in text for text in desk.texts("n3@example.vn")) == 1
