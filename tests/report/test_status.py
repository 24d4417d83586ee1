"""`status` and `/readyz` from rows alone, on both databases."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from service.mail.relay_notes import retry_now
from service.render.engine import shipped_templates
from service.render.words import load_words
from service.report.health import MOST_OF_A_KIND, health
from service.report.lateness import Lateness, lateness
from service.report.mailing import Beside
from service.report.sentence import english, in_english
from service.report.standing import LATE_AFTER, TROUBLE, advice, reason
from service.report.status import as_json, status
from service.report.trouble import as_json as trouble_json
from service.report.trouble import said, utc
from service.store import status_counts
from service.store import tables as t
from service.store.mailing.relays.relay_states import NOT_TRIED, note_failure, note_success
from tests.builders import (
    add_digest,
    add_edition,
    add_source,
    add_story,
    add_subscription,
    add_topic,
)
from tests.mail.stock import fill

NOT_THEN = "not in its skipHours and skipDays"


def _fill(store, now):
    with store.write() as connection:
        good = add_source(connection, now, "tot", last_ok_at=now, next_poll_at=now)
        add_source(connection, now, "hong", failures=3, error="answered 503", last_ok_at=now)
        add_source(connection, now, "moi", next_poll_at=now)
        add_source(connection, now, "nghi", paused=True)
        add_source(connection, now, "bo", retired_at=now)
        topic = add_topic(connection, now)
        add_topic(connection, now, "y-te")
        _, article = add_story(
            connection,
            source=good,
            topics=[topic],
            entered_at=now,
            title="Tin một",
            published=now - timedelta(minutes=5),
        )
        for key, values in {
            "1": {"article_id": article},
            "2": {"refused_reason": "empty"},
            "3": {"refused_reason": "empty"},
        }.items():
            connection.execute(
                insert(t.entry).values(
                    source_id=good, entry_key=key, title="", hash=b"", quiet=False,
                    first_seen_at=now, **values,
                )
            )  # fmt: skip
        digest = add_digest(connection, now)
        add_subscription(connection, digest=digest, starts_at=now, next_cut_at=now)


def test_status_tells_each_source_topic_and_digest(any_store, now):
    _fill(any_store, now)
    with any_store.read() as connection:
        told = as_json(status(connection, now + timedelta(minutes=1)))
    states = {source["id"]: source["state"] for source in told["sources"]}
    assert states == {"tot": "ok", "hong": "failing", "moi": "new", "nghi": "paused"}
    good = next(source for source in told["sources"] if source["id"] == "tot")
    assert (good["entries"], good["refused"]) == (3, {"empty": 2})
    assert [(topic["id"], topic["articles"], topic["late_s"]) for topic in told["topics"]] == [
        ("giao-duc", 1, 300),
        ("y-te", 0, None),
    ]
    [digest] = told["digests"]
    assert digest == {
        "id": "tuan", "next_cut": now.isoformat(), "subscribers": 1, "put_off_from": None,
    }  # fmt: skip
    assert told["deliveries"] == {}


def test_a_relay_that_fails_is_told_with_its_answer_since_when_and_how_many_wait(any_store, now):
    stock = fill(any_store, now, ["lan@example.vn", "minh@example.vn"])
    later = now + timedelta(minutes=15)
    with any_store.write() as connection:
        _no_source_is_late(connection, later)
        note_success(connection, "hai", now, "250 taken")
        note_failure(connection, "chinh", now - timedelta(hours=1), "535 no", now)
        note_failure(connection, "chinh", now, "535 5.7.8 no", later)
        note_failure(connection, "bo", now, "left the TOML", later)
        put_off = t.delivery.c.id == stock.deliveries[0]
        connection.execute(
            update(t.delivery).where(put_off).values(state="deferred", next_try_at=later)
        )
    with any_store.read() as connection:
        found = status(connection, now, Beside(["chinh", "hai"]))
        one_of_two = health(connection, now, Beside(["chinh", "hai"]))
        unproven = health(connection, now, Beside(["chinh", "moi"]))
        alone = health(connection, now, Beside(["chinh"]))
        both = health(connection, now, Beside(["chinh", "bo"]))
        beside = health(connection, now, Beside(["hai"]))
    assert as_json(found)["relays"] == [
        {
            "id": "chinh",
            "state": "failing",
            "answer": "535 5.7.8 no",
            "answered_at": now.isoformat(),
            "since": (now - timedelta(hours=1)).isoformat(),
            "next_try": later.isoformat(),
            "waiting": 2,
        },
        {
            "id": "hai",
            "state": "ok",
            "answer": "250 taken",
            "answered_at": now.isoformat(),
            "since": None,
            "next_try": None,
            "waiting": 2,
        },
    ]
    english = load_words([shipped_templates()], "en")
    assert [said(one, english, utc) for one in found.troubles] == [
        (
            "The relay chinh has taken no mail since 2026-11-24 07:00Z. It answered: 535 5.7.8 no. "
            "Mails that wait: 2; next try 2026-11-24 08:15Z."
        )
    ]
    assert one_of_two.ready, "the other one takes mail"
    assert [one.key for one in one_of_two.troubles] == ["relay"]
    assert unproven.ready, "the other one was offered nothing yet"
    assert not alone.ready
    assert not both.ready
    assert beside.troubles == ()


def test_what_waits_for_itself_or_for_its_hour_does_not_wait_for_a_relay(any_store, now):
    ids = fill(any_store, now, [f"{n}@example.vn" for n in "abcdefg"]).deliveries
    later = now + timedelta(minutes=15)
    own = ["rcpt: 452 4.2.2 full", "body: 451 4.7.1 later", f"{NOT_TRIED}rcpt: 450 no"]
    with any_store.write() as connection:
        _no_source_is_late(connection, later)
        for delivery, answer in zip(ids, own, strict=False):
            _try(connection, delivery, now, "chinh", answer, later)
        _try(connection, ids[3], now, "chinh", "connect: 535 no", later)
        _postpone(connection, ids[4], "chinh: connect: 535 no", later)
        hour = {"state": "planned", "next_try_at": later}
        connection.execute(update(t.delivery).where(t.delivery.c.id == ids[5]).values(hour))
        note_failure(connection, "chinh", now, "connect: 535 no", later)
    with any_store.read() as connection:
        [relay] = as_json(status(connection, now, Beside(["chinh"])))["relays"]
        assert relay["waiting"] == 3, "tried in vain, put off with it, and due"
    with any_store.write() as connection:
        rest = t.delivery.c.id.in_([*ids[3:5], ids[6]])
        connection.execute(update(t.delivery).where(rest).values(state="accepted"))
    with any_store.read() as connection:
        found = health(connection, now, Beside(["chinh"]))
    assert found.ready, "no mail waits for it"
    assert [one.values["waiting"] for one in found.troubles] == [0]


def _no_source_is_late(connection, later):
    connection.execute(update(t.source_poll).values(next_poll_at=later))


def _try(connection, delivery, now, relay, answer, later):
    """As a try of its own leaves it."""
    connection.execute(
        insert(t.attempt).values(
            delivery_id=delivery, n=1, tried_at=now, relay=relay, answer=answer
        )
    )
    values = {"state": "deferred", "reply": answer, "next_try_at": later, "tries": 1}
    connection.execute(update(t.delivery).where(t.delivery.c.id == delivery).values(values))


def _postpone(connection, delivery, reason, later):
    """As the end of a run leaves it in which no relay took anything: a try, and no attempt."""
    values = {
        "state": "deferred", "reply": reason, "next_try_at": later,
        "tries": t.delivery.c.tries + 1,
    }  # fmt: skip
    connection.execute(update(t.delivery).where(t.delivery.c.id == delivery).values(values))


def test_what_waited_for_a_relay_is_due_once_it_takes_mail_again(any_store, now):
    first, second, third = fill(any_store, now, [f"{n}@example.vn" for n in "abc"]).deliveries
    later = now + timedelta(minutes=15)
    with any_store.write() as connection:
        _try(connection, first, now, "chinh", "connect: 535 no", later)
        _postpone(connection, second, "chinh: connect: 535 no; hai: 421 busy", later)
        _try(connection, third, now, "chinh", "rcpt: 450 4.1.2 full", later)
        assert retry_now(connection, "chinh", now) == 0, "it does not fail"
        note_failure(connection, "chinh", now, "connect: 535 no", later)
        assert retry_now(connection, "chinh", now) == 2
        due = connection.execute(select(t.delivery.c.id).where(t.delivery.c.next_try_at <= now))
    assert set(due.scalars()) == {first, second}


def test_whatever_it_said_meanwhile_all_that_waited_for_it_is_due(any_store, now):
    ids = fill(any_store, now, [f"{n}@example.vn" for n in "abcdefgh"]).deliveries
    later = now + timedelta(minutes=15)
    hour_ago = now - timedelta(hours=1)
    denied = "connect: 535 no"
    with any_store.write() as connection:
        _try(connection, ids[0], hour_ago, "chinh", denied, later)
        _postpone(connection, ids[1], f"chinh: {denied}", later)
        _postpone(connection, ids[2], f"hai: mail: 421 busy; chinh: {denied}", later)
        _try(connection, ids[3], hour_ago, "chinh", "rcpt: 450 4.1.2 full", later)
        _postpone(connection, ids[3], f"chinh: {denied}", later)
        _try(connection, ids[4], hour_ago, "chinh", "rcpt: 450 4.1.2 full", later)
        _try(connection, ids[5], hour_ago, "chinh", f"{NOT_TRIED}rcpt: 450 no", later)
        _try(connection, ids[6], hour_ago, "hai", denied, later)
        _postpone(connection, ids[7], f"hai: {denied}", later)
        note_failure(connection, "chinh", hour_ago, denied, later)
        note_failure(connection, "chinh", now, "ConnectionRefusedError: refused", later)
        assert retry_now(connection, "chinh", now) == 4
        due = connection.execute(select(t.delivery.c.id).where(t.delivery.c.next_try_at <= now))
    assert set(due.scalars()) == set(ids[:4]), "what met its own refusal, or another relay's, waits"


def test_uncertain_mails_are_told_by_edition_and_since_when(any_store, now):
    fill(any_store, now, ["lan@example.vn", "minh@example.vn"])
    with any_store.write() as connection:
        connection.execute(update(t.delivery).values(state="uncertain"))
    with any_store.read() as connection:
        [told] = health(connection, now).troubles
    assert (told.key, told.values["n"]) == ("uncertain", 2)
    assert told.values["since"] == now - timedelta(hours=1)
    assert trouble_json(told, english())["editions"] == "tuan 2026-11-24 07:00Z (2)"
    hanoi = ZoneInfo("Asia/Ho_Chi_Minh")
    text = said(told, english(), lambda at: f"{at.astimezone(hanoi):%Y-%m-%d %H:%M}")
    assert "Editions: tuan 2026-11-24 14:00 (2)." in text, "one zone for all hours of a sentence"


def test_an_edition_that_is_refused_for_its_content_is_told_until_a_later_one_is_taken(
    any_store, now
):
    ids = fill(any_store, now, ["a@example.vn", "b@example.vn", "c@example.vn"]).deliveries

    def told(at=now):
        with any_store.read() as connection:
            return [one for one in health(connection, at).troubles if one.key == "rejected"]

    def settled(one, state, reply):
        values = {"state": state, "reply": reply, "settled_at": now}
        with any_store.write() as connection:
            mine = update(t.delivery).where(t.delivery.c.id == one)
            connection.execute(mine.values(values))

    settled(ids[0], "rejected", "rcpt: 550 5.1.1 no such user")
    assert told() == []
    settled(ids[1], "rejected", "body: 552 5.3.4 too big")
    [one] = told()
    assert (one.values["digest"], one.values["n"], one.stops) == ("tuan", 1, False)
    text = said(one, english(), utc)
    assert "edition of tuan, 2026-11-24 07:00Z" in text
    assert "1 since 2026-11-24 08:00Z. The answer: body: 552 5.3.4 too big." in text
    settled(ids[2], "accepted", "body: 250 ok")
    assert told() == [], "as many were taken"
    settled(ids[0], "rejected", "data: 554 5.6.0 spam")
    assert [one.values["n"] for one in told()] == [2]
    assert told(now + timedelta(days=2)) == []
    with any_store.write() as connection:
        week = timedelta(days=7)
        digest = connection.scalar(select(t.digest.c.id))
        later = add_edition(connection, digest, now, now - week)
        mine = update(t.delivery).where(t.delivery.c.id == ids[2])
        connection.execute(mine.values(edition_id=later))
    assert told() == [], "a later one was taken"


def test_a_failing_source_is_told_but_one_bad_part_makes_nothing_unready(any_store, now):
    _fill(any_store, now)
    with any_store.read() as connection:
        found = health(connection, now)
    assert found.ready
    reason = f"answered 503 (3 times in a row, last fine {now:%Y-%m-%d %H:%M}Z)"
    assert found.lines() == [f"source hong: {reason}"]


def test_each_state_has_its_reason_and_the_last_good_time_in_plain_words(any_store, now):
    hour = timedelta(hours=1)
    rows = {
        "tot": {"last_ok_at": now},
        "moi": {},
        "cham": {"next_poll_at": now - hour, "last_ok_at": now - 2 * hour},
        "cham-moi": {"next_poll_at": now - hour},
        "hong": {"failures": 1, "error": "no connection"},
        "gac": {
            "failures": 2, "error": "quarantined: longer than 30 s",
            "quarantined_since": now - hour, "last_ok_at": now - 3 * hour,
            "document_error": "quarantined: longer than 30 s",
        },
        "gac-cham": {
            "quarantined_since": now, "error": "x", "failures": 1, "next_poll_at": now - hour,
        },
        "nghi": {"paused": True, "failures": 4, "error": "no connection"},
        "tay": {"paused_since": now - hour, "failures": 1, "error": "x"},
        "tay-het": {
            "paused_since": now - hour, "paused_until": now, "failures": 1, "error": "x",
        },
        "tay-nua": {"paused_since": now - hour, "paused_until": now + hour, "failures": 1},
        "lac": {
            "failures": 2, "error": "gives none", "document_error": "gives none",
            "drifting_since": now - hour, "last_ok_at": now - 2 * hour,
        },
        "lac-hong": {
            "failures": 3, "error": "answered 500", "document_error": "gives none",
            "drifting_since": now - hour,
        },
        "xin": {"failures": 2, "error": "answered 429", "held_until": now + hour},
        "xin-het": {"failures": 2, "error": "answered 429", "held_until": now},
        "lang-gieng": {"held_until": now + hour, "held_by_id": "xin", "last_ok_at": now - hour},
        "da-doi": {
            "failures": 1, "error": "answered 410", "gone_at": now - hour, "last_ok_at": now - hour,
        },
    }  # fmt: skip
    with any_store.write() as connection:
        ids: dict[str, int] = {}
        for name, values in rows.items():
            told = {"held_by_id": ids[values["held_by_id"]]} if "held_by_id" in values else {}
            ids[name] = add_source(connection, now, name, **(values | told))
        add_source(connection, now, "bo", retired_at=now, failures=1, error="x")
    with any_store.read() as connection:
        told = as_json(status(connection, now))["sources"]
        troubled = status_counts.troubled(connection, now, now - LATE_AFTER)
        assert status_counts.polled(connection, now) == 14
    found = {one["id"]: (one["state"], one["reason"]) for one in told}
    at, again = "2026-11-24", "read again once it changes, or after `bantin sources retry gac`"
    take = "`bantin sources retry lac` once you have seen to it"
    new = "asked again at a new url, or after `bantin sources retry da-doi`"
    alone = f"it is left alone until {at} 09:00Z"
    assert found == {
        "tot": ("ok", None),
        "moi": ("new", None),
        "cham": ("late", f"due since {at} 07:00Z (last fine {at} 06:00Z)"),
        "cham-moi": ("late", f"due since {at} 07:00Z (never fine so far)"),
        "hong": ("failing", "no connection (once, never fine so far)"),
        "gac": (
            "quarantined",
            f"quarantined: longer than 30 s (since {at} 07:00Z, last fine {at} 05:00Z; {again})",
        ),
        "gac-cham": ("quarantined", found["gac-cham"][1]),
        "nghi": ("paused", "paused in the configuration"),
        "tay": ("paused", f"paused by hand since {at} 07:00Z"),
        "tay-het": ("failing", "x (once, never fine so far)"),
        "tay-nua": ("paused", f"paused by hand since {at} 07:00Z until {at} 09:00Z"),
        "lac": (
            "drifting",
            f"gives none (since {at} 07:00Z, last fine {at} 06:00Z; {take})",
        ),
        "lac-hong": ("failing", "answered 500 (3 times in a row, never fine so far)"),
        "xin": (
            "slowed",
            f"answered 429; {alone} (twice in a row, never fine so far)",
        ),
        "xin-het": ("failing", "answered 429 (twice in a row, never fine so far)"),
        "lang-gieng": (
            "slowed",
            f"its site told xin that it is asked too much; {alone} (last fine {at} 07:00Z)",
        ),
        "da-doi": (
            "gone",
            f"answered 410 (since {at} 07:00Z, last fine {at} 07:00Z; {new})",
        ),
    }
    assert {one.name for one in troubled} == {
        name for name, (state, _) in found.items() if state in TROUBLE
    }


def test_a_source_that_its_publisher_slows_down_is_told_but_makes_nothing_unready(any_store, now):
    with any_store.write() as connection:
        for n in range(3):
            held = {"held_until": now + timedelta(hours=3), "next_poll_at": now}
            add_source(connection, now, f"xin-{n}", **held)
    with any_store.read() as connection:
        found = health(connection, now + timedelta(hours=1))
    assert found.ready
    assert [line.partition(" until ")[0] for line in found.lines()] == [
        f"source xin-{n}: its server asked for time; it is left alone" for n in range(3)
    ]


def test_each_parse_level_is_counted_by_source(any_store, now):
    counts = {"not_modified": 40, "body": 3, "slices": 2, "part": 1, "whole": 5}
    with any_store.write() as connection:
        add_source(connection, now, **counts)
    with any_store.read() as connection:
        (told,) = as_json(status(connection, now))["sources"]
    assert told["parse_levels"] == {"304": 40, "body": 3, "slices": 2, "part": 1, "whole": 5}


@pytest.mark.parametrize(
    ("rhythm", "words"),
    [
        ({}, None),
        ({"interval_s": 1500}, "every 25 min, by its own rhythm"),
        ({"interval_s": 11100, "fresh_s": 900}, "every 3 h 5 min, by its own rhythm"),
        (
            {"interval_s": 900, "fresh_s": 86400, "every_s": 60},
            "not within 1 d: its server calls an answer fresh for so long",
        ),
        (
            {"interval_s": 900, "every_s": 14400, "skips": 7},
            "not within 4 h: its document asks for it (ttl or sy:updatePeriod); " + NOT_THEN,
        ),
    ],
)
def test_how_often_a_source_is_asked_and_who_wants_it_so(store, now, rhythm, words):
    with store.write() as connection:
        add_source(connection, now, **rhythm)
    with store.read() as connection:
        assert as_json(status(connection, now))["sources"][0]["pace"] == words


def test_an_admin_is_told_of_moves_long_before_and_after_they_are_believed(store, now):
    there = "https://moi.example/rss"
    with store.write() as connection:
        add_source(connection, now, "mot", redirect_url=there, redirect_since=now)
        add_source(connection, now, "hai", moved_url=there)
        add_source(connection, now, "ba")
    with store.read() as connection:
        told = {
            one.name: in_english().tell(advice(one)) for one in status_counts.sources(connection)
        }
    assert told == {
        "mot": f"sends us on for good to {there} since 2026-11-24 08:00Z: believed after a week",
        "hai": f"moved permanently to {there}: change its url in the TOML",
        "ba": "",
    }


def test_hours_are_those_of_who_reads_them(store, now):
    with store.write() as connection:
        add_source(connection, now, failures=1, error="x", last_ok_at=now)
    with store.read() as connection:
        (row,) = status_counts.sources(connection)
    assert in_english().tell(reason(row, now)) == "x (once, last fine 2026-11-24 08:00Z)"
    here = in_english(ZoneInfo("Asia/Ho_Chi_Minh")).tell(reason(row, now))
    assert here == "x (once, last fine 2026-11-24 15:00)"


def test_whoever_probes_is_told_of_some_and_of_how_many_more(any_store, now):
    with any_store.write() as connection:
        for n in range(MOST_OF_A_KIND + 7):
            add_source(connection, now, f"hong-{n:03}", failures=1, error="no connection")
        add_source(connection, now, "gac", failures=1, error="x", quarantined_since=now)
    with any_store.read() as connection:
        found = health(connection, now)
    assert len(found.lines()) == MOST_OF_A_KIND + 2
    assert found.lines()[0].startswith("source gac: ")
    assert found.lines()[-1] == "7 more sources: failing"


def test_a_service_that_polls_nothing_is_not_ready(any_store, now):
    _fill(any_store, now)
    with any_store.write() as connection:
        connection.execute(
            update(t.source_poll).values(failures=0, last_ok_at=now, next_poll_at=now)
        )
    with any_store.read() as connection:
        found = health(connection, now + timedelta(hours=2))
    assert not found.ready
    assert any(line.startswith("source tot: due since") for line in found.lines())


def test_an_edition_that_cannot_be_rendered_makes_unready_until_its_digest_goes_on(any_store, now):
    _fill(any_store, now)
    times = {"covers_from": now, "covers_to": now, "period_from": now, "frozen_at": now}
    error = "body.txt.j2: 'nothing' is undefined"
    with any_store.write() as connection:
        digest = connection.execute(select(t.digest.c.id)).scalar_one()
        shared = {"digest_id": digest, "listed": True, "more": 0, **times}
        connection.execute(
            insert(t.edition).values(cadence="weekly", cut_at=now, error=error, **shared)
        )
    with any_store.read() as connection:
        found = health(connection, now)
    assert not found.ready
    assert found.lines()[0] == f"edition tuan {now:%Y-%m-%d %H:%M}Z: {error}"
    later = now + timedelta(days=1)
    with any_store.write() as connection:
        connection.execute(
            insert(t.edition).values(cadence="daily", cut_at=later, planned_at=later, **shared)
        )
    with any_store.read() as connection:
        found = health(connection, now)
    assert (found.ready, error in found.lines()[0]) == (True, True)


def test_lateness_leaves_out_what_cannot_be_news(now):
    minute = timedelta(minutes=1)
    delays = [
        (now - 3 * minute, now, now + 10 * minute),
        (now - 5 * minute, now, None),
        (now - timedelta(days=400), now, None),  # the archive of a source
        (now + minute, now, None),  # a date in the future
        (None, now, None),
    ]
    assert lateness(delays) == Lateness(collected_s=240, mailed_s=600)
    assert lateness([]) == Lateness(None, None)


def test_a_page_that_could_not_be_read_is_told_though_its_source_is_well(store, now):
    error = "https://a.vn/tin: the server answered 404"
    with store.write() as connection:
        add_source(connection, now, last_ok_at=now, page_error=error)
        found = status(connection, now)
    (source,) = as_json(found)["sources"]
    assert (source["state"], source["reason"], source["page_error"]) == ("ok", None, error)
    assert (
        in_english().tell(advice(found.sources[0]))
        == f"an article's page could not be read: {error}"
    )
