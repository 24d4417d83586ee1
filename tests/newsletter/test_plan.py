"""Planning in batches: what is shared, what a race or a kill leaves, and what freezing takes in."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from service.errors import UsageError
from service.mail.message import edition_message_id
from service.model import DeliveryKind, Parts
from service.newsletter import items
from service.newsletter.freeze import PER_TOPIC
from service.newsletter.plan import BATCH, WIDE, due_batches
from service.store import tables as t
from service.store.core import facts
from service.store.mailing import editions, transactional
from service.store.mailing.message_parts import unpack
from tests import builders
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom
from tests.store.watching import statements


@pytest.fixture
def room(any_store, tmp_path):
    return Newsroom(any_store, tmp_path, {"tuan": {"cadence": "daily"}})


def rows(room, table):
    with room.store.read() as connection:
        return connection.execute(select(table)).all()


def test_subscriptions_with_the_same_stories_share_what_is_rendered(room):
    for number in range(6):
        room.subscribe(f"r{number}@example.vn")
    room.subscribe("it@example.vn", topics=["y-te"])
    room.subscribe("en@example.vn")
    with room.store.write() as connection:
        english = t.subscriber.c.address == "en@example.vn"
        connection.execute(update(t.subscriber).where(english).values(language="en"))
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    room.story("health", "y-te", at=MONDAY - HOUR)
    assert room.plan(MONDAY).deliveries == 8
    kept = rows(room, t.segment)
    assert len(kept) == 3
    languages = {row.language: unpack(row.parts).text for row in kept}
    assert "Xem trên web" in languages["vi"]
    assert "Read it on the web" in languages["en"]
    room.send()
    assert [row.parts for row in rows(room, t.segment)] == [None, None, None]


def test_a_language_without_words_gets_english_sentences(room):
    room.subscribe("fr@example.vn")
    with room.store.write() as connection:
        connection.execute(update(t.subscriber).values(language="fr"))
    room.story("school", at=MONDAY - HOUR)
    room.run(MONDAY)
    [mail] = room.outbox()
    assert "Unsubscribe" in mail.get_body(("plain",)).get_content()


def test_more_subscriptions_than_one_batch(room):
    number = (BATCH if room.store.is_sqlite else WIDE) + 20
    with room.store.write() as connection:
        digest = connection.execute(select(t.digest.c.id)).scalar_one()
        for one in range(number):
            builders.add_subscription(
                connection, digest=digest, starts_at=room.now, address=f"r{one}@example.vn",
                cadence="daily",
            )  # fmt: skip
    room.story("a", at=MONDAY - HOUR)
    with statements(room.store) as asked:
        planned = room.plan(MONDAY)
    assert (planned.editions, planned.deliveries) == (1, number)
    looks = [one for one in asked if "subscription.rule IN" in one and "LIMIT" in one]
    assert len(looks) == 1, looks  # each looks through all who are due
    assert len(rows(room, t.segment)) == 1
    assert len({row.message_id for row in rows(room, t.delivery)}) == number
    assert room.plan().deliveries == 0


@pytest.mark.both_engines
def test_all_who_are_due_come_once_whatever_is_read_at_once(room):
    for number in range(7):
        room.subscribe(f"r{number}@example.vn")
    room.subscribe("elsewhere@example.vn", zone="Europe/Berlin")
    room.plan(MONDAY - HOUR)
    with room.store.read() as connection:
        digest = connection.execute(select(t.digest.c.id)).scalar_one()
        ids = connection.execute(
            select(t.subscription.c.id).order_by(t.subscription.c.id)
        ).scalars()
        expected = list(ids)[:7]
        first = t.subscription.c.id == expected[0]
        rules = connection.execute(select(t.subscription.c.rule).where(first)).scalars().all()
    for batch, lot in [(2, 3), (3, 7), (10, 7), (10, 10), (1, 1)]:
        found = list(due_batches(room.store, digest, rules, MONDAY, batch=batch, lot=lot))
        assert [one for part in found for one in part] == expected
        assert all(0 < len(part) <= batch for part in found)


@pytest.mark.both_engines
def test_a_key_that_somebody_else_took_stops_nobody_but_its_reader(room):
    """The batch is done again one by one; who is contested waits for the next run."""
    ids = [room.subscribe(f"r{number}@example.vn") for number in range(3)]
    room.plan(MONDAY - DAY)
    room.story("a", at=MONDAY - HOUR)
    with room.store.ledger() as connection:
        taken = edition_message_id(
            facts.secret(connection), "tin.example.vn", digest_id=room.row(ids[1]).digest_id,
            cadence="daily", cut_at=MONDAY, subscription_id=ids[1],
        )  # fmt: skip
        other = transactional.plan(
            connection, kind=DeliveryKind.CHANGE, subscription_id=ids[0], message_id=taken,
            parts=Parts("", "", ""), language="vi", now=room.now, expires_at=None,
        )  # fmt: skip
    assert room.plan(MONDAY).deliveries == 2
    assert [room.row(one).next_cut_at for one in ids] == [MONDAY + DAY, MONDAY, MONDAY + DAY]
    [edition] = [row for row in room.editions() if row.cut_at == MONDAY]
    assert edition.planned_at is None  # not everyone has been planned
    with room.store.write() as connection:
        connection.execute(
            update(t.delivery).where(t.delivery.c.id == other).values(message_id="other@x")
        )
    assert room.plan(MONDAY + HOUR).deliveries == 1
    assert len(rows(room, t.told)) == 3


@pytest.mark.both_engines
def test_two_processes_planning_at_once_send_one_mail_each(room):
    for number in range(40):
        room.subscribe(f"r{number}@example.vn")
    for number in range(5):
        room.story(f"story {number}", at=MONDAY - HOUR)
    room.now = MONDAY
    errors = []

    def work():
        try:
            room.plan()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must show it
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    room.plan()
    assert len(rows(room, t.edition)) == 1
    assert room.states() == {"planned": 40}
    assert len(rows(room, t.told)) == 200


def test_a_freeze_takes_the_best_hundred_of_a_topic_and_counts_the_rest(room):
    room.subscribe(begins=MONDAY - 2 * DAY)
    with room.store.write() as connection:
        source = builders.add_source(connection, MONDAY, "bulk")
        topic = connection.execute(
            select(t.topic.c.id).where(t.topic.c.name == "giao-duc")
        ).scalar_one()
        for number in range(PER_TOPIC + 7):
            builders.add_story(
                connection, source=source, topics=[topic], title=f"story {number}",
                entered_at=MONDAY - timedelta(minutes=number + 1),
            )  # fmt: skip
    room.story("one of another topic", "y-te", at=MONDAY - HOUR)
    room.plan(MONDAY)
    [edition] = [row for row in room.editions() if row.cut_at == MONDAY]
    assert edition.more == 7
    assert len(rows(room, t.edition_story)) == PER_TOPIC + 1
    shown = [row for row in rows(room, t.told) if row.shown]
    assert len(shown) == 20
    assert len(rows(room, t.told)) == PER_TOPIC + 1  # the seven are a number, and not told


def test_the_edition_keeps_when_each_story_entered_and_how_it_looked(room):
    story, article = room.story("school", "giao-duc", "y-te", at=MONDAY - 2 * HOUR)
    room.plan(MONDAY)
    [frozen] = rows(room, t.edition_story)
    entered = (MONDAY - 2 * HOUR).isoformat()
    assert sorted(frozen.topics) == [["giao-duc", entered], ["y-te", entered]]
    assert (frozen.story_id, frozen.article_ids) == (story, [article])
    with room.store.write() as connection:
        connection.execute(update(t.article).values(title="changed meanwhile"))
    assert frozen.view["title"] == "school"


def test_stories_that_became_one_after_the_freeze_stand_in_the_topics_of_both(room):
    """Who follows only the second's topic must not lose it."""
    room.subscribe()
    first, _ = room.story("school", "giao-duc", at=MONDAY - HOUR)
    second, article = room.story("health", "y-te", at=MONDAY - 2 * HOUR)
    room.plan(MONDAY)
    with room.store.write() as connection:
        joined = t.story_article.c.article_id == article
        connection.execute(update(t.story_article).where(joined).values(story_id=first))
        gone = t.story.c.id == second
        connection.execute(update(t.story).where(gone).values(merged_into=first))
        [edition] = [row.id for row in room.editions() if row.cut_at == MONDAY]
        [one] = items.resolve(connection, editions.stories(connection, edition)).items
    assert sorted(name for name, _ in one.topics) == ["giao-duc", "y-te"]
    assert one.story_id == first


def test_an_edition_without_stories_does_not_stand_in_the_archive(room):
    room.subscribe()
    room.plan(MONDAY)
    room.story("school", at=MONDAY + HOUR)
    room.plan(MONDAY + DAY)
    listed = {row.cut_at: row.listed for row in room.editions()}
    assert (listed[MONDAY], listed[MONDAY + DAY]) == (False, True)


def test_only_the_digest_s_own_hour_stands_in_the_archive(room):
    room.subscribe(hour="09:00")
    room.subscribe("nam@example.vn", zone="Europe/Berlin")
    room.story("school", at=MONDAY - HOUR)
    for hours in range(12):
        room.run(MONDAY + hours * HOUR)
    listed = {row.cut_at: row.listed for row in room.editions() if row.cut_at >= MONDAY}
    assert listed == {MONDAY: True, MONDAY + 2 * HOUR: False, MONDAY + 6 * HOUR: False}
    pages = [mail.get_body(("plain",)).get_content() for mail in room.outbox()]
    assert "/editions/tuan/20261123T020000Z-daily/" in "".join(pages)
    assert room.mails() == [["school"]]


def test_a_late_mail_is_dated_when_it_was_planned(room):
    room.subscribe()
    room.story("a", at=MONDAY - HOUR)
    late = MONDAY + 3 * HOUR + timedelta(seconds=42)
    room.run(late)
    assert room.outbox()[0]["Date"].datetime == MONDAY + 3 * HOUR
    room.story("b", at=MONDAY + 4 * HOUR)
    room.run(MONDAY + DAY + HOUR)
    assert room.outbox()[1]["Date"].datetime == MONDAY + DAY


def test_one_digest_alone(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"mot": {"cadence": "daily"}, "hai": {"cadence": "daily"}})
    room.subscribe(digest="mot")
    room.subscribe("nam@example.vn", digest="hai")
    room.story("a", at=MONDAY - HOUR)
    assert room.plan(MONDAY, digest="hai").deliveries == 1
    assert room.plan(MONDAY).deliveries == 1


def test_an_unknown_digest_is_named(room):
    with pytest.raises(UsageError, match="no digest 'x'; there is \"tuan\""):
        room.plan(digest="x")


def test_a_suppressed_address_is_taken_as_paused(room):
    """It must not hold everybody's editions back to its own last mail."""
    minh = room.subscribe()
    room.subscribe("nam@example.vn")
    room.run(MONDAY)
    with room.store.write() as connection:
        person = connection.execute(
            select(t.subscriber).where(t.subscriber.c.address == "minh@example.vn")
        ).one()
        connection.execute(
            insert(t.suppression).values(
                address_key=person.address_key, reason="address_refused", suppressed_at=room.now,
                evidence="550",
            )
        )  # fmt: skip
    room.story("a", at=MONDAY + HOUR)
    assert room.run(MONDAY + DAY).deliveries == 1
    assert room.row(minh).covered_to == room.row(minh).starts_at == MONDAY + DAY
    assert room.mails("nam@example.vn") == [["a"]]


def test_an_outlet_fills_no_more_of_a_mail_than_it_may(any_store, tmp_path):
    digest = {"cadence": "daily", "stories": {"max": 4, "per_source": 2}}
    room = Newsroom(any_store, tmp_path, {"tuan": digest})
    room.subscribe()
    for number in range(4):
        at = MONDAY - timedelta(minutes=number + 1)
        room.story(f"a{number}", at=at, source="bao-a")
        room.story(f"b{number}", at=at - timedelta(seconds=1), source=f"bao-b{number}")
    room.run(MONDAY)
    [mail] = room.outbox()
    body = mail.get_body(("plain",)).get_content()
    assert body.count("Bao-A, ") == 2
    assert "Còn 4 tin trên web" in body
    assert sorted(room.titles()) == ["a0", "a1", "b0", "b1"]
    assert sorted(room.counted()) == ["a2", "a3", "b2", "b3"]
    room.story("b4", at=MONDAY + HOUR)
    room.run(MONDAY + DAY)
    assert room.mails()[1:] == [["b4"]]  # what was counted was told


@pytest.mark.parametrize("ends", [timedelta(), timedelta(microseconds=1)], ids=["at", "behind"])
def test_a_pause_that_ends_at_a_cut_is_over_with_it(any_store, tmp_path, ends):
    """The cuts before are taken as if there were nothing to tell; this one is not a cut of it."""
    room = Newsroom(any_store, tmp_path, {"tuan": {"cadence": "daily"}})
    minh = room.subscribe(paused_until=MONDAY + ends)
    room.story("passed", at=MONDAY - 2 * DAY - HOUR)
    room.run(MONDAY - 2 * DAY)
    room.run(MONDAY - DAY)
    room.story("told", at=MONDAY - HOUR)
    room.run(MONDAY)
    assert room.titles() == ([] if ends else ["told"])
    assert room.row(minh).starts_at == (MONDAY if ends else MONDAY - DAY)
    room.story("next", at=MONDAY + HOUR)
    room.run(MONDAY + DAY)
    assert room.titles() == (["next"] if ends else ["told", "next"])


def test_a_pause_that_the_service_slept_through_stays_skipped_while_too_few_stories_wait(
    any_store, tmp_path
):
    """Its cuts are made up for by one that waits; the next must know where the pause has ended."""
    few = {"tuan": {"cadence": "daily", "stories": {"min": 2}}}
    room = Newsroom(any_store, tmp_path, few)
    room.subscribe(paused_until=MONDAY - DAY + HOUR)
    room.plan()
    room.story("passed", at=MONDAY - 2 * DAY - HOUR)
    room.story("one", at=MONDAY - HOUR)
    room.run(MONDAY)
    assert room.titles() == []
    room.story("two", at=MONDAY + HOUR)
    room.run(MONDAY + DAY)
    assert room.titles() == ["one", "two"]


@pytest.mark.parametrize(
    ("cadence", "cut", "lasts"),
    [
        # Until the next cut of its cadence, but never less than an hour.
        ("immediate", MONDAY, HOUR),
        ("hourly", MONDAY, HOUR),
        ("daily", MONDAY, DAY),
    ],
)
def test_how_late_a_mail_may_be_by_default(any_store, tmp_path, cadence, cut, lasts):
    room = Newsroom(any_store, tmp_path, {"nhanh": {"cadence": cadence}})
    room.subscribe(digest="nhanh")
    room.story("a", at=cut - HOUR / 60)
    assert room.plan(cut).deliveries == 1
    [row] = rows(room, t.delivery)
    assert row.expires_at == cut + lasts


def test_an_immediate_mail_that_waits_for_half_an_hour_is_sent_all_the_same(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"nhanh": {"cadence": "immediate"}})
    room.subscribe(digest="nhanh")
    room.story("a", at=MONDAY - HOUR / 60)
    room.plan(MONDAY)
    room.refuse(until=MONDAY + HOUR / 2)
    room.plan(MONDAY + HOUR / 2)
    room.send()
    assert room.states() == {"accepted": 1}
    assert room.mails() == [["a"]]


@pytest.mark.parametrize(
    ("cadence", "told"), [("monthly", ["one"]), ("quarterly", [])], ids=["28 days", "a period"]
)
def test_too_few_stories_wait_for_28_days_or_a_period_if_that_is_longer(
    any_store, tmp_path, cadence, told
):
    """Told at 1 January, 07:00 in Viet Nam, when it has waited for 40 days."""
    cut = datetime(2027, 1, 1, tzinfo=UTC)
    few = {"tuan": {"cadence": cadence, "stories": {"min": 2}}}
    room = Newsroom(any_store, tmp_path, few, now=cut - 60 * DAY)
    room.subscribe()
    room.story("one", at=cut - 40 * DAY)
    room.run(cut - 31 * DAY)
    assert room.titles() == []
    room.run(cut)
    assert room.titles() == told
