"""The status page and the outbox: for those who have the key, and nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from service.mail.drain import drain
from service.mail.relays import OUTBOX
from service.report import mailing
from service.report.health import Health
from service.report.sentence import Sentence
from service.store.mailing.relays.relay_states import note_failure
from service.web.admin import admin_key
from tests.builders import add_source
from tests.levels import table
from tests.mail.returned.samples import arf, dsn
from tests.mail.returned.test_intake import LAN, Sent
from tests.web.people import fill, newest, text

PATHS = ("/admin/", "/admin", "/outbox/", "/outbox")


@pytest.fixture
async def mailed(web):
    """A confirmation mail in the outbox. Returns its key."""
    fill(web)
    await drain(web.store, web.settings, lambda: web.now, owner="test")
    [file] = (web.settings.var / "outbox" / "new").iterdir()
    return file.name


def test_the_status_page_says_how_things_stand(web):
    with web.store.write() as connection:
        add_source(connection, web.now, "bao-a", failures=3, error="HTTP 500 <b>")
    broken = {"digest": "tuan", "cut": web.now, "error": "body.html.j2 <i>"}
    web.health = Health(False, (Sentence("late.edition", broken),))
    page = web.admin().get("/admin/")
    assert page.status_code == 200
    said = text(page)
    for words in (
        "Bao-A HTTP 500 <b>",
        "lỗi",
        "Giáo dục",
        "Điểm tin tuần",
        "1 nguồn cần xem lại",
        "tuan, số 15:00 thứ Ba 24/11: body.html.j2 <i>",
    ):
        assert words in said
    assert "<b>" not in page.text
    assert "<i>" not in page.text


def test_a_relay_that_takes_no_mail_is_named_in_the_sites_language(web):
    with web.store.write() as connection:
        note_failure(connection, OUTBOX, web.now, "535 5.7.8 <b>no</b>", web.now)
        mail = mailing.mailing(connection, web.now, [OUTBOX])
        web.health = Health(False, (), tuple(mailing.troubles(mail, web.now)))
    page = web.admin().get("/admin/")
    said = text(page)
    assert f"Máy chủ gửi thư {OUTBOX} không nhận thư nào từ" in said
    assert "không nhận thư" in said
    assert "535 5.7.8 <b>no</b>" in said
    assert "Mọi thứ đang chạy" not in said
    assert "<b>no" not in page.text
    told = web.admin().get("/readyz").json()["late"]
    assert told[0].startswith(f"The relay {OUTBOX} has taken no mail since ")


def test_what_came_back_within_a_week_is_counted_by_kind(web, tmp_path):
    sent = Sent(web.store, web.now, tmp_path, digest="khac")
    sent.take(dsn(sent.paths[0], LAN), arf(sent.paths[1], mail_from=sent.paths[1]))
    said = text(web.admin().get("/admin/"))
    assert "1 thư bị trả lại hẳn trong 7 ngày" in said
    assert "1 khiếu nại thư rác trong 7 ngày" in said
    assert "thư bị trả lại tạm thời" not in said


def test_every_state_of_a_source_has_its_word_its_reason_and_the_sites_hour(web):
    soon = web.now + timedelta(hours=1)
    rows = {
        "gone": ({"failures": 1, "error": "410", "gone_at": web.now}, "đã gỡ bỏ"),
        "quarantined": (
            {"failures": 2, "error": "quarantined", "quarantined_since": web.now},
            "cách ly",
        ),
        "drifting": (
            {"failures": 1, "error": "x", "document_error": "x", "drifting_since": web.now},
            "không còn tin",
        ),
        "slowed": ({"failures": 1, "error": "429", "held_until": soon}, "được yêu cầu chờ"),
        "late": ({"next_poll_at": web.now - timedelta(hours=2)}, "chậm"),
        "paused": ({"paused_since": web.now}, "tạm dừng"),
        "moved": ({"last_ok_at": web.now, "moved_url": "https://moi.example/rss"}, "tốt"),
    }
    with web.store.write() as connection:
        for name, (values, _) in rows.items():
            add_source(connection, web.now, f"bao-{name}", **values)
    page = web.admin().get("/admin/").text
    lines = dict(re.findall(r'(?s)class="name">Bao-(\w+)(.*?)</tr>', page))
    assert [one.lower() for one in lines][:5] == [
        "gone",
        "quarantined",
        "drifting",
        "slowed",
        "late",
    ]
    lines = {name.lower(): line for name, line in lines.items()}
    for name, (_, word) in rows.items():
        assert f">{word}</td>" in lines[name]
    here = soon.astimezone(ZoneInfo(web.settings.zone))
    assert f"để yên đến {here:%H:%M} thứ Ba 24/11 (" in lines["slowed"]
    assert "đổi địa chỉ trong tệp TOML" in lines["moved"]
    assert "<code>bantin sources retry bao-gone</code>" in lines["gone"]
    assert ">–</td>" in lines["gone"]  # it is asked no more


def test_the_outbox_lists_mails_and_shows_one(web, mailed):
    listed = web.admin().get("/outbox/")
    assert "minh@example.vn" in text(listed)
    assert f'href="/outbox/{mailed}"' in listed.text
    page = web.admin().get(f"/outbox/{mailed}")
    said = text(page)
    for words in ("Xác nhận đăng ký Điểm tin tuần", "List-Unsubscribe", "Vâng, gửi Điểm tin tuần"):
        assert words in said
    assert f'src="/outbox/{mailed}/html"' in page.text
    assert 'sandbox="' in page.text
    assert "allow-scripts" not in page.text
    assert "allow-same-origin" not in page.text


def test_the_html_part_can_run_and_call_nothing(web, mailed):
    part = web.admin().get(f"/outbox/{mailed}/html")
    policy = part.headers["content-security-policy"]
    assert policy.startswith("sandbox")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert f"/confirm/{newest(web).token}" in part.text


@table("key", ["khac", "a" * 32, "..%2fbantin.db", "%2e%2e"])
def test_an_unknown_mail_is_404(web, mailed, key):
    admin = web.admin()
    for path in (f"/outbox/{key}", f"/outbox/{key}/html"):
        assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    "visitor",
    [
        {},
        {"peer": "192.168.1.5"},
        {"peer": "203.0.113.5"},
        {"base_url": "http://localhost:8000"},
        {"base_url": "http://[::1]:8000"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Forwarded-Host": "localhost"},
        {"Via": "1.1 nginx"},
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"]], ids=["no proxy", "trusted proxy"])
async def test_to_anybody_else_they_are_not_there(make, visitor, trusted):
    web = make(web={"trusted_proxies": trusted})
    admin_key.ensure(web.settings.var)
    fill(web)
    await drain(web.store, web.settings, lambda: web.now, owner="test")
    [file] = (web.settings.var / "outbox" / "new").iterdir()
    stranger = web.browser(**visitor)
    for path in (*PATHS, f"/outbox/{file.name}", f"/outbox/{file.name}/html"):
        page = stranger.get(path)
        assert page.status_code == 404
        assert "Không có trang này" in text(page)


def test_without_a_key_on_this_machine_nobody_gets_in(web):
    assert admin_key.read(web.settings.var) is None
    for path in PATHS:
        assert web.client.get(path, params={"key": ""}).status_code == 404
        assert web.client.get(path, params={"key": "0" * 40}).status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_with_the_key_they_answer_wherever_the_site_is_reached(make, path):
    web = make(site={"base_url": "https://tin.example.vn"}, web={"trusted_proxies": ["127.0.0.1"]})
    proxied = web.admin(
        base_url="https://tin.example.vn",
        **{"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"},
    )
    assert proxied.get(path).status_code == 200


def test_the_cookie_opens_the_pages_for_thirty_days_and_the_link_for_one(web):
    key = admin_key.ensure(web.settings.var)
    link = admin_key.link("", "/outbox/", key, web.now)
    client = web.admin()
    web.later(hours=23)
    assert web.browser().get(link).headers["location"] == "/outbox/"
    web.later(hours=1)
    assert web.browser().get(link).status_code == 404
    assert client.get(link).headers["location"] == "/outbox/", "an old bookmark of who is in"
    web.later(days=28, hours=23)
    assert client.get("/admin/").status_code == 200
    web.later(hours=1)
    assert client.get("/admin/").status_code == 404


def test_a_link_pressed_on_another_site_leads_through_a_page_of_ours(make):
    """After a redirect from elsewhere a browser would keep the Strict cookie back."""
    web = make(site={"base_url": "http://localhost:8000/tin"})
    key = admin_key.ensure(web.settings.var)
    client = web.browser(**{"Sec-Fetch-Site": "cross-site"})
    entered = client.get(admin_key.link("/tin", "/outbox/", key, web.now))
    assert entered.status_code == 200
    assert entered.headers["refresh"] == "0; url=/tin/outbox/"
    assert 'href="/tin/outbox/"' in entered.text
    assert "path=/tin/" in entered.headers["set-cookie"].lower()
    assert entered.headers["referrer-policy"] == "no-referrer"


def test_ready_and_alive(web):
    assert web.client.get("/healthz").text == "ok\n"
    assert web.client.get("/readyz").json() == {"ready": True, "reasons": []}
    late = (Sentence("late.more", {"n": 3, "state": "x"}),)
    web.health = Health(False, late, sources={"failing": 53, "quarantined": 1})
    coarse = {"ready": False, "reasons": ["sources: 53 failing", "sources: 1 quarantined"]}
    for stranger in (web.client, web.browser(peer="8.8.8.8")):
        answer = stranger.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, coarse)
    all_of_it = coarse | {"late": ["3 more sources: x"]}
    assert web.admin().get("/readyz").json() == all_of_it
    key = admin_key.ensure(web.settings.var)
    for scheme in ("Bearer", "bearer"):
        owner = web.browser(Authorization=f"{scheme} {key}")
        assert owner.get("/readyz").json() == all_of_it
        assert owner.get("/admin/").status_code == 404, "a key in a header opens no page"
    admin_key.renew(web.settings.var)
    assert owner.get("/readyz").json() == coarse


def test_the_outbox_says_where_mail_goes(make):
    assert "Chưa cấu hình máy chủ gửi thư" in text(make().admin().get("/outbox/"))
    relayed = make(mail={"from": "a@example.vn", "relay": {"x": {"host": "smtp.example.vn"}}})
    said = text(relayed.admin().get("/outbox/"))
    assert "Chưa cấu hình" not in said
    assert "smtp.example.vn" in said


def test_behind_a_trusted_proxy_with_tls_the_cookie_is_secure_without_a_base_url(make):
    web = make(web={"trusted_proxies": ["127.0.0.1"]})
    link = admin_key.link("", "/admin/", admin_key.ensure(web.settings.var), web.now)
    assert "Secure" not in web.browser().get(link).headers["set-cookie"]
    proxied = web.browser(**{"X-Forwarded-Proto": "https"}).get(link)
    assert "; Secure" in proxied.headers["set-cookie"]
