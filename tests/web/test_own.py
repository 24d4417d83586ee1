"""The page of an address and its data: its link, a change of address, the data, and forgetting."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from service.audience import housekeeping, tokens
from service.mail.outbox import Outbox
from service.model import EndedReason
from service.store import tables as t
from service.store.audience import personal_data, subscriptions, suppressions
from service.store.core import facts
from service.text import mailboxes
from tests.audience.acts import history
from tests.builders import add_edition, add_source, add_story
from tests.web.own import ask_to_move, links, move, own_link
from tests.web.people import fill, letters, newest, subscribe, text


def people(web):
    with web.store.read() as connection:
        return {one.address: one for one in subscriptions.live(connection) if one.confirmed}


def by_token(web, token):
    with web.store.read() as connection:
        return subscriptions.by_token(connection, token)


# -- the link ---------------------------------------------------------------------------------


def test_the_link_goes_to_the_address_and_opens_its_page(web):
    found = subscribe(web)
    page = web.client.get(f"/preferences/{found.token}")
    assert "Gửi liên kết cho tôi" in text(page)
    link = own_link(web, found.token)
    page = web.client.get(link)
    assert page.status_code == 200
    assert "minh@example.vn" in text(page), "whole: who reads it has the mailbox"
    assert page.headers["cache-control"] == "no-store"
    assert [one.kind for one in letters(web)] == ["confirm", "change"]


def test_pressed_twice_it_is_one_mail_and_three_a_day_at_most(web):
    found = subscribe(web)
    for _ in range(2):
        web.client.post(f"/preferences/{found.token}/link")
    assert len(letters(web)) == 2
    for _ in range(5):
        web.later(minutes=5)
        assert web.client.post(f"/preferences/{found.token}/link").status_code == 200
    assert len(letters(web)) == 4
    web.later(days=1)
    web.client.post(f"/preferences/{found.token}/link")
    assert len(letters(web)) == 5


def test_the_links_of_a_day_take_no_place_of_mails_that_sign_ups_cause(web):
    found = subscribe(web)
    for days in range(2):  # six of them: the mailbox's cap of a month is five
        web.later(days=days and 1)
        for _ in range(4):
            web.later(minutes=5)
            web.client.post(f"/preferences/{found.token}/link")
    assert len(letters(web)) == 7
    fill(web)
    web.later(minutes=5)
    fill(web)
    assert len(letters(web)) == 8, "you get it already: once a day, and not instead of a link"
    web.later(days=1)
    fill(web)
    for _ in range(4):
        web.later(minutes=5)
        web.client.post(f"/preferences/{found.token}/link")
    assert len(letters(web)) == 12, "nor is a link missing because of it"


def test_whoever_was_forwarded_one_mail_has_ten_sent_in_a_month_and_no_more(web):
    """Its token asks for links as long as it lives; also to other spellings of the mailbox."""
    found = subscribe(web)
    other = subscribe(web, web.browser(), address="minh+tin@example.vn", digest="y-khoa",
                      topic=[], cadence="")  # fmt: skip
    before = len(letters(web))
    for day in range(1, 8):
        web.later(days=1)
        for one in (found, other)[day % 2 :]:
            assert web.client.post(f"/preferences/{one.token}/link").status_code == 200
    assert len(letters(web)) - before == 10
    for _ in range(3):
        web.later(days=1)
        page = web.client.post(f"/preferences/{found.token}/link")
        assert page.status_code == 200
    assert len(letters(web)) - before == 10
    web.later(days=21)
    web.client.post(f"/preferences/{found.token}/link")
    assert len(letters(web)) - before == 11


def test_one_visitor_asks_for_so_many_links_in_an_hour(make):
    web = make(most=2)
    found = subscribe(web)  # the first of two
    ask = f"/preferences/{found.token}/link"
    assert web.client.post(ask).status_code == 200
    web.later(minutes=5)
    refused = web.client.post(ask)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert web.browser(peer="192.0.2.1").post(ask).status_code == 200
    assert len(letters(web)) == 3


def test_after_a_day_the_link_says_so_and_offers_a_new_one(web):
    found = subscribe(web)
    link = own_link(web, found.token)
    web.later(days=1)
    page = web.client.get(link)
    assert page.status_code == 410
    assert f"/preferences/{found.token}/link" in page.text
    assert "minh@" not in page.text
    for do in ("data", "move", "forget"):
        assert web.client.post(link, data={"do": do, "sure": "yes"}).status_code == 410


def test_forged_changed_and_foreign_links_lead_nowhere(web):
    found = subscribe(web)
    lan = subscribe(web, web.browser(), address="lan@example.vn")
    link = own_link(web, found.token).removeprefix("/me/")
    token, stamp, signature = link[:32], link[32:40], link[40:]
    later = f"{int(stamp, 16) + 3600:08x}"
    other = own_link(web, lan.token).removeprefix("/me/")
    forged = [
        token + later + signature,
        lan.token + stamp + signature,
        token + stamp + other[40:],
        token + stamp + "0" * 32,
        token + "ffffffff" + signature,
        tokens.own_link(b"x" * 32, token, found.address_key, web.now + timedelta(days=1)),
        tokens.own_link(web.app.state.context.secret, token, lan.address_key, web.now),
        link.upper(),
        link[:-1],
        link + "0",
        token,
        "é",
    ]
    for one in forged:
        assert web.client.get(f"/me/{one}").status_code == 404, one
        assert web.client.post(f"/me/{one}", data={"do": "data"}).status_code == 404, one
    assert web.client.get(f"/me/{link}").status_code == 200


def test_a_form_from_another_site_does_nothing(web):
    found = subscribe(web)
    link = own_link(web, found.token)
    away = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for path, data in (
        (link, {"do": "forget", "sure": "yes"}),
        (link, {"do": "data"}),
        (link, {"do": "move", "address": "ke-gian@example.vn"}),
        (f"/preferences/{found.token}/link", {}),
        ("/move/" + "0" * 32, {}),
    ):
        assert web.browser().post(path, data=data, headers=away).status_code == 403
    assert newest(web) == found


def test_who_has_not_confirmed_gets_no_link(web):
    fill(web)
    assert web.client.post(f"/preferences/{newest(web).token}/link").status_code == 404
    assert web.client.post(f"/preferences/{'0' * 32}/link").status_code == 404
    assert len(letters(web)) == 1


# -- a change of address ------------------------------------------------------------------------


def test_both_addresses_say_yes_and_everything_goes_along(web):
    found = subscribe(web, topic=["y-te"], cadence="daily")
    link = ask_to_move(web, found, "Minh.Moi@Example.vn")
    assert people(web).keys() == {"minh@example.vn"}, "the new one has not said yes"
    asked = web.browser().get(link)
    assert "m•••h@example.vn" in text(asked)
    assert people(web).keys() == {"minh@example.vn"}, "a bare GET changes nothing"
    done = web.browser().post(link)
    assert "Đã đổi địa chỉ" in text(done)
    moved = by_token(web, found.token)
    assert moved.address == "Minh.Moi@example.vn"
    same = ("id", "subscriber_id", "token", "topics", "cadence", "starts_at", "covered_to")
    assert [getattr(moved, one) for one in same] == [getattr(found, one) for one in same]
    told = history(web.store, found)[-1]
    assert (told.what, "127.0.0.1" in json.dumps(told.detail)) == ("moved", False), "kept for good"
    assert moved.evidence.endswith("button, from 127.0.0.1"), "kept until they are forgotten"
    assert web.client.post(f"/unsubscribe/{found.token}").status_code == 200, "of an older mail"
    assert not by_token(web, found.token).live


def test_said_twice_it_is_done_once(web):
    found = subscribe(web)
    link = ask_to_move(web, found, "moi@example.vn")
    assert web.client.post(link).status_code == 200
    moved = people(web)["moi@example.vn"]
    for again in (web.client.post(link), web.client.get(link)):
        assert (again.status_code, "Đã đổi địa chỉ" in text(again)) == (200, True)
    assert people(web) == {"moi@example.vn": moved}
    web.client.post(f"/unsubscribe/{found.token}")
    assert web.client.get(link).status_code == 404


def test_the_form_pressed_twice_is_one_mail(web):
    found = subscribe(web)
    link = own_link(web, found.token)
    for _ in range(2):
        page = web.client.post(link, data={"do": "move", "address": "moi@example.vn"})
        assert "moi@example.vn" in text(page)
    assert len(links(web, "move")) == 1


def test_the_link_for_the_old_mailbox_ends_with_the_change(web):
    found = subscribe(web)
    old = own_link(web, found.token)
    web.later(minutes=5)
    move(web, found, "moi@example.vn")
    for answer in (web.client.get(old), web.client.post(old, data={"do": "data"})):
        assert answer.status_code == 410
        assert "đã được đổi sang địa chỉ khác" in text(answer)
        assert 'href="/subscribe/tuan"' in answer.text
        assert found.token not in answer.text, "the way to the preferences of the new address"
        assert "example.vn" not in text(answer).replace("tin.example.vn", "")


def test_a_change_that_nobody_confirms_ends_and_the_new_address_is_forgotten(web):
    found = subscribe(web)
    link = ask_to_move(web, found, "moi@example.vn")
    web.later(days=7, seconds=1)
    assert web.client.get(link).status_code == 410
    assert web.client.post(link).status_code == 410
    housekeeping.run(web.store, web.now)
    assert web.client.get(link).status_code == 404
    assert people(web).keys() == {"minh@example.vn"}
    with web.store.read() as connection:
        addresses = set(connection.execute(select(t.subscriber.c.address)).scalars())
    assert addresses == {"minh@example.vn", None}


def test_who_got_the_mail_by_mistake_ends_it_by_one_click(web):
    found = subscribe(web)
    link = ask_to_move(web, found, "moi@example.vn")
    web.client.post(f"/unsubscribe/{newest(web).token}")  # List-Unsubscribe of that mail
    assert web.client.post(link).status_code == 410
    assert people(web).keys() == {"minh@example.vn"}


def test_to_an_address_that_reads_already_both_become_one(web):
    minh = subscribe(web, topic=["y-te"])
    web.later(days=1)
    other = subscribe(web, digest="y-khoa", topic=[], cadence="")
    web.later(days=1)
    lan = subscribe(web, web.browser(), address="lan@example.vn", topic=["khoa-hoc"])
    web.later(days=2)
    link = ask_to_move(web, minh, "lan@example.vn")
    assert "hai bên được gộp làm một" in text(web.client.get(link))
    web.client.post(link)
    live = {one.digest: one for one in all_of(web) if one.live}
    assert set(live) == {"tuan", "y-khoa"}
    assert {one.address for one in live.values()} == {"lan@example.vn"}
    assert (live["tuan"].id, live["y-khoa"].id) == (minh.id, other.id)
    # Every link in every mail that either has got acts on what goes on.
    assert by_token(web, lan.token).id == minh.id
    page = web.client.get(f"/preferences/{lan.token}")
    assert page.status_code == 200
    web.client.post(f"/unsubscribe/{lan.token}")
    assert not by_token(web, minh.token).live
    assert "Đã khôi phục" in text(web.client.post(f"/unsubscribe/{lan.token}", data={"do": "undo"}))
    assert by_token(web, minh.token).live


def all_of(web):
    with web.store.read() as connection:
        tokens_of = connection.execute(select(t.subscription.c.token)).scalars().all()
        return [subscriptions.by_token(connection, token) for token in tokens_of]


@pytest.mark.parametrize("reason", [suppressions.BOUNCED, suppressions.COMPLAINED])
def test_to_a_suppressed_address_the_page_is_the_same_and_no_mail_goes(web, reason):
    found = subscribe(web)
    with web.store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "chet@example.vn")
        suppressions.add(connection, key, reason, web.now, "")
    link = own_link(web, found.token)
    pages = [
        re.sub(r"(chet|moi)@", "X@", web.client.post(link, data={"do": "move", "address": to}).text)
        for to in ("chet@example.vn", "moi@example.vn")
    ]
    assert pages[0] == pages[1]
    assert len(links(web, "move")) == 1


def test_who_was_suppressed_meanwhile_cannot_say_yes(web):
    found = subscribe(web)
    link = ask_to_move(web, found, "moi@example.vn")
    with web.store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "moi@example.vn")
        suppressions.add(connection, key, suppressions.BOUNCED, web.now, "")
    assert web.client.post(link).status_code == 410
    assert people(web).keys() == {"minh@example.vn"}


def test_to_an_address_that_has_left_its_own_yes_counts(web):
    lan = subscribe(web, web.browser(), address="lan@example.vn")
    web.client.post(f"/unsubscribe/{lan.token}", data={"do": "all"})
    web.later(days=1)
    minh = subscribe(web)
    web.later(days=1)
    moved = move(web, minh, "lan@example.vn")
    assert people(web).keys() == {"lan@example.vn"}
    assert by_token(web, minh.token).live
    assert moved is not None
    assert by_token(web, lan.token).ended_reason == EndedReason.ALL, "what it had left stays left"


def test_a_suppression_stays_with_the_old_address(web):
    found = subscribe(web)
    link = ask_to_move(web, found, "moi@example.vn")
    with web.store.write() as connection:
        suppressions.add(connection, found.address_key, suppressions.BOUNCED, web.now, "dead")
    web.client.post(link)
    moved = by_token(web, found.token)
    with web.store.read() as connection:
        assert suppressions.reason(connection, found.address_key) == suppressions.BOUNCED
        assert suppressions.reason(connection, moved.address_key) is None


def test_there_and_back_again(web):
    found = subscribe(web)
    move(web, found, "moi@example.vn")
    web.later(days=2)
    move(web, by_token(web, found.token), "minh@example.vn")
    again = by_token(web, found.token)
    assert (again.address, again.address_key, again.id) == (
        "minh@example.vn", found.address_key, found.id,
    )  # fmt: skip
    assert people(web).keys() == {"minh@example.vn"}


def test_the_old_address_is_free_for_whoever_has_it_next(web):
    found = subscribe(web)
    move(web, found, "moi@example.vn")
    web.later(days=1)
    fresh = subscribe(web, web.browser())
    assert fresh.subscriber_id != found.subscriber_id
    assert people(web).keys() == {"minh@example.vn", "moi@example.vn"}


def test_what_its_next_owner_did_is_not_among_the_data_of_who_left_an_address(web):
    found = subscribe(web)
    move(web, found, "moi@example.vn")
    web.later(days=1)
    fresh = subscribe(web, web.browser())
    with web.store.write() as connection:
        suppressions.add(connection, fresh.address_key, suppressions.COMPLAINED, web.now, "tin rác")
    link = own_link(web, found.token)
    told = json.loads(web.client.post(link, data={"do": "data"}).content)["tables"]
    assert told["suppression"] == []
    web.client.post(link, data={"do": "forget", "sure": "yes"})
    with web.store.read() as connection:
        assert connection.execute(select(t.suppression.c.evidence)).scalar_one() == "tin rác"


def test_an_address_that_gets_no_mail_is_not_kept(web):
    link = own_link(web, subscribe(web).token)
    for n in range(4):
        web.client.post(link, data={"do": "move", "address": f"moi+{n}@example.vn"})
    assert len(links(web, "move")) == 3, "one mailbox, and what it may get in a day"
    with web.store.read() as connection:
        kept = set(connection.execute(select(t.subscriber.c.address)).scalars())
    assert {"moi+2@example.vn", "moi+3@example.vn"} & kept == {"moi+2@example.vn"}


@pytest.mark.parametrize(
    "address", ["minh", "", "a(b)@example.vn", '"a"@example.vn', f"{'a' * 65}@example.vn",
                "a@b.vn\r\nBcc: c@d.vn", "mi\u202enh@example.vn"],
)  # fmt: skip
def test_what_is_no_address_is_said_and_nothing_is_asked(web, address):
    found = subscribe(web)
    link = own_link(web, found.token)
    page = web.client.post(link, data={"do": "move", "address": address})
    assert page.status_code == 422
    assert "Địa chỉ chưa đúng" in text(page)
    assert links(web, "move") == []


def test_the_same_address_in_another_spelling_is_no_change(web):
    found = subscribe(web)
    link = own_link(web, found.token)
    page = web.client.post(link, data={"do": "move", "address": "MINH@Example.vn"})
    assert (page.status_code, "Đó chính là địa chỉ" in text(page)) == (422, True)


# -- my data ------------------------------------------------------------------------------------

ABOUT_PEOPLE = {
    table
    for table in t.metadata.tables.values()
    if {"address_key", "mailbox_key", "subscriber_id", "subscription_id", "delivery_id"}
    & set(table.c.keys())
} | {
    # What a transactional mail and an invitation said; what an editor was mailed, and did.
    t.segment, t.invitation_text, t.review_link, t.review_act,
}  # fmt: skip


def test_my_data_has_every_row_of_every_table_that_is_about_people(web):
    """A table that gets such a column must be told, or this fails."""
    minh, lan = lived(web, "minh@example.vn", 1), lived(web, "lan@example.vn", 2)
    link = own_link(web, minh.token)
    answer = web.client.post(link, data={"do": "data"})
    assert answer.headers["content-type"] == "application/json"
    assert "attachment" in answer.headers["content-disposition"]
    told = json.loads(answer.content)
    assert told["address"] == "minh@example.vn"
    assert set(told["tables"]) == {table.name for table in ABOUT_PEOPLE}
    assert all(told["tables"].values()), {k for k, v in told["tables"].items() if not v}
    for table in ABOUT_PEOPLE:
        left_out = personal_data.UNSAID.get(table, ())
        wanted = {one.name for one in table.c} - set(left_out)
        assert all(wanted <= set(row) for row in told["tables"][table.name]), table.name
    said = answer.content.decode()
    for word in ("ghi chú 1", "trả lời 1", "danh sách 1", "lý do 1", "lời thư 1", "Bài 1"):
        assert word in said, word
    assert "lan@example.vn" not in said
    assert lan.token not in said
    for word in ("ghi chú 2", "trả lời 2", "danh sách 2", "lý do 2", "lời thư 2", "Bài 2"):
        assert word not in said, word
    assert "thư trong hộp 1" in said


def lived(web, address, n):
    """Somebody with a row in every table that is about people, each with this number in it."""
    found = subscribe(web, web.browser(), address=address)
    with web.store.write() as connection:
        mail = connection.execute(
            select(t.delivery).where(t.delivery.c.subscription_id == found.id)
        ).one()
        run = connection.execute
        run(t.subscription.update().where(t.subscription.c.id == found.id)
            .values(evidence=f"ghi chú {n}"))  # fmt: skip
        suppressed = {"reason": "unsubscribed", "suppressed_at": web.now}
        former = bytes([n]) * 32
        run(
            insert(t.former_address).values(
                address_key=former, subscriber_id=found.subscriber_id, left_at=web.now
            )
        )
        run(insert(t.suppression).values(address_key=former, evidence=f"lý do {n}", **suppressed))
        run(
            insert(t.attempt).values(
                delivery_id=mail.id, n=1, tried_at=web.now, relay="r", answer=f"trả lời {n}"
            )
        )
        run(
            insert(t.returned_mail).values(
                delivery_id=mail.id,
                kind="bounce",
                address_key=former,
                hard=False,
                status="4.2.2",
                reason="đầy",
                returned_at=web.now,
            )
        )
        run(
            insert(t.invitation_text).values(
                version=f"v{n}",
                language="vi",
                subject="Mời",
                body=f"lời thư {n}",
                first_used_at=web.now,
            )
        )
        run(
            insert(t.invitation).values(
                address_key=found.address_key,
                subscription_id=found.id,
                list_name=f"danh sách {n}",
                text_version=f"v{n}",
                invited_at=web.now,
            )
        )
        run(
            insert(t.address_change).values(
                token=f"{n:032x}",
                subscriber_id=found.subscriber_id,
                subscription_id=found.id,
                asked_at=web.now,
            )
        )
        since = web.now - timedelta(days=n)
        edition = add_edition(connection, 1, since, since - timedelta(days=7))
        run(
            insert(t.review).values(
                edition_id=edition, state="waiting", required=False, version=1, arranged=False
            )
        )
        run(
            insert(t.review_link).values(
                token=f"{n + 90:032x}", edition_id=edition, address=address, mailed_at=web.now
            )
        )
        run(insert(t.review_act).values(
            edition_id=edition, version=1, address=address, act="opening",
            detail=f"lời mở đầu {n}", happened_at=web.now))  # fmt: skip
        source = add_source(connection, web.now, f"nguon-{n}")
        story, article = add_story(
            connection, source=source, topics=[], entered_at=web.now, title=f"Bài {n}"
        )
        run(insert(t.told).values(
            subscriber_id=found.subscriber_id, scope="news", article_id=article,
            delivery_id=mail.id, shown=True))  # fmt: skip
        recalled = {"actor": "admin", "reason": "sai", "hides_title": False}
        (recall,) = run(
            insert(t.recall).values(story_id=story, recalled_at=web.now, **recalled)
        ).inserted_primary_key
        run(
            insert(t.correction).values(
                subscriber_id=found.subscriber_id, recall_id=recall,
                subscription_id=found.id, alone_at=web.now,
            )
        )  # fmt: skip
    key = mail.message_id.partition("@")[0]
    Outbox(web.settings.var / "outbox").put(key, f"thư trong hộp {n}".encode())
    return found


def test_what_was_mailed_to_another_address_is_not_among_my_data(web):
    """Whoever had the token of a change could say yes in the name of the new address."""
    found = subscribe(web)
    asked = ask_to_move(web, found, "nan-nhan@example.vn")
    web.later(minutes=5)
    data = web.client.post(own_link(web, found.token), data={"do": "data"}).text
    assert asked.removeprefix("/move/") not in data
    assert newest(web).token not in data


# -- forget me ----------------------------------------------------------------------------------


def test_forget_me_takes_the_address_away_at_once(web):
    found = subscribe(web)
    link = own_link(web, found.token)
    asked = web.client.post(link, data={"do": "forget"})
    assert (asked.status_code, "đánh dấu vào ô" in text(asked)) == (422, True)
    assert newest(web).live
    done = web.client.post(link, data={"do": "forget", "sure": "yes"})
    assert "Đã xóa" in text(done)
    gone = by_token(web, found.token)
    assert (gone.address, gone.ended_reason) == (None, EndedReason.FORGOTTEN)


GONE = "Địa chỉ ứng với liên kết này đã được xóa khỏi đây"


def test_old_links_of_who_was_forgotten_say_so_whether_they_came_back_or_not(web):
    found = subscribe(web)
    link = own_link(web, found.token)
    web.client.post(link, data={"do": "forget", "sure": "yes"})
    stop, token = f"/unsubscribe/{found.token}", found.token

    def said():
        browser = web.browser()
        answers = [browser.get(one) for one in (stop, f"/preferences/{token}", link,
                                                f"/confirm/{token}")]  # fmt: skip
        answers += [browser.post(stop, data={"do": do}) for do in ("stop", "all")]
        for do in ("undo", "pause"):
            assert browser.post(stop, data={"do": do}).headers["location"].endswith(stop)
        answers += [
            browser.post(f"/preferences/{token}/link"), browser.post(f"/confirm/{token}"),
            browser.post(f"/confirm/{token}", data={"do": "undo"}),
            browser.post(link, data={"do": "forget", "sure": "yes"}),
        ]  # fmt: skip
        return answers

    before = said()
    assert {one.status_code for one in before} == {410}
    for one in before:
        assert GONE in text(one)
        assert 'href="/subscribe/tuan"' in one.text
        assert "example.vn" not in text(one).replace("tin.example.vn", "")
        assert one.headers["x-robots-tag"] == "noindex"
    one_click = web.browser().post(stop, data={"List-Unsubscribe": "One-Click"})
    assert (one_click.status_code, GONE in text(one_click)) == (200, True)
    web.later(minutes=5)
    again = subscribe(web)
    assert again.subscriber_id == found.subscriber_id
    assert [one.text for one in said()] == [one.text for one in before]
    assert by_token(web, again.token).live


def test_what_had_ended_before_is_no_way_in_for_who_was_forgotten_and_came_back(web):
    """Mails are forwarded: an old link acts on nothing of who has signed up anew."""
    left = subscribe(web, digest="y-khoa", topic=[], cadence="")
    web.client.post(f"/unsubscribe/{left.token}", data={"do": "stop"})
    web.later(days=1)
    found = subscribe(web)
    web.client.post(own_link(web, found.token), data={"do": "forget", "sure": "yes"})
    stop = f"/unsubscribe/{left.token}"
    before = web.client.get(stop)
    web.later(days=1)
    again = subscribe(web)
    assert again.subscriber_id == left.subscriber_id
    for do in ("undo", "all"):
        web.browser().post(stop, data={"do": do})
    assert by_token(web, again.token).live
    assert not by_token(web, left.token).live
    assert (before.status_code, GONE in text(before)) == (410, True)
    assert web.client.get(stop).text == before.text
    ends = [one.detail["reason"] for one in history(web.store, left) if one.what == "ended"]
    assert ends == [EndedReason.PAGE, EndedReason.FORGOTTEN]


def test_a_forged_link_of_who_was_forgotten_or_moved_tells_nothing(web):
    found = subscribe(web)
    link = own_link(web, found.token)
    forged = link[:-4] + ("0000" if not link.endswith("0000") else "1111")
    web.later(minutes=5)
    move(web, found, "moi@example.vn")
    assert [web.client.get(one).status_code for one in (link, forged)] == [410, 404]
    web.later(minutes=5)
    web.client.post(own_link(web, found.token), data={"do": "forget", "sure": "yes"})
    assert [web.client.get(one).status_code for one in (link, forged)] == [410, 404]
    assert GONE in text(web.client.get(link))


def test_forget_me_ends_a_change_that_waits(web):
    found = subscribe(web)
    asked = ask_to_move(web, found, "moi@example.vn")
    web.later(minutes=5)
    web.client.post(own_link(web, found.token), data={"do": "forget", "sure": "yes"})
    assert web.client.post(asked).status_code == 404
    assert people(web) == {}
